"""Redis, server and clients as they are, through two sites."""

import os
import shutil
import subprocess
import unittest

from harness import EndToEnd, LIMIT, free_port, octets, wait_until

COUNT = 20_000


@unittest.skipUnless(shutil.which("redis-server") and shutil.which("redis-cli"), "Redis is not installed")
class Redis(EndToEnd):
    """The server is at a laptop of one site, its clients are at the other site."""

    def setUp(self):
        super().setUp()
        mill, self.cloud = self.site("mill"), self.site("cloud")
        self.cloud.ok("join", mill.token(), "--role", "interior")
        self.own = ("127.0.0.1", free_port())
        self.child("redis-server", "--bind", self.own[0], "--port", self.own[1], "--save", "", "--dir", self.folder, stdout=subprocess.DEVNULL)
        wait_until(lambda: self.cli("ping", where=self.own) == b"PONG\n", "Redis answers")
        self.laptop("laptop", mill).ok("expose", f"{self.own[0]}:{self.own[1]}", "as", "redis")
        self.where = self.cloud.bind("redis")
        self.cloud.wait_reachable("redis")

    def command(self, *words, where=None):
        host, port = where or self.where
        return ["redis-cli", "-h", host, "-p", str(port), *words]

    def cli(self, *words, where=None, **options):
        return subprocess.run(self.command(*words, where=where), capture_output=True, timeout=LIMIT, check=False, **options).stdout

    def test_values_pipelines_and_subscribers(self):
        self.a_large_value()
        self.a_pipeline()
        self.subscribers()

    def a_large_value(self):
        value = b"".join(octets(10_000_000))
        self.assertEqual(self.cli("-x", "set", "large", input=value), b"OK\n")
        self.assertEqual(self.cli("strlen", "large", where=self.own), b"10000000\n")
        self.assertTrue(self.cli("--raw", "get", "large") == value + b"\n", "the value has changed")

    def a_pipeline(self):
        lines = b"".join(b"RPUSH list %d\r\n" % number for number in range(COUNT))
        self.assertIn(b"errors: 0, replies: %d\n" % COUNT, self.cli("--pipe", input=lines))
        self.assertEqual(self.cli("--raw", "lrange", "list", "0", "-1").split(), [b"%d" % number for number in range(COUNT)])

    def subscribers(self):
        heard = [os.path.join(self.folder, name) for name in ("first", "second")]
        for path in heard:
            with open(path, "wb") as out:
                self.child(*self.command("--csv", "subscribe", "news"), stdout=out, stderr=subprocess.DEVNULL)
        wait_until(lambda: self.cli("pubsub", "numsub", "news") == b"news\n2\n", "both have subscribed")
        for number in range(5):
            self.assertEqual(self.cli("publish", "news", f"item {number}"), b"2\n")
        wanted = ['"subscribe","news",1', *(f'"message","news","item {number}"' for number in range(5))]

        def lines(path):
            with open(path) as f:
                return [line for line in f.read().splitlines() if line.startswith('"')]
        for path in heard:
            wait_until(lambda: len(lines(path)) >= len(wanted), "all is heard")
            self.assertEqual(lines(path), wanted)


if __name__ == "__main__":
    unittest.main()
