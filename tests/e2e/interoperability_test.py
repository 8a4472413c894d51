"""Rows of three sites, ours and others in every place, each link opened from either end, interiors and edges."""

import hashlib
import itertools
import os
import re
import unittest

from harness import EndToEnd, LIMIT, curl, digest_of, get, wait_until
from prototype import PROTOTYPE, Prototype
from sites import OurSite
from skupper_router import SKROUTERD, Authority, Router

OCTETS = 3_000_000
COSTS = (2, 3)


class Rows(EndToEnd):
    def setUp(self):
        super().setUp()
        self.test = self  # the network is the test itself
        self.authority = Authority(self.folder)
        self.numbers = itertools.count(1)

    def make(self, kind, name, role="interior"):
        public = role == "interior"
        if kind != "ours":
            router = {"real": Router, "prototype": Prototype}[kind](self, name, role)
            return router.listen() if public else router
        return OurSite(self, name, public)

    def row(self, kinds, roles=("interior", "interior", "interior"), from_the_middle=False):
        """Three sites in a row; the ends join the middle one, or it joins them. What the ends expose, the other one uses."""
        names = [f"{kind[0].upper()}{next(self.numbers)}" for kind in kinds]
        first, middle, last = sites = [self.make(kind, name, role) for kind, name, role in zip(kinds, names, roles)]
        started = set()

        def start(site):
            if isinstance(site, Router) and site not in started:
                started.add(site)
                site.start()
        for site, other in ((first, last), (last, first)):
            site.expose(self.http_server(site.name), f"from-{site.name.lower()}")
            site.bind(f"from-{other.name.lower()}")
        if from_the_middle:
            for site, cost in zip((first, last), COSTS):
                start(site)
                middle.join_token(site.token(), "interior", cost)
            start(middle)
        else:
            start(middle)
            for site, role, cost in zip((first, last), (roles[0], roles[2]), COSTS):
                site.join_token(middle.token(), role, cost)
                start(site)
        return sites

    def assert_served(self, user, provider, *others):
        where = user.stand_in(f"from-{provider.name.lower()}")
        expected = f"hello from {provider.name}\n".encode()

        def served():
            done = curl(f"http://{where[0]}:{where[1]}/hello", limit=20)
            self.assertNotEqual(done.returncode, 28, "neither answered nor closed")
            return done.returncode == 0 and done.stdout == expected
        try:
            wait_until(served, f"{provider.name} serves {user.name}")
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), *(site.log() for site in others), user.log(), provider.log()])) from None
        for _ in range(5):  # not by luck
            self.assertEqual(get(where), expected)
        file = os.path.join(self.folder, f"bulk{next(self.numbers)}")
        url = f"http://{where[0]}:{where[1]}"
        self.assertEqual(curl("-o", file, f"{url}/bytes/{OCTETS}").returncode, 0)
        with open(file, "rb") as f:
            self.assertEqual(hashlib.sha256(f.read()).hexdigest(), digest_of(OCTETS))
        upload = curl("-X", "POST", "-H", "Expect:", "-T", file, f"{url}/up", limit=LIMIT)
        self.assertEqual(upload.stdout.decode().split(), [str(OCTETS), digest_of(OCTETS)], upload.stderr)

    def assert_row(self, sites):
        first, middle, last = sites
        self.assert_served(first, last, middle)
        self.assert_served(last, first, middle)

    def assert_costs(self, sites):
        first, middle, last = sites
        for site in sites:
            if isinstance(site, Router):
                continue
            expected = {first: {middle.name: COSTS[0], last.name: sum(COSTS)}, middle: {first.name: COSTS[0], last.name: COSTS[1]},
                        last: {middle.name: COSTS[1], first.name: sum(COSTS)}}[site]
            wait_until(lambda: {s["name"]: s["cost"] for s in site.status()["sites"]} == expected, f"costs {expected} at {site.name}")

    def end(self, sites):
        for site in sites:
            if isinstance(site, Router):
                site.kill9()
            else:
                site.close()


@unittest.skipUnless(SKROUTERD, "skrouterd is not on the PATH")
class Interoperability(Rows):
    def test_interiors_in_every_mixture_and_links_from_either_end(self):
        for kinds in (("real", "ours", "real"), ("ours", "real", "ours"), ("ours", "real", "real"), ("real", "ours", "ours")):
            for from_the_middle in (False, True):
                with self.subTest(kinds=kinds, from_the_middle=from_the_middle):
                    sites = self.row(kinds, from_the_middle=from_the_middle)
                    self.assert_row(sites)
                    self.assert_costs(sites)
                    self.end(sites)

    def test_edges_in_every_mixture(self):
        for kinds in (("real", "ours", "real"), ("ours", "real", "ours"), ("ours", "real", "real"), ("real", "ours", "ours")):
            for roles in (("edge", "interior", "interior"), ("edge", "interior", "edge")):
                with self.subTest(kinds=kinds, roles=roles):
                    sites = self.row(kinds, roles)
                    self.assert_row(sites)
                    self.end(sites)


@unittest.skipUnless(PROTOTYPE, "the prototype router is not beside the repository")
class WithPrototypes(Rows):
    def test_streams_through_a_prototype_between_sites_and_laptops_of_ours(self):
        for roles in (("interior", "interior", "interior"), ("edge", "interior", "interior"), ("edge", "interior", "edge")):
            with self.subTest(roles=roles):
                sites = self.row(("ours", "prototype", "ours"), roles)
                self.assert_row(sites)
                if roles[0] == roles[2] == "interior":
                    self.assert_costs(sites)
                self.end(sites)

    def test_messages_between_prototypes_through_two_sites_of_ours(self):
        """An interior beside the one site, an edge of the other; each sends to what the other one serves."""
        one, other = OurSite(self, "one", True), OurSite(self, "other", True)
        other.join_token(one.token())
        interior, edge = Prototype(self, "P"), Prototype(self, "PE", "edge")
        interior.join_token(one.token(), cost=3)
        edge.join_token(other.token(), "edge")
        for peer, serves, sends in ((interior, "q-p", "q-pe"), (edge, "q-pe", "q-p")):
            peer.serve(serves)
            peer.send(sends)
            peer.start()
        for peer, sends in ((interior, "q-pe"), (edge, "q-p")):
            accepted = re.compile(rf"message \d+ to {sends}: state=0x24 settled=True")
            try:
                wait_until(lambda: len(accepted.findall(peer.whole_log())) >= 5, f"five messages of {peer.name} are accepted")
            except AssertionError as error:
                raise AssertionError(f"{error}\n{interior.log()}\n{edge.log()}") from None


if __name__ == "__main__":
    unittest.main()
