"""Multicast over a redundant mesh of six routers, ours and real mixed: every subscriber gets every message, and gets it once.

    R1 ── 1 ── O2 ── 1 ── R4 ── 1 ── O6        R are real routers with clients, O are sites of ours, which are in transit
    R1 ── 1 ── R3 ── 1 ── R4      O5 ── 1 ── O6
    R3 ── 2 ── O5                 O6 ── 2 ── R1     O2 ── 1 ── R3
"""

import collections
import threading
import unittest

from harness import EndToEnd, LIMIT, wait_until
from sites import OurSite
from skupper_router import Authority, Router, SKROUTERD

try:
    from routes import Routes, expected
    from proton import Message
    from proton.handlers import MessagingHandler
    from proton.reactor import Container
except ImportError:
    Container, MessagingHandler = None, object

LINKS = (("O2", "R1", 1), ("R3", "R1", 1), ("R3", "O2", 1), ("R4", "O2", 1), ("R4", "R3", 1), ("O6", "R4", 1), ("O5", "R3", 2), ("O5", "O6", 1),
         ("O6", "R1", 2))
ORDER = ("R1", "O2", "R3", "R4", "O6", "O5")
REAL = ("R1", "R3", "R4")
ADDRESS = "mc/news"
SUBSCRIBERS = 2  # at each real router


class Clients(MessagingHandler):
    """All subscribers and publishers, in one thread. Publishers send what they are asked to with credit, unsettled or settled."""

    def __init__(self, ports):
        super().__init__(prefetch=1000, auto_accept=True)
        self.ports = ports
        self.heard = {}  # subscriber -> Counter of bodies
        self.connections, self.senders, self.subscribed = {}, {}, set()
        self.to_send = collections.deque()
        self.outcomes = collections.Counter()
        self.settled = 0
        self.stopping = False
        self.errors = []
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=lambda: Container(self).run(), daemon=True)
        self.thread.start()

    def on_start(self, event):
        for router, port in self.ports.items():
            connection = event.container.connect(f"amqp://127.0.0.1:{port}", allowed_mechs="ANONYMOUS", reconnect=False, heartbeat=30)
            self.connections[router] = connection
            self.senders[router] = event.container.create_sender(connection, ADDRESS, name=f"pub-{router}")
            for n in range(SUBSCRIBERS):
                name = f"sub-{router}-{n}"
                self.heard[name] = collections.Counter()
                event.container.create_receiver(connection, ADDRESS, name=name)
        event.container.schedule(0.02, self)

    def on_link_opened(self, event):
        if event.link.is_receiver:
            self.subscribed.add(event.link.name)

    def on_timer_task(self, event):
        if self.stopping:
            for connection in self.connections.values():
                connection.close()
            return
        with self.lock:
            for _ in range(len(self.to_send)):
                router, body, settled = self.to_send.popleft()
                if self.senders[router].credit <= 0:
                    self.to_send.append((router, body, settled))
                    continue
                delivery = self.senders[router].send(Message(body=body))
                if settled:
                    delivery.settle()
        event.container.schedule(0.02, self)

    def on_message(self, event):
        self.heard[event.receiver.name][event.message.body] += 1

    def on_accepted(self, event):
        self.outcomes["accepted"] += 1

    def on_released(self, event):  # modified, too
        self.outcomes["released"] += 1

    def on_rejected(self, event):
        self.outcomes["rejected"] += 1

    def on_transport_error(self, event):
        self.errors.append(str(event.transport.condition))

    def send(self, router, bodies, settled):
        with self.lock:
            self.to_send.extend((router, body, settled) for body in bodies)

    def stop(self):
        self.stopping = True
        self.thread.join(LIMIT)


