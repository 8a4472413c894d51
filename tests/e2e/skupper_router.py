"""Real Skupper routers for the tests: the same orders as `sites.OurSite`, so that a network can be made of either."""

import base64
import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess

from harness import wait_until

SKROUTERD = shutil.which("skrouterd")
LISTENING = ("inter-router", "edge")


def listening_port():
    """A free port that no connection gets as its own meanwhile: below the range that the system takes those from."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        first = int(f.read().split()[0])
    while True:
        port = random.randrange(first // 2, first)
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port


class Link:
    """What a token holds: endpoints by role and the credentials, from whomever it is."""

    def __init__(self, path):
        with open(path) as f:
            text = f.read()
        value = lambda name, block: re.search(rf"\b{re.escape(name)}: *\"?([^\s\"]+)", block).group(1)
        self.endpoints = {}
        for block in re.split(r"\n\s*- ", text.split("\n---")[0])[1:]:
            self.endpoints[value("name", block)] = (value("host", block), int(value("port", block)))
        self.files = {name: base64.b64decode(value(name, text)) for name in ("ca.crt", "tls.crt", "tls.key")}

    def write(self, path, name, cost=1):
        endpoints = "".join(f'  - name: {role}\n    host: "{host}"\n    port: "{port}"\n' for role, (host, port) in self.endpoints.items())
        data = "".join(f"  {file}: {base64.b64encode(octets).decode()}\n" for file, octets in self.files.items())
        with open(path, "w") as f:
            f.write(f"apiVersion: skupper.io/v2alpha1\nkind: Link\nmetadata:\n  name: {name}\nspec:\n  cost: {cost}\n  endpoints:\n{endpoints}"
                    f"  tlsCredentials: {name}\n---\napiVersion: v1\ndata:\n{data}kind: Secret\nmetadata:\n  name: {name}\ntype: kubernetes.io/tls\n")
        return path


def redirected(token, ports):
    """A copy of the token whose endpoints are elsewhere: {role: (host, port)}."""
    link = Link(token)
    link.endpoints.update(ports)
    name = re.sub(r"[^a-z0-9-]", "-", os.path.basename(token).lower())
    return link.write(f"{token}.elsewhere", name)


class Authority:
    """One certificate authority with a server's and a client's certificate, for all real routers of a test."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "authority")
        os.makedirs(self.folder)
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        self._openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=skupper-site-ca", "-days", "30")
        for name, extension in (("server", "subjectAltName=DNS:localhost,DNS:hub.test,DNS:127.0.0.1,IP:127.0.0.1,IP:::1"), ("client", "extendedKeyUsage=clientAuth")):
            with open(self.path(f"{name}.ext"), "w") as f:
                f.write(extension + "\n")
            self._openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
            self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-extfile",
                          f"{name}.ext", "-out", f"{name}.crt")

    def _openssl(self, *args):
        subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()


