#!/usr/bin/env python3
"""A server of limited speed: answers GET /hello with {"pod": NAME, "count": "N"}, ten times a second.

Every 100 ms one waiting request is answered, the oldest first; the others wait. Nobody is turned away, however many wait.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import signal


def answer(status, body):
    data = (json.dumps(body) + "\n").encode()
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode() + data


class Greeting:
    def __init__(self, name, pause):
        self.name, self.pause = name, pause
        self.count = 0
        self.waiting = collections.deque()

    async def client(self, reader, writer):
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
            if head.split(b" ")[:2] == [b"GET", b"/hello"]:
                writer.write(await self.turn(reader))
            else:
                writer.write(answer("404 Not Found", {"error": "try GET /hello"}))
            await writer.drain()
        except (OSError, EOFError, asyncio.LimitOverrunError, asyncio.TimeoutError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def turn(self, reader):
        """Waits until it is this request's turn. Who closes the connection meanwhile does not wait any more."""
        turn = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        gone = asyncio.ensure_future(reader.read())
        try:
            await asyncio.wait({turn, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not turn.done():
                turn.cancel()
                raise EOFError
            return turn.result()
        finally:
            gone.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await gone

    def answer_from(self, due):
        """Answers the oldest at `due`, a time of the loop, and so on at every turn."""
        self.timer = asyncio.get_running_loop().call_at(due, self.answer_oldest, due)

    def answer_oldest(self, due):
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                self.count += 1
                turn.set_result(answer("200 OK", {"pod": self.name, "count": str(self.count)}))
                break
        self.answer_from(max(due + self.pause, asyncio.get_running_loop().time() - 1))  # a late turn does not make the next ones late


async def run(options):
    greeting = Greeting(options.name, 1 / options.per_second)
    server = await asyncio.start_server(greeting.client, options.host, options.port, backlog=1024)
    print(f"{options.name} answers on http://{options.host}:{server.sockets[0].getsockname()[1]}/hello", flush=True)
    asked_to_end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_end.set)
    greeting.answer_from(asyncio.get_running_loop().time() + greeting.pause)
    await asked_to_end.wait()
    server.close()  # first: a connection that is accepted later would be nobody's
    greeting.timer.cancel()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="who answers")
    parser.add_argument("port", type=int, nargs="?", default=8080, help="port to listen on, 0 picks one; default 8080")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; default 127.0.0.1")
    parser.add_argument("--per-second", type=float, default=10, help="answers a second; default 10")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
