"""A TCP relay that stands for the way between two sites, and can be cut, silenced and moved."""

import asyncio
import contextlib
import socket
import struct


class Way:
    """One connection through the relay. While it is silent it reads nothing: what was sent waits, as in a network that lost it."""

    def __init__(self, relay, near, far):
        self.ends = (near, far)
        self.audible = asyncio.Event()
        self.audible.set()
        self.tasks = [asyncio.ensure_future(self._pass(near[0], far[1])), asyncio.ensure_future(self._pass(far[0], near[1]))]

    async def _pass(self, reader, writer):
        try:
            while True:
                await self.audible.wait()
                data = await reader.read(65536)
                await self.audible.wait()
                if not data:
                    writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()
        except (OSError, RuntimeError):
            self.cut()

    def cut(self):
        """A reset at both ends."""
        for _, writer in self.ends:
            raw = writer.get_extra_info("socket")
            if raw is not None and raw.fileno() >= 0:
                with contextlib.suppress(OSError):
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        for task in self.tasks:
            if task is not asyncio.current_task():
                task.cancel()


class Relay:
    """Runs on `loop`, an event loop of another thread; its methods are called from outside of it."""

    def __init__(self, loop, target, host="127.0.0.1"):
        self.loop, self.target = loop, target
        self.ways, self.silent, self.server = [], False, None
        self.port = 0
        self._call(self._listen(host))

    def _call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    async def _listen(self, host):
        self.host = host
        self.server = await asyncio.start_server(self._accepted, host, self.port, backlog=128)
        self.port = self.server.sockets[0].getsockname()[1]

    async def _accepted(self, reader, writer):
        try:
            far = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        way = Way(self, (reader, writer), far)
        if self.silent:
            way.audible.clear()
        self.ways.append(way)
        await asyncio.gather(*way.tasks, return_exceptions=True)
        self.ways.remove(way)
        for _, end in way.ends:
            end.close()

    def cut(self):
        """All connections are reset and new ones refused."""
        async def work():
            self.server.close()
            for way in list(self.ways):
                way.cut()
        self._call(work())

    def silence(self):
        """Nothing passes any more, and nobody is told."""
        async def work():
            self.silent = True
            for way in self.ways:
                way.audible.clear()
        self._call(work())

    def move(self, host):
        """The old connections fall silent, the old address refuses, a new one works."""
        async def work():
            for way in self.ways:
                way.audible.clear()
            self.server.close()
            await self._listen(host)
        self._call(work())

    def heal(self):
        """Everything passes again, what waited, too."""
        async def work():
            self.silent = False
            for way in self.ways:
                way.audible.set()
            if not self.server.is_serving():
                await self._listen(self.host)
        self._call(work())

    def close(self):
        if self.server.is_serving():
            self.cut()
