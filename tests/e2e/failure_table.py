#!/usr/bin/env python3
"""Measures what faults cost, ours beside real routers at the same time: failure_table.py VANCTL [--only POSITION] [--json FILE]

Prints the table of docs/failures.md. In each network a client at `hub` opens streams to `near`, which the site that suffers and a farther site
`spare` provide, and to `only`, which only the site that suffers (or, in transit, the site behind it) provides. Ten streams between hub
and spare, which have nothing to do with the fault, are open all the time.

works   time from the fault until new streams to `near` work, with all that begin later
failed  how many of them failed until then; twenty begin each second
back    time from the end of the fault until new streams to `only` work; of a restart and of an address change: from its beginning
failed  streams to `near` that failed after the end of the fault
ended   open streams between hub and spare that ended
"""

import argparse
import asyncio
import concurrent.futures
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

if __name__ == "__main__":
    os.environ.setdefault("VANCTL", os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "")

from harness import EndToEnd, wait_until
from relay import Relay
from sites import OurSite
from skupper_router import Authority, Link, Router, SKROUTERD, redirected

POSITIONS = ("edge", "interior", "transit")
FAULTS = ("kill", "cut", "freeze", "partition", "restart", "move")
WORDS = {"kill": "router killed", "cut": "link cut", "freeze": "process frozen", "partition": "partition", "restart": "restart",
         "move": "address change"}
STREAMS = 10  # that stay open
PAUSE = 0.05  # seconds between two new streams to `near`; to `only` twice that
QUIET = 2  # seconds without a failure after which it works again
PATIENCE = 10  # seconds that a new stream may take
LIMIT = 60  # seconds a fault is watched at most
HUB = "hub.test"


