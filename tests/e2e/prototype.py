"""The prototype router that came with the protocol's specification: an independent peer in Python that needs nothing else.

It stands beside the repository, in shared/protocol/tools/control-plane, or where VAN_PROTOTYPE says; the same orders as
`skupper_router.Router`. All of its connections have the credentials of one authority: its own, or that of the one it joins."""

import os
import subprocess
import sys

from harness import wait_until
from skupper_router import Link, Router, connects, listening_port

BESIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), *[os.pardir] * 3, "shared", "protocol", "tools", "control-plane", "router.py")
PROTOTYPE = next((path for path in (os.environ.get("VAN_PROTOTYPE"), BESIDE) if path and os.path.exists(path)), None)


class Prototype(Router):
    def __init__(self, network, name, mode="interior"):
        super().__init__(network, name, mode)
        self.options = ["--id", name, "--mode", mode]
        self.credentials = [network.authority.path(file) for file in ("ca.crt", "server.crt", "server.key")]

    def listen(self):
        for role, option in (("inter-router", "--listen"), ("edge", "--edge-listen")):
            self.ports[role] = listening_port()
            self.options += [option, f"127.0.0.1:{self.ports[role]}"]
        return self

    def join_token(self, token, role="interior", cost=1):
        link = Link(token)
        self.credentials = [os.path.join(self.network.folder, f"{self.name}-{file}") for file in link.files]
        for path, octets in zip(self.credentials, link.files.values()):
            with open(path, "wb") as f:
                f.write(octets)
        if role == "interior":
            self.options += ["--connect", "{}:{},{}".format(*link.endpoints["inter-router"], cost)]
        else:
            self.options += ["--edge-connect", "{}:{}".format(*link.endpoints["edge"])]

    def whole_log(self):
        with open(self.logged, errors="replace") as f:
            return f.read()

    def serve(self, address):
        """Consumes from the address and answers each message to its reply-to."""
        self.options += ["--serve", address]

    def send(self, address):
        self.options += ["--send", address, "--interval", "1"]

    def start(self):
        self.logged = os.path.join(self.network.folder, f"{self.name}.prototype.out")
        credentials = [word for pair in zip(("--ca", "--cert", "--key"), self.credentials) for word in pair]
        with open(self.logged, "w") as output:
            self.child = self.network.test.child(sys.executable, "-u", PROTOTYPE, *self.options, *credentials, stdout=output, stderr=subprocess.STDOUT)
        for port in self.ports.values():
            wait_until(lambda: connects("127.0.0.1", port), f"{self.name} listens")
