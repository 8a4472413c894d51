"""TCP as applications use it: many at once, half-close, resets, stalled readers, databases, bulk."""

import json
import os
import select
import shutil
import socket
import struct
import subprocess
import threading
import time
import unittest

from harness import EndToEnd, LIMIT, free_port, receive_exactly, wait_until


def postgres_folder():
    base = "/usr/lib/postgresql"
    versions = sorted(os.listdir(base), key=lambda v: float(v)) if os.path.isdir(base) else []
    return f"{base}/{versions[-1]}/bin" if versions else None


class Streams(EndToEnd):
    def setUp(self):
        super().setUp()
        self.aws = self.site("aws")
        self.dev = self.laptop("laptop", self.aws)

    def through(self, handle, address="svc"):
        """A server of ours on the laptop, seen from the site."""
        port = self.tcp_server(handle)
        self.dev.ok("expose", port, "as", address)
        where = self.aws.bind(address)
        self.aws.wait_reachable(address)
        return where

    def connect(self, where):
        connection = socket.create_connection(where, timeout=LIMIT)
        self.addCleanup(connection.close)
        return connection

    def test_each_direction_ends_by_itself(self):
        def handle(connection):
            data = b""
            while piece := connection.recv(65536):
                data += piece
            connection.sendall(data[::-1])
        client = self.connect(self.through(handle))
        client.sendall(b"abc" * 1000)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(receive_exactly(client, 3000), b"cba" * 1000)
        self.assertEqual(client.recv(1), b"")

    def test_a_server_that_speaks_first_and_ends_first_is_heard_whole(self):
        def handle(connection):
            connection.sendall(b"banner\n")
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        client = self.connect(self.through(handle))
        self.assertEqual(receive_exactly(client, 7), b"banner\n")
        self.assertEqual(client.recv(1), b"")
        client.sendall(b"still open in this direction")

    def test_a_reset_of_the_client_is_a_reset_at_the_server(self):
        seen = []
        done = threading.Event()

        def handle(connection):
            try:
                connection.recv(1)
                connection.sendall(b"x")
                connection.recv(1)
                seen.append("end")
            except ConnectionResetError:
                seen.append("reset")
            done.set()
        client = self.connect(self.through(handle))
        client.sendall(b"1")
        receive_exactly(client, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        self.assertTrue(done.wait(LIMIT))
        self.assertEqual(seen, ["reset"])

    def test_a_reset_of_the_server_is_a_reset_at_the_client(self):
        def handle(connection):
            connection.recv(1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        client = self.connect(self.through(handle))
        client.sendall(b"1")
        with self.assertRaises(ConnectionResetError):
            client.recv(1)

    def test_five_hundred_connections_at_once(self):
        def handle(connection):
            while piece := connection.recv(65536):
                connection.sendall(piece)
        where = self.through(handle)
        clients = [self.connect(where) for _ in range(500)]
        for number, client in enumerate(clients):
            client.sendall(b"%04d" % number * 256)
        for number, client in enumerate(clients):
            self.assertEqual(receive_exactly(client, 1024), b"%04d" % number * 256)
        for client in clients:
            client.shutdown(socket.SHUT_WR)
        for client in clients:
            self.assertEqual(client.recv(1), b"")
        wait_until(lambda: all(s["in_flight"] == 0 for s in self.aws.status()["services"]), "nothing is in flight")

    def test_one_stalled_reader_among_a_hundred_streams_slows_no_other(self):
        count = 2_000_000

        def handle(connection):
            connection.recv(1)
            payload = b"z" * 65536
            left = count
            while left > 0:
                connection.sendall(payload[:left])
                left -= min(left, len(payload))
            connection.recv(1)
        where = self.through(handle)
        stalled = self.connect(where)
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.sendall(b"g")
        others = [self.connect(where) for _ in range(99)]
        for other in others:
            other.sendall(b"g")
        left = {other.fileno(): count for other in others}
        end = time.monotonic() + LIMIT
        while left:
            self.assertLess(time.monotonic(), end, f"{len(left)} streams wait behind the stalled one")
            for descriptor in select.select(list(left), [], [], 10)[0]:
                piece = os.read(descriptor, 1 << 20)
                self.assertTrue(piece, "a stream ended early")
                left[descriptor] -= len(piece)
                if left[descriptor] == 0:
                    del left[descriptor]
        # and the stalled one has lost nothing
        self.assertEqual(len(receive_exactly(stalled, count)), count)

    @unittest.skipUnless(shutil.which("iperf3"), "iperf3 is not installed")
    def test_iperf3_through_a_stand_in(self):
        port = free_port()
        server = self.child("iperf3", "-s", "-p", port, "--one-off", stdout=subprocess.DEVNULL)
        wait_until(lambda: f":{port:04X} 00000000:0000 0A" in open("/proc/net/tcp").read() + open("/proc/net/tcp6").read().replace("0" * 24, ""),
                   "iperf3 listens")
        self.dev.ok("expose", f"127.0.0.1:{port}", "as", "iperf")
        where = self.aws.bind("iperf")
        self.aws.wait_reachable("iperf")
        done = subprocess.run(["iperf3", "-c", where[0], "-p", str(where[1]), "-n", "100M", "-P", "2", "-J"], capture_output=True, timeout=LIMIT)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:])
        # The client is done when it has written; what is then still on its way (windows and sockets of two streams) iperf does not count.
        self.assertGreaterEqual(json.loads(done.stdout)["end"]["sum_received"]["bytes"], 85_000_000)
        server.wait(LIMIT)

    @unittest.skipUnless(postgres_folder(), "PostgreSQL is not installed")
    def test_postgresql_through_a_stand_in(self):
        binaries = postgres_folder()
        data = os.path.join(self.folder, "pg")
        os.mkdir(data)
        prefix = []
        if os.geteuid() == 0:  # the server refuses to run as root
            shutil.chown(data, "postgres")
            os.chmod(self.folder, 0o711)
            prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
        run = lambda *command, **options: subprocess.run([*prefix, *command], check=True, timeout=LIMIT, stdout=subprocess.DEVNULL, cwd="/", **options)
        run(f"{binaries}/initdb", "-D", data, "-A", "trust", "-U", "van", "--no-sync", stderr=subprocess.DEVNULL)
        port = free_port()
        self.child(*prefix, f"{binaries}/postgres", "-D", data, "-p", port, "-h", "127.0.0.1", "-k", data, "-F", cwd="/",
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: subprocess.run([f"{binaries}/pg_isready", "-h", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL).returncode == 0,
                   "PostgreSQL answers")
        self.dev.ok("expose", f"localhost:{port}", "as", "db")
        host, stand_in = self.aws.bind("db")
        self.aws.wait_reachable("db")
        ask = ["-h", host, "-p", str(stand_in), "-U", "van"]
        answer = subprocess.run([f"{binaries}/psql", *ask, "-Atc", "select count(*) from generate_series(1, 200000)", "postgres"],
                                capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(answer.stdout.strip(), "200000", answer.stderr)
        rows = subprocess.run([f"{binaries}/psql", *ask, "-Atc", "select repeat('x', 1000) from generate_series(1, 20000)", "postgres"],
                              capture_output=True, timeout=LIMIT)
        self.assertEqual(len(rows.stdout), 20000 * 1001)
        subprocess.run([f"{binaries}/pgbench", *ask, "-i", "-q", "postgres"], check=True, capture_output=True, timeout=LIMIT)
        bench = subprocess.run([f"{binaries}/pgbench", *ask, "-c", "8", "-t", "50", "postgres"], capture_output=True, text=True, timeout=LIMIT)
        self.assertIn("number of transactions actually processed: 400/400", bench.stdout, bench.stderr)


if __name__ == "__main__":
    unittest.main()
