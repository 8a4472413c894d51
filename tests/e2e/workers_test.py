"""Sites with several workers (docs/decisions/0004-workers.md): streams by all of them, between sites of ours and beside a real router."""

import concurrent.futures
import hashlib
import os
import re
import socket
import subprocess

from harness import alive, curl, digest_of, get, receive_exactly, wait_until
from real_site import RealSite

WORKERS = "workers = 3\n"
MANY = 40
OCTETS = 1_000_000


def exchange(where):
    """Bulk both ways on one connection to an echo."""
    with socket.create_connection(where) as s:
        data = os.urandom(OCTETS)
        with concurrent.futures.ThreadPoolExecutor(1) as sender:
            sending = sender.submit(s.sendall, data)
            got = receive_exactly(s, OCTETS)
            sending.result()
        return got == data


def echo(connection):
    while piece := connection.recv(1 << 16):
        connection.sendall(piece)


def threads_of(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def traffic(pid, port):
    """Octets sent and received on each TCP connection of a process to a port."""
    table = subprocess.run(["ss", "-tnipHO", "state", "established", f"dport = :{port}"], check=True, capture_output=True, text=True).stdout
    number = lambda line, name: int((re.search(rf"\b{name}:(\d+)", line) or [0, 0])[1])
    return [(number(line, "bytes_sent"), number(line, "bytes_received")) for line in table.splitlines() if f"pid={pid}," in line]


def connections_to(pid, port):
    return len(traffic(pid, port))


class Workers(RealSite):
    def site_of_workers(self, name, config=WORKERS):
        profile = self.profile(name)
        profile.configure(config)
        return profile.create_site()

    def neighbour(self, name, of, config=WORKERS):
        profile = self.site_of_workers(name, config)
        profile.ok("join", of.token(), "--role", "interior")
        profile.wait_links_up()
        return profile

    def port_of(self, profile):
        """Where it takes interiors in."""
        with open(profile.token()) as f:
            block = next(b for b in f.read().split("- name") if "inter-router" in b)
        return int(block.split("port:")[1].split()[0].strip('"'))

    def all_exchange(self, where, count=MANY):
        with concurrent.futures.ThreadPoolExecutor(8) as clients:
            self.assertTrue(all(clients.map(lambda _: exchange(where), range(count))))

    def check_spread(self, profile, port, octets):
        """Each worker's own connection has carried some of so many octets each way."""
        connections = traffic(profile.pid(), port)
        for way in (0, 1):
            self.assertGreaterEqual(sum(each[way] > octets / 20 for each in connections), 3, connections)

    def service(self, profile, address):
        return next(s for s in profile.status()["services"] if s["address"] == address)

    def test_two_sites_with_workers(self):
        aws = self.site_of_workers("aws")
        dev = self.neighbour("dev", aws)
        aws.ok("expose", self.tcp_server(echo), "as", "echo")
        where = dev.bind("echo")
        dev.wait_reachable("echo")
        wait_until(lambda: connections_to(dev.pid(), self.port_of(aws)) == 4, "a control connection and one of each worker")
        self.all_exchange(where)
        self.check_spread(dev, self.port_of(aws), MANY * OCTETS)
        at_client, at_server = self.service(dev, "echo"), self.service(aws, "echo")
        self.assertEqual((at_client["connections"], at_client["bytes_in"], at_client["bytes_out"]), (MANY, MANY * OCTETS, MANY * OCTETS))
        wait_until(lambda: self.service(aws, "echo")["in_flight"] == 0, "all have ended")
        self.assertEqual((at_server["connections"], at_server["bytes_in"], at_server["bytes_out"]), (MANY, MANY * OCTETS, MANY * OCTETS))
        for profile in (aws, dev):
            self.assertEqual(len(profile.status()["links"]), 1)
            self.assertNotIn("error", profile.ok("logs").out)

        # The neighbour dies and comes again: nothing is left of the old connections.
        aws.kill9()
        wait_until(lambda: not self.service(dev, "echo")["reachable"], "the service is gone")
        aws.ok("agent", "start")
        dev.wait_reachable("echo")
        wait_until(lambda: connections_to(dev.pid(), self.port_of(aws)) == 4, "all connections are there again")
        self.all_exchange(where, 12)

        dev.ok("unbind", "echo")
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(where)
        self.assertEqual(dev.bind("echo", f"{where[0]}:{where[1]}"), where)  # at once: no worker has it any more
        aws.ok("unexpose", "echo")
        wait_until(lambda: not self.service(dev, "echo")["reachable"], "the service is gone")
        for profile in (dev, aws):
            pid = profile.pid()
            self.assertGreaterEqual(threads_of(pid), 3)
            profile.ok("agent", "stop")
            wait_until(lambda: not alive(pid), "the agent has ended, threads and all")

    def test_through_a_site_with_workers(self):
        hub = self.site_of_workers("hub")
        left = self.neighbour("left", hub, "workers = 2\n")
        right = self.neighbour("right", hub, "workers = 1\n")
        right.ok("expose", self.tcp_server(echo), "as", "echo")
        laptop = self.laptop("laptop", hub)
        laptop.ok("expose", self.tcp_server(echo), "as", "from-laptop")
        for profile, address in ((left, "echo"), (laptop, "echo"), (left, "from-laptop"), (right, "from-laptop")):
            where = profile.bind(address)
            profile.wait_reachable(address)
            self.all_exchange(where, 12)

    def test_a_site_with_workers_beside_a_real_one(self):
        token = self.real_site()
        ours = self.site_of_workers("ours")
        ours.ok("join", token, "--role", "interior")
        ours.ok("expose", self.tcp_server(echo), "as", "greeting")
        where = ours.bind("web")
        ours.wait_reachable("web")
        theirs = ("127.0.0.1", self.ports["stand-in"])
        wait_until(lambda: self.connects(theirs[1]), "the real listener opens")
        wait_until(lambda: connections_to(ours.pid(), self.ports["inter-router"]) == 4, "a control connection and one of each worker")

        def fetch(_):
            return hashlib.sha256(curl(f"http://{where[0]}:{where[1]}/bytes/{OCTETS}").stdout).hexdigest()
        with concurrent.futures.ThreadPoolExecutor(8) as clients:
            self.assertEqual(set(clients.map(fetch, range(MANY))), {digest_of(OCTETS)})
        self.all_exchange(theirs, MANY)
        self.check_spread(ours, self.ports["inter-router"], MANY * OCTETS)
        self.assertNotIn("error", ours.ok("logs").out)

    def test_a_laptop_has_one_worker(self):
        aws = self.site("aws")
        dev = self.profile("laptop")
        dev.configure(WORKERS)
        dev.join(aws)
        self.assertIn("one worker: only a site that takes links in can have more", dev.ok("logs").out)
        aws.ok("expose", self.http_server("aws"), "as", "greeting")
        where = dev.bind("greeting")
        dev.wait_reachable("greeting")
        self.assertEqual(get(where), b"hello from aws\n")