class Router:
    """One real router. Its configuration is complete before it starts, so joins and services come first, then start().

    `network` has a folder, an authority and the test whose children it ends."""
    logs = "info+"

    def __init__(self, network, name, mode="interior", host="127.0.0.1", inside=()):
        self.network, self.name, self.mode, self.host, self.inside = network, name, mode, host, tuple(inside)
        self.child = None
        self.entities = []
        self.ports = {}
        self.clients = None  # port for ordinary AMQP clients
        self.stand_ins = {}
        self._tls("own", {file: network.authority.path(ours) for file, ours in
                          (("ca.crt", "ca.crt"), ("tls.crt", "server.crt"), ("tls.key", "server.key"))})

    def _tls(self, name, files):
        self.entities.append(("sslProfile", {"name": name, "caCertFile": files["ca.crt"], "certFile": files["tls.crt"], "privateKeyFile": files["tls.key"]}))

    def listen(self):
        for role in LISTENING:
            self.ports[role] = listening_port()
            self.entities.append(("listener", {"role": role, "host": "127.0.0.1", "port": self.ports[role], "sslProfile": "own",
                                               "saslMechanisms": "EXTERNAL", "authenticatePeer": "yes", "requireSsl": "yes"}))
        return self

    def listen_for_clients(self):
        self.clients = listening_port()
        self.entities.append(("listener", {"role": "normal", "host": "127.0.0.1", "port": self.clients, "saslMechanisms": "ANONYMOUS",
                                           "authenticatePeer": "no"}))
        return self

    def token(self):
        link = Link.__new__(Link)
        link.endpoints = {role: (self.host, port) for role, port in self.ports.items()}
        link.files = {file: self.network.authority.read(ours) for file, ours in (("ca.crt", "ca.crt"), ("tls.crt", "client.crt"), ("tls.key", "client.key"))}
        path = os.path.join(self.network.folder, f"token-{self.name}-{len(os.listdir(self.network.folder))}.yaml")
        return link.write(path, f"link-{self.name.lower()}")

    def join_token(self, token, role="interior", cost=1):
        link, name = Link(token), f"up{len(self.entities)}"
        files = {}
        for file, octets in link.files.items():
            files[file] = os.path.join(self.network.folder, f"{self.name}-{name}-{file}")
            with open(files[file], "wb") as f:
                f.write(octets)
        self._tls(f"tls-{name}", files)
        kind = "inter-router" if role == "interior" else "edge"
        host, port = link.endpoints[kind]
        self.entities.append(("connector", {"name": name, "role": kind, "host": host, "port": port, "cost": cost, "sslProfile": f"tls-{name}",
                                            "saslMechanisms": "EXTERNAL"}))

    def expose(self, port, address):
        self.entities.append(("tcpConnector", {"name": f"{address}{port}", "address": address, "host": "127.0.0.1", "port": port}))

    def bind(self, address):
        port = listening_port()
        self.entities.append(("tcpListener", {"name": address, "address": address, "host": "127.0.0.1", "port": port}))
        self.stand_ins[address] = ("127.0.0.1", port)

    def stand_in(self, address):
        return self.stand_ins[address]

    def start(self):
        text = f"router {{\n mode: {self.mode}\n id: {self.name}\n}}\naddress {{\n prefix: mc\n distribution: multicast\n}}\n"
        for kind, fields in self.entities:
            text += f"{kind} {{\n" + "".join(f" {k}: {v}\n" for k, v in fields.items()) + "}\n"
        self.logged = os.path.join(self.network.folder, f"{self.name}.router.out")
        text += f"log {{\n module: DEFAULT\n enable: {self.logs}\n outputFile: {self.logged}\n}}\n"
        config = os.path.join(self.network.folder, f"{self.name}.conf")
        with open(config, "w") as f:
            f.write(text)
        with open(self.logged + ".err", "w") as errors:
            self.child = self.network.test.child(*self.inside, SKROUTERD, "-c", config, stdout=subprocess.DEVNULL, stderr=errors)
        for port in [*self.ports.values(), *([self.clients] if self.clients else [])]:
            def listens():
                if self.child.poll() is not None:
                    raise AssertionError(f"{self.name} ended with {self.child.returncode}\n{self.log()}")
                return connects("127.0.0.1", port)
            wait_until(listens, f"{self.name} listens")

    def pid(self):
        return self.child.pid

    def kill9(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait(60)

    def restart(self):
        self.child.terminate()
        self.child.wait(60)
        self.start()

    def log(self):
        lines = [f"--- log of {self.name}\n"]
        for path in (self.logged, self.logged + ".err"):
            with contextlib.suppress(OSError):
                with open(path, errors="replace") as f:
                    lines += f.readlines()[-60:]
        return "".join(lines)


def connects(host, port):
    try:
        socket.create_connection((host, port), timeout=5).close()
        return True
    except OSError:
        return False
