"""Beside real Skupper routers: runs where skrouterd is on the PATH, and says so where it is not."""

import base64
import os
import shutil
import socket
import subprocess
import unittest

from harness import EndToEnd, LIMIT, curl, digest_of, free_port, get, receive_exactly, wait_until


@unittest.skipUnless(shutil.which("skrouterd"), "skrouterd is not on the PATH")
class BesideRealRouters(EndToEnd):
    """How to have a real site, and a token for it."""

    def setUp(self):
        super().setUp()
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=skupper-site-ca", "-days", "30")
        self.certificate("server", "subjectAltName=DNS:localhost,DNS:127.0.0.1,IP:127.0.0.1")
        self.certificate("client", "extendedKeyUsage=clientAuth,serverAuth")
        self.http = self.http_server("real")
        self.ports = {name: free_port() for name in ("inter-router", "edge", "stand-in")}

    def openssl(self, *args):
        subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def certificate(self, name, extension):
        with open(self.path(f"{name}.ext"), "w") as f:
            f.write(extension + "\n")
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-extfile",
                     f"{name}.ext", "-out", f"{name}.crt")

    def start_router(self, router_id, mode, *entities, ca="ca", certificate="server", env=None):
        tls = f"sslProfile {{\n name: tls\n caCertFile: {self.path(ca + '.crt')}\n certFile: {self.path(certificate + '.crt')}\n privateKeyFile: {self.path(certificate + '.key')}\n}}\n"
        text = f"router {{\n mode: {mode}\n id: {router_id}\n}}\naddress {{\n prefix: mc\n distribution: multicast\n}}\n" + tls
        for kind, fields in entities:
            text += f"{kind} {{\n" + "".join(f" {k}: {v}\n" for k, v in fields.items()) + "}\n"
        text += f"log {{\n module: DEFAULT\n enable: info+\n outputFile: {self.path(router_id + '.router.out')}\n}}\n"
        config = self.path(f"{router_id}.conf")
        with open(config, "w") as f:
            f.write(text)
        return self.child("skrouterd", "-c", config, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          env={**os.environ, **(env or {})})

    def listener(self, role):
        return ("listener", {"role": role, "host": "127.0.0.1", "port": self.ports[role], "sslProfile": "tls", "saslMechanisms": "EXTERNAL",
                             "authenticatePeer": "yes", "requireSsl": "yes"})

    def real_site(self, *more, env=None):
        self.start_router("REAL", "interior", *more, self.listener("inter-router"), self.listener("edge"),
                          ("tcpConnector", {"name": "web", "address": "web", "host": "127.0.0.1", "port": self.http}),
                          ("tcpListener", {"name": "ours", "address": "greeting", "host": "127.0.0.1", "port": self.ports["stand-in"]}), env=env)
        for role in ("inter-router", "edge"):
            wait_until(lambda: self.connects(self.ports[role]), "the router listens")
        data = {name: base64.b64encode(open(self.path(file), "rb").read()).decode() for name, file in
                (("ca.crt", "ca.crt"), ("tls.crt", "client.crt"), ("tls.key", "client.key"))}
        endpoints = "".join(f"  - name: {role}\n    host: 127.0.0.1\n    port: \"{self.ports[role]}\"\n" for role in ("inter-router", "edge"))
        token = self.path("link.yaml")
        with open(token, "w") as f:
            f.write("apiVersion: skupper.io/v2alpha1\nkind: Link\nmetadata:\n  name: link-real\nspec:\n  cost: 1\n  endpoints:\n" + endpoints +
                    "  tlsCredentials: link-real\n---\napiVersion: v1\ndata:\n" + "".join(f"  {k}: {v}\n" for k, v in data.items()) +
                    "kind: Secret\nmetadata:\n  name: link-real\ntype: kubernetes.io/tls\n")
        return token

    @staticmethod
    def connects(port):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return True
        except OSError:
            return False


class RealRouter(BesideRealRouters):
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