@unittest.skipUnless(SKROUTERD, "skrouterd is not on the PATH")
@unittest.skipUnless(Container, "python3-qpid-proton is not installed")
class Multicast(EndToEnd):
    def setUp(self):
        super().setUp()
        self.test = self  # the network is the test itself
        self.authority = Authority(self.folder)
        self.sites = {}
        for name in ORDER:
            if name in REAL:
                site = Router(self, name).listen().listen_for_clients()
            else:
                site = OurSite(self, name, True)
            self.sites[name] = site
            for from_site, to_site, cost in LINKS:
                if from_site == name:
                    site.join_token(self.sites[to_site].token(), "interior", cost)
            if name in REAL:
                site.start()
        self.clients = Clients({name: self.sites[name].clients for name in REAL})
        self.addCleanup(self.clients.stop)
        wait_until(lambda: len(self.clients.subscribed) == len(REAL) * SUBSCRIBERS, "everybody has subscribed")
        self.routes = Routes(self.sites["R1"].clients)
        self.addCleanup(self.routes.close)
        # Routers of ours are called by the name of the site, a hyphen and some letters.
        known = wait_until(lambda: len(ids := ["R1", *(self.routes.of("R1") or ())]) == len(ORDER) and ids, "R1 knows the five others")
        self.ids = {name: next(router for router in known if router.split("-")[0] == name) for name in ORDER}
        self.round = 0
        self.wait_settled(ORDER)

    def wait_settled(self, names):
        """Until each of the routers has computed the paths that the links among `names` ask for, and the subscriptions are known everywhere.

        A real router goes on showing one that it has lost, for a minute."""
        links = {self.ids[name]: {} for name in names}
        for one, other, cost in LINKS:
            if one in names and other in names:
                links[self.ids[one]][self.ids[other]] = links[self.ids[other]][self.ids[one]] = cost
        for router, paths in expected(links).items():
            seen = []
            try:
                wait_until(lambda: seen.append(self.routes.of(router) or {}) or paths.items() <= seen[-1].items(), "settled")
            except AssertionError:
                self.fail(f"{router} of {self.ids} has {seen[-1:]} instead of {paths}")
        self.wait_spread()

    def publish(self, count, settled=False):
        """Every publisher sends `count` messages; gives their bodies."""
        self.round += 1
        bodies = {router: [f"{self.round}:{router}:{n}" for n in range(count)] for router in REAL}
        for router in REAL:
            self.clients.send(router, bodies[router], settled)
        return [body for some in bodies.values() for body in some]

    def missing(self, bodies):
        return {name: missed for name, heard in self.clients.heard.items() if (missed := sum(heard[body] == 0 for body in bodies))}

    def wait_spread(self):
        """Until one round of messages reaches everybody: the subscriptions are known everywhere."""
        def spread():
            bodies = self.publish(1)
            try:
                return wait_until(lambda: not self.missing(bodies), "a round arrives", 2)
            except AssertionError:
                return False
        wait_until(spread, "subscriptions are known everywhere")

    def assert_exactly_once(self, bodies):
        try:
            wait_until(lambda: not self.missing(bodies), "all messages at all subscribers")
        except AssertionError:
            self.fail(f"missing: {self.missing(bodies)} of {len(bodies)}; outcomes {self.clients.outcomes}; errors {self.clients.errors}\n" +
                      "\n".join(site.log() for site in self.sites.values()))
        # What could still come twice was sent before this, on the same links.
        last = self.publish(1)
        wait_until(lambda: not self.missing(last), "the last messages")
        twice = {name: [body for body, times in heard.items() if times > 1] for name, heard in self.clients.heard.items()}
        self.assertFalse({name: some[:5] for name, some in twice.items() if some}, "messages that came twice")

    def test_each_subscriber_gets_each_message_exactly_once(self):
        """Settled ones are few at once: a real router drops them when more wait on a link than its capacity, 250."""
        self.assert_exactly_once(self.publish(200))
        for _ in range(4):
            self.assert_exactly_once(self.publish(40, settled=True))

    def test_exactly_once_when_a_transit_site_is_lost_and_when_it_is_back(self):
        lost = self.sites["O2"]
        lost.kill9()
        self.wait_settled([name for name in ORDER if name != "O2"])
        self.assert_exactly_once(self.publish(100))
        lost.start()
        self.wait_settled(ORDER)
        self.assert_exactly_once(self.publish(100))


if __name__ == "__main__":
    unittest.main()
