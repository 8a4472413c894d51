"""Real Skupper routers as processes of a test, with certificates of their own."""

import base64
import os
import shutil
import socket
import subprocess
import unittest

from harness import EndToEnd, free_port, wait_until


@unittest.skipUnless(shutil.which("skrouterd"), "skrouterd is not on the PATH")
class RealSite(EndToEnd):
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

    def real_site(self, *entities, env=None):
        """Starts router REAL with a service and a stand-in, and gives the path of a token for it."""
        self.start_router("REAL", "interior", self.listener("inter-router"), self.listener("edge"),
                          ("tcpConnector", {"name": "web", "address": "web", "host": "127.0.0.1", "port": self.http}),
                          ("tcpListener", {"name": "ours", "address": "greeting", "host": "127.0.0.1", "port": self.ports["stand-in"]}), *entities, env=env)
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
