"""Beside real Skupper routers: runs where skrouterd is on the PATH, and says so where it is not."""

import base64
import concurrent.futures
import os

from harness import curl, digest_of, get, wait_until
from real_site import RealSite


class RealRouter(RealSite):
    def both_ways(self, profile):
        profile.ok("expose", self.http_server("ours"), "as", "greeting")
        where = profile.bind("web")
        profile.wait_reachable("web")
        self.assertEqual(get(where), b"hello from real\n")
        theirs = ("127.0.0.1", self.ports["stand-in"])
        wait_until(lambda: self.connects(theirs[1]), "the real listener opens")
        self.assertEqual(get(theirs), b"hello from ours\n")
        for place in (where, theirs):
            file = self.path("bulk")
            self.assertEqual(curl("-o", file, f"http://{place[0]}:{place[1]}/bytes/30000000").returncode, 0)
            import hashlib
            with open(file, "rb") as f:
                self.assertEqual(hashlib.sha256(f.read()).hexdigest(), digest_of(30_000_000))
            upload = curl("-X", "POST", "-H", "Expect:", "-T", file, f"http://{place[0]}:{place[1]}/up")
            self.assertEqual(upload.stdout.decode().split(), ["30000000", digest_of(30_000_000)], upload.stderr)

    def test_a_laptop_joins_a_real_site(self):
        token = self.real_site()
        dev = self.profile("laptop")
        dev.ok("join", token)
        self.both_ways(dev)

    def upload_from_a_laptop(self, octets, count, at_once):
        """So many uploads, some at a time, each from the first moment of its connection."""
        dev = self.profile("laptop")
        dev.ok("join", self.real_site())
        host, port = dev.bind("web")
        dev.wait_reachable("web")
        file, url = self.path("upload"), f"http://{host}:{port}"
        self.assertEqual(curl("-o", file, f"{url}/bytes/{octets}").returncode, 0)
        upload = lambda _: curl("-X", "POST", "-H", "Expect:", "-T", file, f"{url}/up", limit=60)
        with concurrent.futures.ThreadPoolExecutor(at_once) as clients:
            for done in clients.map(upload, range(count)):
                self.assertEqual(done.stdout.decode().split(), [str(octets), digest_of(octets)], done.stderr)
        return dev

    def test_what_clients_say_at_once_is_not_lost(self):
        """While the real router connects its target."""
        self.upload_from_a_laptop(1_000_000, count=60, at_once=4)

    def test_many_bulk_uploads_at_once_do_not_end_the_link(self):
        """Newer real routers end a connection on which too much waits to be taken."""
        dev = self.upload_from_a_laptop(30_000_000, count=24, at_once=12)
        self.assertNotIn("link down", dev.ok("logs").out)

    def test_a_site_of_ours_is_a_neighbour_of_a_real_one(self):
        token = self.real_site()
        ours = self.site("ours")
        ours.ok("join", token, "--role", "interior")
        self.both_ways(ours)

    def test_a_laptop_behind_a_site_of_ours_reaches_a_real_site(self):
        token = self.real_site()
        ours = self.site("ours")
        ours.ok("join", token, "--role", "interior")
        self.both_ways(self.laptop("laptop", ours))

    def test_a_real_edge_joins_a_site_of_ours(self):
        ours = self.site("ours")
        with open(ours.token()) as f:
            text = f.read()
        import re
        for name in ("ca.crt", "tls.crt", "tls.key"):
            with open(self.path("given-" + name), "wb") as f:
                f.write(base64.b64decode(re.search(rf"\b{re.escape(name)}: *\"?([A-Za-z0-9+/=]+)", text).group(1)))
        os.rename(self.path("given-ca.crt"), self.path("givenca.crt"))
        os.rename(self.path("given-tls.crt"), self.path("given.crt"))
        os.rename(self.path("given-tls.key"), self.path("given.key"))
        block = next(b for b in re.split(r"\n\s*- ", text) if re.search(r"name: \"?edge\b", b))
        port = re.search(r'port: "(\d+)"', block).group(1)
        self.start_router("REALEDGE", "edge",
                          ("connector", {"name": "up", "role": "edge", "host": "127.0.0.1", "port": port, "sslProfile": "tls", "saslMechanisms": "EXTERNAL"}),
                          ("tcpConnector", {"name": "web", "address": "web", "host": "127.0.0.1", "port": self.http}),
                          ("tcpListener", {"name": "ours", "address": "greeting", "host": "127.0.0.1", "port": self.ports["stand-in"]}),
                          ca="givenca", certificate="given")
        wait_until(lambda: ours.status()["sites"], "the real edge is there")
        self.both_ways(ours)