class Clients:
    """All clients and servers of a measurement, on one event loop in a thread of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.servers, self.open = [], True

    def call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(120)

    def serve(self, name):
        """A server that says its name and then echoes."""
        async def talk(reader, writer):
            with contextlib.suppress(OSError):
                writer.write(name.encode() + b"\n")
                while data := await reader.read(4096):
                    writer.write(data)
            writer.close()

        async def work():
            server = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=1024)
            self.servers.append(server)
            return server.sockets[0].getsockname()[1]
        return self.call(work())

    def close(self):
        if not self.open:
            return
        self.open = False

        async def work():
            for server in self.servers:
                server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self.call(work())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(20)


class Attempt:
    def __init__(self):
        self.began, self.ended, self.pod = time.monotonic(), None, None

    @property
    def failed(self):
        return self.ended is not None and self.pod is None


class Prober:
    """Opens new streams at a steady rate, whatever becomes of the earlier ones."""

    def __init__(self, clients, where, pause):
        self.where, self.pause = where, pause
        self.attempts = []
        self.loop = clients.loop
        self.running = set()
        self.loop.call_soon_threadsafe(self._next)

    def _next(self):
        task = asyncio.ensure_future(self._attempt())
        self.running.add(task)
        task.add_done_callback(self.running.discard)
        self.timer = self.loop.call_later(self.pause, self._next)

    def stop(self):
        self.loop.call_soon_threadsafe(self._stop)

    def _stop(self):
        self.timer.cancel()
        for task in self.running:
            task.cancel()

    async def _attempt(self):
        attempt = Attempt()
        self.attempts.append(attempt)
        try:
            attempt.pod = await asyncio.wait_for(self._ask(), PATIENCE)
        except (OSError, EOFError, asyncio.TimeoutError):
            pass
        attempt.ended = time.monotonic()

    async def _ask(self):
        reader, writer = await asyncio.open_connection(*self.where)
        try:
            return (await reader.readuntil(b"\n")).decode().strip()
        finally:
            writer.close()

    def since(self, when):
        return [a for a in list(self.attempts) if a.began >= when]

    def recovery(self, since):
        """(seconds until new streams work, failed ones meanwhile); None while it is not known to work again."""
        attempts = self.since(since)
        done = [a for a in attempts if a.ended]
        waiting = [a for a in attempts if not a.ended]
        if not done or done[-1].failed or any(time.monotonic() - a.began > QUIET for a in waiting):
            return None
        last_bad = max((a.began for a in done if a.failed), default=0)
        good = [a for a in done if a.pod and a.began > last_bad]
        if not good or good[-1].began - max(good[0].began, since) < QUIET:
            return None
        return min(a.ended for a in good) - since, sum(a.failed for a in done)


class Held:
    """Streams that stay open and echo now and then."""

    def __init__(self, clients, where, count):
        self.clients, self.where, self.count = clients, where, count
        self.ended = []
        self.streams = clients.call(self._open())

    async def _open(self):
        streams = []
        while len(streams) < self.count:
            try:
                reader, writer = await asyncio.open_connection(*self.where)
            except OSError:
                continue
            try:
                await asyncio.wait_for(reader.readuntil(b"\n"), 5)
            except (OSError, EOFError, asyncio.TimeoutError):  # the fault before may not be over for everybody
                writer.transport.abort()
                continue
            streams.append((writer, asyncio.ensure_future(self._talk(reader, writer))))
        return streams

    async def _talk(self, reader, writer):
        with contextlib.suppress(OSError, EOFError):
            while True:
                writer.write(b"x")
                await reader.readexactly(1)
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(reader.readexactly(1), 0.2)  # nothing comes but its end
        self.ended.append(time.monotonic())

    def close(self):
        async def work():
            for writer, task in self.streams:
                task.cancel()
                writer.transport.abort()
        self.clients.call(work())


def elsewhere(hosts):
    """Words before a command that give it a hosts file of its own; None where the system does not let us."""
    words = ["unshare", "-rm", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts]
    with contextlib.suppress(OSError):
        if subprocess.run([*words, "true"], capture_output=True).returncode == 0:
            return words
    return None


class Network:
    """hub, the site that suffers, spare and, where it is in transit, what is behind it and a second way there."""

    def __init__(self, test, position, real):
        self.test, self.position, self.real, self.profiles = test, position, real, test.profiles
        self.label = f"{position}-{'real' if real else 'ours'}"
        self.folder = os.path.join(test.folder, self.label)
        os.makedirs(self.folder)
        self.authority = Authority(self.folder) if real else None
        self.clients, self.relay, self.sites = Clients(), None, []
        test.addCleanup(self.close)
        self.hosts, still = os.path.join(self.folder, "hosts"), os.path.join(self.folder, "hosts-of-others")
        self.resolve("127.0.0.1")
        shutil.copy(self.hosts, still)
        self.inside, others = elsewhere(self.hosts) or (), elsewhere(still) or ()

        hub = self.hub = self.site("hub", True, host=HUB if self.inside else "127.0.0.1")
        for address in ("near", "only", "other"):
            hub.bind(address)
        if real:
            hub.start()
        token = hub.token()

        role = "edge" if position == "edge" else "interior"
        kind = "edge" if position == "edge" else "inter-router"
        self.relay = Relay(self.clients.loop, ("127.0.0.1", self.ports(token)[kind]))
        through_relay = redirected(token, {kind: (HUB if self.inside else "127.0.0.1", self.relay.port)})

        self.victim = self.site("victim", position == "transit", inside=self.inside, role=role)
        self.victim.join_token(through_relay, role, 1)
        provider = self.victim
        if position == "transit":
            self.start(self.victim)
            way = self.site("detour", True, inside=others)
            way.join_token(token, "interior", 3)
            self.start(way)
            provider = self.site("behind", False)
            provider.join_token(self.victim.token(), "interior", 1)
            provider.join_token(way.token(), "interior", 3)
        for address in ("near", "only"):
            provider.expose(self.clients.serve("near"), address)
        spare = self.site("spare", False, inside=others)
        spare.join_token(token, "interior", 8)
        for address in ("near", "other"):
            spare.expose(self.clients.serve("spare"), address)
        for site in (provider, spare):
            self.start(site)

        self.near = Prober(self.clients, hub.stand_in("near"), PAUSE)
        self.only = Prober(self.clients, hub.stand_in("only"), 2 * PAUSE)
        self.settle()

    def close(self):
        """Ends clients and sites."""
        if self.relay and self.clients.open:
            self.relay.close()
        self.clients.close()
        for site in self.sites:
            if not self.real:
                site.close()
            elif site.child:
                site.child.terminate()
                site.child.wait(60)

    def site(self, name, public, host="127.0.0.1", inside=(), role="interior"):
        if self.real:
            site = Router(self, name, role, host, inside)
            if public:
                site.listen()
        else:
            site = OurSite(self, name, public, host, inside)
        self.sites.append(site)
        return site

    def start(self, site):
        if self.real:
            site.start()

    @staticmethod
    def ports(token):
        return {role: port for role, (_, port) in Link(token).endpoints.items()}

    def resolve(self, address):
        with open(self.hosts, "w") as f:
            f.write(f"127.0.0.1 localhost\n{address} {HUB}\n")

    def settle(self):
        """Waits until everything works, and `near` is at the near site."""
        began = time.monotonic()
        hear_other = Prober(self.clients, self.hub.stand_in("other"), 2 * PAUSE)
        def works():
            last = next((a for a in reversed(self.near.attempts) if a.ended), None)
            return last and last.pod == "near" and all(p.recovery(max(began, time.monotonic() - 3 * QUIET)) for p in (self.near, self.only, hear_other))
        try:
            wait_until(works, f"{self.label}: everything works")
        finally:
            hear_other.stop()

    def watch(self, prober, since, limit=LIMIT):
        with contextlib.suppress(AssertionError):
            return wait_until(lambda: prober.recovery(since), "works again", limit)
        return None, sum(a.failed for a in prober.since(since))

    def measure(self, fault):
        bystanders = Held(self.clients, self.hub.stand_in("other"), STREAMS)
        held = Held(self.clients, self.hub.stand_in("only"), STREAMS)
        pid = self.victim.pid()
        result = {}
        try:
            before = time.monotonic()
            getattr(self, "_" + fault)(pid, result)
        finally:
            result["bystanders ended"] = len(bystanders.ended)
            result["held ended"] = len(held.ended)
            result["held ended after"] = max(held.ended) - before if held.ended else None
            bystanders.close()
            held.close()
        return result

    def _away(self, since, result):
        result["works"], result["failed"] = self.watch(self.near, since)

    def _back(self, since, result):
        result["back"], _ = self.watch(self.only, since)
        self.settle()
        result["failed on return"] = sum(a.failed for a in self.near.since(since))

    def _kill(self, pid, result):
        now = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        self._away(now, result)
        now = time.monotonic()
        if self.real:
            self.victim.child.wait(60)
        self.victim.start()
        self._back(now, result)

    def _cut(self, pid, result):
        now = time.monotonic()
        self.relay.cut()
        self._away(now, result)
        now = time.monotonic()
        self.relay.heal()
        self._back(now, result)

    def _freeze(self, pid, result):
        now = time.monotonic()
        os.kill(pid, signal.SIGSTOP)
        try:
            self._away(now, result)
        finally:
            os.kill(pid, signal.SIGCONT)
        self._back(time.monotonic(), result)

    def _partition(self, pid, result):
        now = time.monotonic()
        self.relay.silence()
        self._away(now, result)
        now = time.monotonic()
        self.relay.heal()
        self._back(now, result)

    def _restart(self, pid, result):
        now = time.monotonic()
        self.victim.restart()
        self._away(now, result)
        self._back(now, result)

    def _move(self, pid, result):
        """Where the system lets us, the name of the hub means another address from now on; else only the old connections are dead."""
        if self.inside:
            self.address = "127.0.0.2" if getattr(self, "address", "127.0.0.1") == "127.0.0.1" else "127.0.0.1"
            self.resolve(self.address)
            now = time.monotonic()
            self.relay.move(self.address)
        else:
            now = time.monotonic()
            self.relay.move("127.0.0.1")
        self._away(now, result)
        self._back(now, result)


HEAD = """| | | ours | | | | | real | | | | |
|---|---|---|---|---|---|---|---|---|---|---|---|
| position | fault | works | failed | back | failed | ended | works | failed | back | failed | ended |"""


def seconds(value):
    return f"> {LIMIT} s" if value is None else f"{value:.1f} s" if value >= 0.1 else "< 0.1 s"


def row(position, fault, *both):
    cells = [position, WORDS[fault]]
    for one in both:
        cells += [seconds(one["works"]), one["failed"], seconds(one["back"]), one["failed on return"], one["bystanders ended"]] if one else [""] * 5
    return "| " + " | ".join(map(str, cells)) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vanctl")
    parser.add_argument("--only", choices=POSITIONS, action="append")
    parser.add_argument("--fault", choices=FAULTS, action="append")
    parser.add_argument("--of", choices=("ours", "real"), help="one kind only")
    parser.add_argument("--json", help="file for the figures")
    options = parser.parse_args()
    positions, faults = options.only or POSITIONS, options.fault or FAULTS
    test = EndToEnd()
    test.setUp()
    try:
        kinds = (False, True) if SKROUTERD else (False,)
        if options.of:
            kinds = (options.of == "real",)
        figures = {}
        for position in positions:  # one after the other: a busy machine would spoil the times
            networks = [Network(test, position, real) for real in kinds]
            for fault in faults:
                with concurrent.futures.ThreadPoolExecutor(len(kinds)) as pool:
                    for network, result in zip(networks, pool.map(lambda n: n.measure(fault), networks)):
                        figures[position, network.real, fault] = result
                        print(f"{network.label} {fault}: {result}", file=sys.stderr, flush=True)
            for network in networks:
                network.close()
    finally:
        test.doCleanups()
    print(HEAD)
    for position in positions:
        for fault in faults:
            print(row(position, fault, *(figures.get((position, real, fault)) for real in (False, True))))
    if options.json:
        with open(options.json, "w") as f:
            json.dump([{"position": p, "fault": fault, "real": real, **result} for (p, real, fault), result in figures.items()], f, indent=1)


if __name__ == "__main__":
    main()
