"""What sites learn of each other by telemetry: services with ports, and who provides them, wherever they are."""

import unittest

from harness import EndToEnd, free_port, get, wait_until


class Discovery(EndToEnd):
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


if __name__ == "__main__":
    unittest.main()
