"""Several sites, and what happens when parts of the network die."""

import os
import signal
import socket
import threading
import time

from harness import EndToEnd, LIMIT, free_port, get, receive_exactly, wait_until


def echo(connection):
    while piece := connection.recv(65536):
        connection.sendall(piece)


class Chain(EndToEnd):
    def test_two_laptops_reach_each_other_over_two_sites(self):
        a = self.site("site-a")
        b = self.site("site-b")
        b.ok("join", a.token(), "--role", "interior")
        first = self.laptop("first", a)
        second = self.laptop("second", b)
        first.ok("expose", self.http_server("first"), "as", "one")
        second.ok("expose", self.http_server("second"), "as", "two")
        to_two = first.bind("two")
        to_one = second.bind("one")
        first.wait_reachable("two")
        second.wait_reachable("one")
        self.assertEqual(get(to_two), b"hello from second\n")
        self.assertEqual(get(to_one), b"hello from first\n")
        self.assertEqual(len(get(to_one, "/bytes/5000000")), 5_000_000)
        sites = {s["name"]: s for s in a.status()["sites"]}
        self.assertEqual((sites["site-b"]["role"], sites["site-b"]["direct"], sites["site-b"]["hops"]), ("interior", True, 1))

    def test_sites_in_a_row_know_how_far_the_others_are(self):
        row = [self.site(f"row-{n}") for n in range(3)]
        for nearer, farther in zip(row, row[1:]):
            farther.ok("join", nearer.token(), "--role", "interior", "--cost", "3")
        def complete():
            return {s["name"]: (s["hops"], s["cost"]) for s in row[0].status()["sites"]} == {"row-1": (1, 3), "row-2": (2, 6)}
        wait_until(complete, "the first site knows both others")


class Failures(EndToEnd):
    def setUp(self):
        super().setUp()
        self.aws = self.site("aws")
        self.dev = self.laptop("laptop", self.aws)
        self.server = self.tcp_server(echo)
        self.dev.ok("expose", self.server, "as", "echo")
        self.where = self.aws.bind("echo")
        self.aws.wait_reachable("echo")

    def talk(self):
        connection = socket.create_connection(self.where, timeout=LIMIT)
        self.addCleanup(connection.close)
        connection.sendall(b"hello")
        self.assertEqual(receive_exactly(connection, 5), b"hello")
        return connection

    def assert_ends(self, connection):
        try:
            while connection.recv(65536):
                pass
        except ConnectionResetError:
            pass

    def assert_refused(self, where):
        began = time.monotonic()
        try:
            with socket.create_connection(where, timeout=LIMIT) as connection:
                self.assertEqual(connection.recv(1), b"")
        except ConnectionError:
            pass
        self.assertLess(time.monotonic() - began, 1)

    def recovered(self):
        def works():
            try:
                with socket.create_connection(self.where, timeout=5) as connection:
                    connection.sendall(b"back")
                    return connection.recv(4) == b"back"
            except OSError:
                return False
        wait_until(works, "the service works again")

    def test_the_laptops_agent_is_killed(self):
        connection = self.talk()
        self.dev.kill9()
        self.assert_ends(connection)
        self.dev.ok("agent", "start")
        self.recovered()
        self.assertEqual([s["address"] for s in self.dev.status()["services"]], ["echo"])

    def test_the_sites_agent_is_killed(self):
        ended = threading.Event()
        at_server = []

        def watch(connection):
            try:
                while piece := connection.recv(100):
                    at_server.append(piece)
                    connection.sendall(piece)
            except OSError:
                pass
            ended.set()
        self.dev.ok("expose", self.tcp_server(watch), "as", "watched")
        where = self.aws.bind("watched")
        self.aws.wait_reachable("watched")
        with socket.create_connection(where, timeout=LIMIT) as connection:
            connection.sendall(b"there")
            receive_exactly(connection, 5)
            self.aws.kill9()
            self.assertTrue(ended.wait(LIMIT), "the server behind the laptop hears of the end")
        self.aws.ok("agent", "start")
        self.recovered()
        self.assertEqual(self.aws.stand_in("echo"), self.where)

    def test_a_frozen_site_is_given_up_within_the_idle_time_out(self):
        pid = self.aws.pid()
        os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            wait_until(lambda: all(l["state"] != "up" for l in self.dev.status()["links"]), "the laptop gives the link up")
            self.assertGreater(time.monotonic() - began, 2)
        finally:
            os.kill(pid, signal.SIGCONT)
        self.recovered()

    def test_a_target_that_is_not_there_is_a_closed_connection_at_once(self):
        self.dev.ok("expose", f"127.0.0.1:{free_port()}", "as", "absent")
        where = self.aws.bind("absent", free_port())  # not the service's own port: that is the target's, on this machine
        self.aws.wait_reachable("absent")
        self.assert_refused(where)

    def test_a_service_that_nobody_provides_is_a_closed_connection_at_once(self):
        for profile in (self.aws, self.dev):
            self.assert_refused(profile.bind("nobody"))

    def test_arbitrary_bytes_on_the_link_ports_and_the_control_socket_change_nothing(self):
        ports = [int(l["remote"].rsplit(":", 1)[1]) for l in self.dev.status()["links"]]
        control = os.path.join(self.aws.home, "default.sock")
        sockets = [path for path in self._sockets()] or [control]
        noise = [os.urandom(4096), b"AMQP\x03\x01\x00\x00" + os.urandom(512), b"GET / HTTP/1.1\r\n" * 3000, b"\x16\x03\x01\xff\xff" + os.urandom(70000),
                 b"POST /v1/links HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", b"\x00" * 100000,
                 b"POST /v1/links HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n{\"a\":[["]
        for data in noise:
            for port in ports:
                with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as connection:
                    self._push(connection, data)
            for path in sockets:
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.settimeout(LIMIT)
                    connection.connect(path)
                    self._push(connection, data)
        self.talk()
        self.assertEqual(self.aws.status()["links"][0]["state"], "up")

    def _sockets(self):
        found = []
        for folder, _, files in os.walk(self.aws.home):
            found += [os.path.join(folder, f) for f in files if f.endswith(".sock")]
        return found

    @staticmethod
    def _push(connection, data):
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except OSError:
            pass
