"""What is measured. A part of a measure is run on one contender at a time and gives numbers by the names of METRICS."""

import collections
import functools

from processes import pause, processor_seconds, resident_bytes

Metric = collections.namedtuple("Metric", "unit better text")  # better: more, less

MESSAGE_SIZES = [64, 256, 1024, 4096, 16384, 65536, 262144, 1048576]

METRICS = {}
for _streams in (1, 8):
    for _way, _text in (("up", "to the server"), ("down", "from the server")):
        _what = f"{_streams} stream{'s' if _streams > 1 else ''} {_text}"
        METRICS[f"throughput_{_streams}_{_way}"] = Metric("Gbit/s", "more", f"throughput, {_what}")
        METRICS[f"cpu_{_streams}_{_way}"] = Metric("CPU s/GB", "less", f"processor, {_what}")
for _load, _text in (("idle", "idle"), ("busy", "beside a bulk stream")):
    for _p in ("p50", "p99", "p999"):
        METRICS[f"rtt_{_load}_{_p}"] = Metric("µs", "less", f"round trip of 64 B, {_text}, {_p.replace('p999', 'p99.9')}")
METRICS["connections"] = Metric("1/s", "more", "new connections, 32 at a time")
METRICS["http"] = Metric("1/s", "more", "HTTP requests, keep-alive")
METRICS["memory_idle"] = Metric("MB", "less", "resident memory, idle, all processes")
METRICS["memory_connection"] = Metric("kB", "less", "resident memory per idle connection")
METRICS["memory_stream"] = Metric("kB", "less", "resident memory per busy stream")
METRICS["growth_closed"] = Metric("kB", "less", "growth of memory, connections opened and closed")
METRICS["growth_aborted"] = Metric("kB", "less", "growth of memory, aborted connections")
METRICS["long_1_up"] = Metric("Gbit/s", "more", "100 ms and 1 Gbit/s: throughput, 1 stream to the server")
METRICS["long_1_down"] = Metric("Gbit/s", "more", "100 ms and 1 Gbit/s: throughput, 1 stream from the server")
METRICS["long_rtt_p50"] = Metric("ms", "less", "100 ms and 1 Gbit/s: round trip of 64 B, p50")
for _size in MESSAGE_SIZES:
    METRICS[f"message_{_size}"] = Metric("Gbit/s", "more", f"throughput, 1 stream, writes of {_size} B")

Effort = collections.namedtuple("Effort", "seconds long_seconds long_omit message_seconds idle_connections busy_streams closed aborted")
FULL = Effort(seconds=4, long_seconds=8, long_omit=3, message_seconds=1, idle_connections=1000, busy_streams=8, closed=100_000, aborted=10_000)
QUICK = Effort(seconds=1, long_seconds=2, long_omit=1, message_seconds=0.05, idle_connections=100, busy_streams=8, closed=2_000, aborted=500)


def milliseconds(seconds):
    return round(seconds * 1000)


def throughput(streams, way, contender, servers, effort):
    pids = contender.pids()
    before = processor_seconds(pids)
    with servers.iperf(contender.ports["iperf"], streams, effort.seconds, reverse=way == "down") as result:
        octets, seconds = result()
        used = processor_seconds(pids) - before
    found = {f"throughput_{streams}_{way}": octets * 8 / seconds / 1e9}
    if pids:
        found[f"cpu_{streams}_{way}"] = used / (octets / 1e9)
    return found


def round_trips(contender, servers, seconds):
    return servers.client("roundtrip", contender.ports["echo"], 64, milliseconds(seconds))


def rtt(load, report):
    return {f"rtt_{load}_{p}": report[f"{p}_us"] for p in ("p50", "p99", "p999")}


def idle_rtt(contender, servers, effort):
    return rtt("idle", round_trips(contender, servers, effort.seconds))


def busy_rtt(contender, servers, effort):
    with servers.bulk(contender.ports["sink"]):
        return rtt("busy", round_trips(contender, servers, effort.seconds))


def connections(contender, servers, effort):
    report = servers.client("connections", contender.ports["echo"], 32, milliseconds(effort.seconds))
    if report["errors"]:
        contender.remarks.add(f"{report['errors']} of {report['count'] + report['errors']} new connections failed")
    return {"connections": report["per_second"]}


def http(contender, servers, effort):
    return {"http": servers.web_requests(contender.ports["web"], effort.seconds)}


def message(contender, servers, effort):
    found = {}
    for size in MESSAGE_SIZES:
        report = servers.client("bulk", contender.ports["sink"], size, milliseconds(effort.message_seconds))
        found[f"message_{size}"] = report["bytes"] * 8 / report["seconds"] / 1e9
    return found


def long_throughput(way, contender, servers, effort):
    with servers.iperf(contender.ports["iperf"], 1, effort.long_seconds, reverse=way == "down", omit=effort.long_omit) as result:
        octets, seconds = result()
    return {f"long_1_{way}": octets * 8 / seconds / 1e9}


def long_rtt(contender, servers, effort):
    return {"long_rtt_p50": round_trips(contender, servers, effort.long_seconds / 2)["p50_us"] / 1000}


def memory(contender, servers, effort):
    """On a contender that nothing has passed through yet but what showed that it is ready."""
    pids = contender.pids()
    if not pids:
        return {}
    idle = resident_bytes(pids)
    with servers.idle_connections(contender.ports["echo"], effort.idle_connections):
        with_connections = resident_bytes(contender.pids())
    return {"memory_idle": idle / 1e6, "memory_connection": (with_connections - idle) / effort.idle_connections / 1e3}


def busy_memory(contender, servers, effort):
    """The most that was seen, on a contender as for memory()."""
    pids = contender.pids()
    if not pids:
        return {}
    idle, busy = resident_bytes(pids), 0
    with servers.iperf(contender.ports["iperf"], effort.busy_streams, effort.seconds) as result:
        for _ in range(effort.seconds * 4):
            pause(0.2)
            busy = max(busy, resident_bytes(contender.pids()))
        result()
    return {"memory_stream": (busy - idle) / effort.busy_streams / 1e3}


def growth(contender, servers, effort):
    """After as many connections at a time as there will be: what a process keeps for the next ones is no growth."""
    if not contender.pids():
        return {}
    found = {}
    for name, count, end in (("growth_closed", effort.closed, "close"), ("growth_aborted", effort.aborted, "reset")):
        servers.client("count", contender.ports["echo"], 32, count // 10, end)
        before = resident_bytes(contender.pids())
        report = servers.client("count", contender.ports["echo"], 32, count, end)
        found[name] = (resident_bytes(contender.pids()) - before) / 1e3
        if report["errors"]:
            contender.remarks.add(f"{report['errors']} of {count} connections failed while memory was watched")
    return found


Measure = collections.namedtuple("Measure", "parts fresh once long hops", defaults=(False, False, False, False))

# fresh: on a contender just started; once: not in every round; long: over the long path; hops: also with more sites between.
MEASURES = {
    "throughput": Measure([functools.partial(throughput, streams, way) for streams in (1, 8) for way in ("up", "down")], hops=True),
    "rtt": Measure([idle_rtt, busy_rtt], hops=True),
    "connections": Measure([connections]),
    "http": Measure([http]),
    "message": Measure([message]),
    "long": Measure([functools.partial(long_throughput, way) for way in ("up", "down")] + [long_rtt], long=True),
    "memory": Measure([memory], fresh=True, once=True),
    "busy_memory": Measure([busy_memory], fresh=True, once=True),
    "growth": Measure([growth], fresh=True, once=True),
}
