"""What sites learn of each other by telemetry: services with ports, and who provides them, wherever they are."""

import importlib.util
import json
import os
import subprocess
import sys
import unittest

from harness import EndToEnd, free_port, get, wait_until
from real_site import RealSite


class Looking:
    @staticmethod
    def service(profile, address):
        return next((s for s in profile.status()["services"] if s["address"] == address), None)

    def wait_for_port(self, profile, address, port):
        try:
            wait_until(lambda: (self.service(profile, address) or {}).get("port") == port, f"{profile.name} knows the port of {address}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{profile.status()}\n{profile.log()}") from None

    def providers(self, profile, address):
        return [p["site"] for p in (self.service(profile, address) or {"providers": []})["providers"]]


class Discovery(Looking, EndToEnd):
    def chain(self):
        """laptop - aws - lab - bench; edges at both ends."""
        aws, lab = self.site("aws"), self.site("lab")
        lab.ok("join", aws.token(), "--role", "interior")
        return self.laptop("laptop", aws), aws, lab, self.laptop("bench", lab)

    def test_a_laptop_knows_a_service_two_sites_away(self):
        laptop, aws, lab, bench = self.chain()
        port, service_port = self.http_server("bench"), free_port()
        bench.ok("expose", f"localhost:{port}", "as", "orders", "--port", service_port)
        self.wait_for_port(laptop, "orders", service_port)
        self.assertEqual(self.service(laptop, "orders")["protocol"], "tcp")
        for profile in (laptop, aws, lab):
            wait_until(lambda: self.providers(profile, "orders") == ["bench"], f"{profile.name} knows who provides orders")
            self.assertTrue(self.service(profile, "orders")["reachable"], profile.name)
        self.assertEqual(self.service(laptop, "orders")["providers"][0]["target"], f"localhost:{port}")
        where = laptop.bind("orders")
        self.assertEqual(where, ("127.0.0.1", service_port))
        laptop.wait_reachable("orders")
        self.assertEqual(get(where), b"hello from bench\n")
        self.assertEqual(self.providers(laptop, "orders"), ["bench"])
        bench.ok("unexpose", "orders")
        wait_until(lambda: not self.providers(laptop, "orders"), "the laptop knows that it is gone")

    def test_everybody_knows_every_site(self):
        profiles = self.chain()
        hops = {"laptop": {"aws": 1, "lab": 2, "bench": 3}, "aws": {"laptop": 1, "lab": 1, "bench": 2}}
        roles = {"laptop": "edge", "bench": "edge", "aws": "interior", "lab": "interior"}
        for profile in profiles:
            others = {name: role for name, role in roles.items() if name != profile.name}
            wait_until(lambda: {s["name"]: s["role"] for s in profile.status()["sites"]} == others, f"{profile.name} knows the others")
            if profile.name in hops:
                wait_until(lambda: {s["name"]: s["hops"] for s in profile.status()["sites"]} == hops[profile.name], f"{profile.name} knows the hops")
        profiles[3].ok("agent", "stop")
        wait_until(lambda: "bench" not in {s["name"] for s in profiles[0].status()["sites"]}, "who leaves in order is gone at once", 20)

    def test_bind_right_after_join_takes_the_port_of_the_service(self):
        aws, lab = self.site("aws"), self.site("lab")
        lab.ok("join", aws.token(), "--role", "interior")
        port = free_port()
        lab.ok("expose", f"localhost:{self.http_server('lab')}", "as", "orders", "--port", port)
        self.wait_for_port(aws, "orders", port)
        laptop = self.laptop("laptop", aws)
        self.assertEqual(laptop.bind("orders"), ("127.0.0.1", port))
        laptop.ok("agent", "restart")
        self.assertEqual(laptop.stand_in("orders"), ("127.0.0.1", port))

    def test_bind_of_an_unknown_service_takes_a_free_port(self):
        aws = self.site("aws")
        laptop = self.laptop("laptop", aws)
        where = laptop.bind("nothing")
        self.assertFalse(self.service(laptop, "nothing")["reachable"])
        laptop.ok("agent", "restart")
        self.assertEqual(laptop.stand_in("nothing"), where)


