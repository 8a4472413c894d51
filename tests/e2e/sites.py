"""Sites of vanctl with the same orders as `skupper_router.Router`, so that a network can be made of either."""

from harness import Profile


class OurSite(Profile):
    """`network` has a folder of its own and the test's list of profiles. `inside`: words to put before every command."""

    def __init__(self, network, name, public, host="127.0.0.1", inside=()):
        self.inside = tuple(inside)
        super().__init__(network, name)
        if public:
            self.ok("site", "create", name, "--listen", "127.0.0.1:0", "--listen-edge", "127.0.0.1:0", "--public-host", host)

    def command(self, *args):
        return [*self.inside, *super().command(*args)]

    def join_token(self, token, role="interior", cost=1):
        self.ok("join", token, "--name", self.name, "--role", role, "--cost", cost, "--wait", 0)

    def expose(self, port, address, cost=0):
        self.ok("expose", port, "as", address, "--cost", cost)

    def bind(self, address):
        self.ok("bind", address)

    def start(self):
        self.ok("agent", "start")

    def restart(self):
        self.ok("agent", "restart")
