#!/usr/bin/env python3
"""A load generator in a closed loop: keeps N requests of GET /hello in flight, each on a connection of its own.

    /loadgen/set/N         keep N in flight from now on
    /loadgen/status        what is asked for, answers among the last 100 by instance, answers a second
    /loadgen/events/FROM   every request that has ended, from number FROM on, with its times (seconds of the monotonic clock)
"""

import argparse
import asyncio
import collections
import contextlib
import json
import signal
import time

KEPT = 20000  # events
PAUSE_AFTER_FAILURE = 0.1  # seconds
RATE_OVER = 5  # seconds


class Load:
    def __init__(self, host, port, limit):
        self.host, self.port, self.limit = host, port, limit
        self.wanted = 0
        self.workers = set()
        self.events = collections.deque(maxlen=KEPT)
        self.first = 0  # number of the oldest event that is kept
        self.answered = self.failed = 0

    def set(self, count):
        self.wanted = count
        self.fill()

    def fill(self):
        while len(self.workers) < self.wanted:
            worker = asyncio.ensure_future(self.work())
            self.workers.add(worker)
            worker.add_done_callback(self.workers.discard)

    async def work(self):
        while len(self.workers) <= self.wanted:
            began = time.monotonic()
            pod = error = None
            try:
                pod = await asyncio.wait_for(self.request(), self.limit)
                self.answered += 1
            except asyncio.TimeoutError:
                error = f"no answer within {self.limit} s"
            except (OSError, EOFError, ValueError, LookupError) as failure:
                error = f"{type(failure).__name__}: {failure}"
            if len(self.events) == KEPT:
                self.first += 1
            self.events.append({"began": began, "ended": time.monotonic(), "pod": pod, "error": error})
            if error:
                self.failed += 1
                asyncio.get_running_loop().call_later(PAUSE_AFTER_FAILURE, self.fill)
                break
        self.workers.discard(asyncio.current_task())  # at once: the next one who asks must see it

    async def request(self):
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(f"GET /hello HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nConnection: close\r\n\r\n".encode())
            data = await reader.read()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        head, _, body = data.partition(b"\r\n\r\n")
        if not data:
            raise EOFError("closed without an answer")
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise ValueError(head.split(b"\r\n")[0].decode(errors="replace"))
        return json.loads(body)["pod"]

    def status(self):
        last = collections.Counter()
        for event in reversed(self.events):
            if event["pod"]:
                last[event["pod"]] += 1
            if last.total() == 100:
                break
        recently = time.monotonic() - RATE_OVER
        rate = sum(1 for event in self.events if event["pod"] and event["ended"] > recently) / RATE_OVER
        return {"requests": self.wanted, "in_flight": len(self.workers), "last_100": dict(last), "answers_per_second": round(rate, 1),
                "answered": self.answered, "failed": self.failed}

    def since(self, number):
        events = list(self.events)[max(0, number - self.first):]
        return {"now": time.monotonic(), "next": self.first + len(self.events), "events": events}

    async def control(self, reader, writer):
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
            status, body = self.answer(head.split(b" ")[1].decode())
            data = (json.dumps(body) + "\n").encode()
            writer.write(f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode() + data)
            await writer.drain()
        except (OSError, EOFError, asyncio.LimitOverrunError, asyncio.TimeoutError, LookupError, UnicodeDecodeError):
            pass
        finally:
            writer.close()

    def answer(self, path):
        words = path.strip("/").split("/")
        if words == ["loadgen", "status"]:
            return "200 OK", self.status()
        if len(words) == 3 and words[0] == "loadgen" and words[2].isdecimal():
            number = int(words[2])
            if words[1] == "set" and number <= 1000:
                self.set(number)
                return "200 OK", self.status()
            if words[1] == "events":
                return "200 OK", self.since(number)
        return "404 Not Found", {"error": "try /loadgen/set/N (at most 1000), /loadgen/status or /loadgen/events/FROM"}


async def run(options):
    host, port = options.target.rsplit(":", 1)
    load = Load(host.strip("[]"), int(port), options.limit)
    server = await asyncio.start_server(load.control, options.host, options.port, backlog=128)
    print(f"load for {options.target}: http://{options.host}:{server.sockets[0].getsockname()[1]}/loadgen/status", flush=True)
    asked_to_end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_end.set)
    await asked_to_end.wait()
    server.close()
    for worker in load.workers:
        worker.cancel()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", help="HOST:PORT to ask")
    parser.add_argument("port", type=int, nargs="?", default=8081, help="port of its own control, 0 picks one; default 8081")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; default 127.0.0.1")
    parser.add_argument("--limit", type=float, default=30, help="seconds after which a request has failed; default 30")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