class DiscoveryBesideRealRouters(Looking, RealSite):
    SITE = "11111111-2222-4333-8444-555555555555"

    def site_entity(self):
        return ("site", {"name": "east", "namespace": "default", "platform": "linux", "version": "2.1.0"})

    def test_we_list_what_a_real_site_has(self):
        """Its connector with the port, under the name of its site, on a laptop and on a site of ours."""
        token = self.real_site(self.site_entity(), env={"SKUPPER_SITE_ID": self.SITE})
        laptop, ours = self.profile("laptop"), self.site("ours")
        laptop.ok("join", token)
        ours.ok("join", token, "--role", "interior")
        for profile in (laptop, ours):
            self.wait_for_port(profile, "web", self.http)
            wait_until(lambda: self.providers(profile, "web") == ["east"], f"{profile.name} knows where web is")
            wait_until(lambda: {"id": self.SITE, "name": "east", "role": "interior"}.items() <=
                       next((s for s in profile.status()["sites"] if s["name"] == "east"), {}).items(), f"{profile.name} knows the site")
            self.assertFalse([s["address"] for s in profile.status()["services"] if s["address"].startswith(("mc/", "sfe."))])
        # The real server itself has the service's port on this machine.
        self.assertNotEqual(laptop.bind("web")[1], self.http)

    def test_bind_right_after_joining_a_real_site_takes_the_port_of_the_service(self):
        """Its next beacon may be ten seconds away."""
        port = free_port()
        token = self.real_site(("tcpConnector", {"name": "orders", "address": "orders", "host": "127.0.0.1", "port": port}))
        laptop = self.profile("laptop")
        laptop.ok("join", token)
        self.assertEqual(laptop.bind("orders"), ("127.0.0.1", port))

    def test_a_laptop_and_a_site_of_ours_know_each_other_through_a_real_site(self):
        token = self.real_site(self.site_entity(), env={"SKUPPER_SITE_ID": self.SITE})
        laptop, ours = self.profile("laptop"), self.site("ours")
        laptop.ok("join", token)
        ours.ok("join", token, "--role", "interior")
        bench = self.laptop("bench", ours)
        port = free_port()
        bench.ok("expose", f"localhost:{self.http_server('bench')}", "as", "orders", "--port", port)
        self.wait_for_port(laptop, "orders", port)
        self.assertEqual(laptop.bind("orders"), ("127.0.0.1", port))
        self.assertEqual(self.providers(laptop, "orders"), ["bench"])
        wait_until(lambda: {s["name"]: s["hops"] for s in laptop.status()["sites"]} == {"east": 1, "ours": 2, "bench": 3}, "the laptop knows everybody")

    @unittest.skipUnless(importlib.util.find_spec("proton"), "python-qpid-proton is not there")
    def test_a_strict_collector_at_a_real_router_sees_us(self):
        plain = free_port()
        token = self.real_site(("listener", {"role": "normal", "host": "127.0.0.1", "port": plain, "authenticatePeer": "no", "saslMechanisms": "ANONYMOUS"}))
        ours = self.site("ours")
        ours.ok("join", token, "--role", "interior")
        port = self.http_server("ours")
        ours.ok("expose", f"localhost:{port}", "as", "greeting", "--port", 8042, "--cost", 3)
        ours.ok("bind", "web", "127.0.0.1:0")
        bench = self.laptop("bench", ours)
        collector = self.child(sys.executable, os.path.join(os.path.dirname(__file__), "vanflow_collector.py"), f"amqp://127.0.0.1:{plain}",
                               stdout=subprocess.PIPE)
        records = {}

        def learn(wanted):
            while not wanted():
                line = json.loads(collector.stdout.readline())
                self.assertNotIn("objection", line)
                for record in line["records"]:
                    records.setdefault(record["1"], {}).update(record)

        def find(kind, **attributes):
            """Living records; attributes as _NUMBER=value."""
            return [r for r in records.values() if r["type"] == kind and "4" not in r and all(r.get(k[1:]) == v for k, v in attributes.items())]
        site = ours.status()["site"]["id"]
        learn(lambda: find("CONNECTOR", _19="greeting") and find("LISTENER", _19="web", _30="web") and find("LINK", _53="up", _54="inter-router") and
              find("LINK", _53="up", _54="edge") and find("SITE", _1=site) and len(find("ROUTER", _2=site)) == 1 and find("SITE", _30="bench"))
        connector = find("CONNECTOR", _19="greeting")[0]
        self.assertEqual((connector["15"], connector["16"], connector["18"], connector["30"]), ("localhost", "tcp", "8042", f"greeting@localhost:{port}"))
        router = find("ROUTER", _2=site)[0]
        self.assertEqual((router["13"], connector["2"]), ("interior", router["1"]))
        for role, uplink in (("inter-router", router["1"]), ("edge", None)):
            link = find("LINK", _53="up", _54=role)[0]
            access = records[link["6"]]
            self.assertEqual((access["type"], access["54"]), ("ROUTER_ACCESS", role))
            self.assertTrue(uplink in (None, link["2"]))
        ours.ok("unexpose", "greeting")
        learn(lambda: not find("CONNECTOR", _19="greeting"))
        bench.ok("agent", "stop")
        learn(lambda: not find("SITE", _30="bench"))


if __name__ == "__main__":
    unittest.main()
