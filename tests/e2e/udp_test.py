"""UDP through the network: names, bulk, flows that move, bad input; also across a real router."""

import json
import os
import shutil
import socket
import struct
import subprocess
import threading
import unittest

from harness import EndToEnd, LIMIT, alive, free_port, wait_until
from real_site import RealSite


class DnsServer(threading.Thread):
    """Answers every question for an address with one and the same, as RFC 1035 wants it."""

    def __init__(self, test, answer, port=0):
        super().__init__(daemon=True)
        self.answer, self.clients = socket.inet_aton(answer), []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        self.start()
        test.addCleanup(self.stop)

    def run(self):
        while True:
            try:
                query, client = self.socket.recvfrom(4096)
            except OSError:
                return
            if query == b"stop":
                return
            self.clients.append(client)
            if len(query) < 13:
                continue
            end = 12
            while end < len(query) and query[end]:
                end += query[end] + 1
            question = query[12:end + 5]
            head = query[:2] + struct.pack("!HHHHH", 0x8580, 1, 1, 0, 0)
            self.socket.sendto(head + question + b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + self.answer, client)

    def stop(self):
        if self.socket.fileno() < 0:
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"stop", ("127.0.0.1", self.port))
        self.join(LIMIT)
        self.socket.close()


def dig(port, name="greeting.example"):
    done = subprocess.run(["dig", "@127.0.0.1", "-p", str(port), "+short", "+tries=5", "+time=2", name], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def service(profile, address):
    return next(s for s in profile.status()["services"] if s["address"] == address)


@unittest.skipUnless(shutil.which("dig"), "dig is not installed")
class Udp(EndToEnd):
    def test_names_are_resolved_and_flows_follow_the_servers(self):
        mill, cloud = self.site("mill"), self.site("cloud")
        cloud.ok("join", mill.token(), "--name", "cloud", "--role", "interior")
        laptop = self.laptop("laptop", mill)
        first, second = DnsServer(self, "192.0.2.1"), DnsServer(self, "192.0.2.2")
        made = mill.ok("expose", f"udp:{first.port}", "as", "dns", "-o", "json").json()
        self.assertEqual((made["protocol"], made["target"], made["port"]), ("udp", f"localhost:{first.port}", first.port))
        laptop.wait_reachable("dns")
        wait_until(lambda: service(laptop, "dns")["protocol"] == "udp", "the laptop knows what the service speaks")
        _, port = laptop.bind("dns", free_port())
        self.assertEqual(dig(port), "192.0.2.1")
        self.assertEqual(service(laptop, "dns")["protocol"], "udp")

        # One client's flow stays where it is, whoever comes, and moves when its provider goes.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.5)
            client.connect(("127.0.0.1", port))

            def ask():
                client.send(b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\1x\0\0\1\0\1")
                try:
                    return client.recv(512)[-1]
                except TimeoutError:
                    return None
            self.assertEqual(wait_until(ask, "an answer"), 1)
            cloud.ok("expose", second.port, "as", "dns", "--protocol", "udp")
            wait_until(lambda: len(service(laptop, "dns")["providers"]) == 2, "both are known")
            self.assertEqual({ask() for _ in range(10)} - {None}, {1})
            flows = len(set(first.clients))
            mill.ok("unexpose", "dns")
            wait_until(lambda: ask() == 2, "the flow has moved")
            self.assertEqual(len(set(first.clients)), flows)

            # The target is gone: the address is withdrawn, with the reason; it comes back by itself.
            mill.ok("expose", f"udp:{first.port}", "as", "dns")
            second.stop()
            wait_until(lambda: ask() == 1, "the flow has moved again")
            provider = lambda: next(p for p in service(cloud, "dns")["providers"] if p["site"] == "cloud")
            wait_until(lambda: provider()["error"], "the reason is shown")
            DnsServer(self, "192.0.2.3", second.port)
            wait_until(lambda: not provider()["error"], "it is offered again")

    def test_what_can_not_be_is_refused(self):
        mill = self.site("mill")
        mill.ok("expose", "udp:9", "as", "x")
        for words, code in ((("expose", "8080", "as", "x"), 6), (("bind", "x", free_port(), "--protocol", "tcp"), 6), (("expose", "udp:unix:/x", "as", "y"), 2),
                            (("expose", "9", "as", "y", "--multicast"), 2), (("expose", "udp:10", "as", "x", "--multicast"), 6),
                            (("bind", "y", "unix:/tmp/x", "--protocol", "udp"), 2), (("expose", "http:9", "as", "y", "--protocol", "udp"), 2)):
            self.assertEqual(mill.run(*words).code, code, words)
        self.assertEqual(mill.ok("bind", "x", free_port(), "-o", "json").json()["protocol"], "udp")
        mill.ok("agent", "restart")
        self.assertEqual(service(mill, "x")["protocol"], "udp")

    def test_any_octets_are_harmless(self):
        mill = self.site("mill")
        server = DnsServer(self, "192.0.2.1")
        mill.ok("expose", f"udp:{server.port}", "as", "dns")
        laptop = self.laptop("laptop", mill)
        laptop.wait_reachable("dns")
        _, port = laptop.bind("dns", free_port(), "--protocol", "udp")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for size in (0, 1, 12, 1500, 65507):
                for _ in range(20):
                    client.sendto(os.urandom(size), ("127.0.0.1", port))
        self.assertEqual(dig(port), "192.0.2.1")
        self.assertTrue(alive(mill.pid()))

    @unittest.skipUnless(shutil.which("iperf3"), "iperf3 is not installed")
    def test_iperf3_finds_little_lost(self):
        mill = self.site("mill")
        laptop = self.laptop("laptop", mill)
        for way, options in (("up", ()), ("down", ("-R",))):
            port, here = free_port(), free_port()
            self.child("iperf3", "-s", "-1", "-p", port, "-B", "127.0.0.1", stdout=subprocess.DEVNULL)
            control, data = f"control-{way}", f"data-{way}"
            mill.ok("expose", f"127.0.0.1:{port}", "as", control)  # iperf3 speaks TCP besides
            mill.ok("expose", f"udp:127.0.0.1:{port}", "as", data)
            laptop.ok("bind", control, f"127.0.0.1:{here}", "--protocol", "tcp")
            laptop.ok("bind", data, f"127.0.0.1:{here}", "--protocol", "udp")
            for address in (control, data):
                laptop.wait_reachable(address)
            done = subprocess.run(["iperf3", "-u", "-c", "127.0.0.1", "-p", str(here), "-l", "100", "-b", "4M", "-t", "2", "-J", *options],
                                  capture_output=True, text=True, timeout=LIMIT, check=False)
            self.assertEqual(done.returncode, 0, done.stdout)
            total = json.loads(done.stdout)["end"]["sum"]
            self.assertGreater(total["packets"], 5000, done.stdout)
            self.assertLess(total["lost_percent"], 20, done.stdout)  # other tests run beside this one
            self.assertGreater(service(laptop, data)["bytes_out" if way == "up" else "bytes_in"], 400_000)


@unittest.skipUnless(shutil.which("dig"), "dig is not installed")
class UdpAcrossRealRouters(RealSite):
    def test_real_routers_carry_datagrams_between_sites_and_laptops(self):
        token = self.real_site()
        server = DnsServer(self, "192.0.2.9")
        cloud, laptop = self.profile("cloud"), self.profile("laptop")
        cloud.ok("join", token, "--name", "cloud", "--role", "interior")
        laptop.ok("join", token, "--name", "laptop")
        for at, user in ((cloud, laptop), (laptop, cloud)):
            at.ok("expose", f"udp:{server.port}", "as", f"dns-{at.name}")
            user.wait_reachable(f"dns-{at.name}")
            _, port = user.bind(f"dns-{at.name}", free_port(), "--protocol", "udp")
            for _ in range(5):
                self.assertEqual(dig(port), "192.0.2.9")
            self.assertEqual(service(user, f"dns-{at.name}")["dropped"], 0)
