"""More than one way: standbys of a laptop, rings of sites, and networks whose addresses change."""

import itertools
import os
import shutil
import signal
import subprocess
import threading
import time
import unittest

import harness
from harness import EndToEnd, Profile, get, wait_until


class Uplinks(EndToEnd):
    def setUp(self):
        super().setUp()
        self.aws = self.site("aws")
        self.azure = self.site("azure")
        self.azure.ok("join", self.aws.token(), "--role", "interior")
        self.dev = self.profile("laptop")
        self.dev.ok("join", self.aws.token(), "--name", "laptop", "--cost", "5", "--as", "to-aws")
        self.dev.ok("join", self.azure.token(), "--as", "to-azure")
        self.dev.ok("expose", self.http_server("laptop"), "as", "greeting")
        self.where = self.aws.bind("greeting")
        self.aws.wait_reachable("greeting")

    def states(self):
        return {link["name"]: link["state"] for link in self.dev.status()["links"]}

    def wait_states(self, **expected):
        expected = {f"to-{name}": state for name, state in expected.items()}
        wait_until(lambda: self.states() == expected, f"links {expected}, not {self.states()}")

    def works(self):
        try:
            return get(self.where) == b"hello from laptop\n"
        except AssertionError:
            return False

    def test_the_cheaper_uplink_carries_and_the_other_stands_by(self):
        self.wait_states(aws="standby", azure="up")
        self.assertTrue(self.works())

    def test_the_standby_takes_over_when_a_site_is_killed_and_gives_back_when_it_returns(self):
        self.wait_states(aws="standby", azure="up")
        self.azure.kill9()
        wait_until(lambda: self.states()["to-aws"] == "up", "the standby is up")
        wait_until(self.works, "the service works over the standby")
        self.azure.ok("agent", "start")
        self.wait_states(aws="standby", azure="up")
        wait_until(self.works, "the service works over the better uplink")

    def test_the_standby_takes_over_when_a_site_freezes(self):
        self.wait_states(aws="standby", azure="up")
        pid = self.azure.pid()
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: self.states()["to-aws"] == "up", "the standby is up")
            wait_until(self.works, "the service works over the standby")
        finally:
            os.kill(pid, signal.SIGCONT)
        self.wait_states(aws="standby", azure="up")

    def test_a_server_that_stops_leaves_its_requests_to_others_and_comes_back(self):
        self.aws.ok("expose", self.http_server("aws"), "as", "greeting", "--cost", "50")
        self.assertEqual(get(self.where), b"hello from laptop\n")
        stoppable = harness.HttpServer(("127.0.0.1", 0), "stoppable")
        self.dev.ok("unexpose", "greeting")
        threading.Thread(target=stoppable.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        port = stoppable.server_address[1]
        self.dev.ok("expose", port, "as", "greeting")
        wait_until(lambda: get(self.where) == b"hello from stoppable\n", "the laptop serves")
        stoppable.shutdown()
        stoppable.server_close()
        for _ in range(10):  # not one of them is lost
            self.assertEqual(get(self.where), b"hello from aws\n")
        provider = self.dev.status()["services"][0]["providers"]
        self.assertTrue(any(p["error"] for p in provider), provider)
        again = harness.HttpServer(("127.0.0.1", port), "again")
        self.serve(again)
        wait_until(lambda: get(self.where) == b"hello from again\n", "the laptop serves again")


class Ring(EndToEnd):
    def test_a_site_on_the_way_is_killed_and_the_other_way_round_serves(self):
        ring = [self.site(f"ring-{n}") for n in range(4)]
        for n in range(4):
            ring[n].ok("join", ring[(n + 1) % 4].token(), "--role", "interior", "--as", "next")
        ring[2].ok("expose", self.http_server("opposite"), "as", "greeting")
        where = ring[0].bind("greeting")
        ring[0].wait_reachable("greeting")
        self.assertEqual(get(where), b"hello from opposite\n")
        for killed in (1, 3):
            ring[killed].kill9()
            wait_until(lambda: self.served(where), "served by the other way round")
            ring[killed].ok("agent", "start")
            wait_until(lambda: len(ring[0].status()["sites"]) == 3 and all(s["hops"] < 3 for s in ring[0].status()["sites"]), "the ring is whole again")

    @staticmethod
    def served(where):
        try:
            return get(where) == b"hello from opposite\n"
        except AssertionError:
            return False


class Namespace:
    """A host of its own: a network namespace, in which agents and commands run."""

    def __init__(self, name):
        self.name = name
        ip("netns", "add", name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *args):
        ip("-n", self.name, *args)

    def delete(self):
        subprocess.run(["ip", "netns", "delete", self.name], capture_output=True, check=False)


def ip(*args):
    subprocess.run(["ip", *args], check=True, capture_output=True)


class NamespaceProfile(Profile):
    """A profile whose commands, and so its agent, run in a namespace."""

    def __init__(self, test, name, namespace):
        super().__init__(test, name)
        self.namespace = namespace

    def run(self, *args, input=None, limit=harness.LIMIT, env=None):
        done = subprocess.run(["ip", "netns", "exec", self.namespace.name, harness.VANCTL, *map(str, args)], input=input,
                              capture_output=True, text=True, timeout=limit, env=env or self.environment(), cwd=self.home)
        return harness.Result(done)


def namespaces_work():
    if os.geteuid() != 0 or not shutil.which("ip"):
        return False
    name = f"van-try-{os.getpid()}"
    try:
        tried = Namespace(name)
        tried.ip("link", "add", "one", "type", "veth", "peer", "name", "two")
        tried.ip("addr", "add", "192.0.2.1/24", "dev", "one")
        return subprocess.run(["ip", "netns", "exec", name, "true"], capture_output=True, check=False).returncode == 0
    except subprocess.CalledProcessError:
        return False
    finally:
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


@unittest.skipUnless(namespaces_work(), "network namespaces need root and 'ip netns'")
class AddressChange(EndToEnd):
    numbers = itertools.count()

    def setUp(self):
        tag = f"{os.getpid()}-{next(self.numbers)}"
        self.cloud, self.home = Namespace(f"van-c-{tag}"), Namespace(f"van-h-{tag}")
        self.addCleanup(self.home.delete)  # last of all: agents are stopped in there
        self.addCleanup(self.cloud.delete)
        super().setUp()
        ip("link", "add", "cloud0", "netns", self.cloud.name, "type", "veth", "peer", "name", "home0", "netns", self.home.name)
        self.cloud_end, self.home_end = "cloud0", "home0"
        self.cloud.ip("addr", "add", "192.0.2.1/24", "dev", self.cloud_end)
        self.cloud.ip("addr", "add", "198.51.100.1/24", "dev", self.cloud_end)
        self.home.ip("addr", "add", "192.0.2.10/24", "dev", self.home_end)
        self.cloud.ip("link", "set", self.cloud_end, "up")
        self.home.ip("link", "set", self.home_end, "up")
        self.aws = NamespaceProfile(self, "aws", self.cloud)
        self.aws.ok("site", "create", "aws", "--listen", "0.0.0.0:0", "--listen-edge", "0.0.0.0:0", "--public-host", "192.0.2.1")
        self.dev = NamespaceProfile(self, "laptop", self.home)
        self.dev.ok("join", self.aws.token(), "--name", "laptop")

    def link(self):
        return self.dev.status()["links"][0]

    def test_a_link_whose_address_is_gone_ends_at_once_and_comes_back_with_the_next_address(self):
        self.assertEqual(self.link()["state"], "up")
        began = time.monotonic()
        self.home.ip("addr", "del", "192.0.2.10/24", "dev", self.home_end)
        wait_until(lambda: self.link()["state"] != "up", "the link ends")
        self.assertIn("the local address of the link is gone", self.dev.log())
        self.assertLess(time.monotonic() - began, 3)  # less than the idle time-out
        self.home.ip("addr", "add", "192.0.2.11/24", "dev", self.home_end)
        wait_until(lambda: self.link()["state"] == "up", "the link is up from the new address")

    def test_a_route_that_comes_is_used_at_once(self):
        self.home.ip("link", "set", self.home_end, "down")
        wait_until(lambda: self.link()["state"] == "down", "the link is down")
        wait_until(lambda: "unreachable" in (self.link()["error"] or ""), "it is dialled in vain")
        self.home.ip("link", "set", self.home_end, "up")
        wait_until(lambda: self.link()["state"] == "up", "the link is up again")


if __name__ == "__main__":
    unittest.main()
