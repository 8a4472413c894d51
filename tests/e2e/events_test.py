"""Events: one message to an address reaches every subscriber of the network exactly once, the publisher's site included."""

import collections
import json
import socket
import subprocess
import threading
import unittest

from harness import EndToEnd, LIMIT, free_port, wait_until
from sites import OurSite
from skupper_router import Authority, Router, SKROUTERD

try:
    from proton import Message
    from proton.handlers import MessagingHandler
    from proton.reactor import Container
except ImportError:
    Container, MessagingHandler = None, object


class Subscriber:
    """`vanctl subscribe` with what it has printed."""

    def __init__(self, profile, address, *options):
        self.lines = []
        self.child = profile.test.child(*profile.command("subscribe", address, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=profile.environment(), cwd=profile.home)
        self.thread = threading.Thread(target=lambda: self.lines.extend(iter(self.child.stdout.readline, "")), daemon=True)
        self.thread.start()
        profile.test.addCleanup(self.stop)

    def stop(self):
        if self.child.poll() is None:
            self.child.terminate()
        self.child.wait(LIMIT)
        self.thread.join(LIMIT)

    def heard(self):
        return collections.Counter(json.loads(line).get("text") for line in list(self.lines))


class AmqpClients(MessagingHandler):
    """A subscriber and a publisher at each of some real routers."""

    def __init__(self, ports, address):
        super().__init__(prefetch=1000, auto_accept=True)
        self.ports, self.address = ports, address
        self.counts = {name: collections.Counter() for name in ports}
        self.senders, self.connections, self.to_send = {}, [], collections.deque()
        self.subscribed, self.stopping = set(), False
        self.thread = threading.Thread(target=lambda: Container(self).run(), daemon=True)
        self.thread.start()

    def on_start(self, event):
        for name, port in self.ports.items():
            connection = event.container.connect(f"amqp://127.0.0.1:{port}", allowed_mechs="ANONYMOUS", reconnect=False, heartbeat=30)
            self.connections.append(connection)
            self.senders[name] = event.container.create_sender(connection, self.address, name=f"pub-{name}")
            event.container.create_receiver(connection, self.address, name=name)
        event.container.schedule(0.02, self)

    def on_link_opened(self, event):
        if event.link.is_receiver:
            self.subscribed.add(event.link.name)

    def on_message(self, event):
        body = event.message.body
        self.counts[event.receiver.name][body if isinstance(body, str) else bytes(body).decode()] += 1

    def on_timer_task(self, event):
        if self.stopping:
            for connection in self.connections:
                connection.close()
            return
        for _ in range(len(self.to_send)):
            name, body = self.to_send.popleft()
            if self.senders[name].credit > 0:
                self.senders[name].send(Message(body=body)).settle()
            else:
                self.to_send.append((name, body))
        event.container.schedule(0.02, self)

    def stop(self):
        self.stopping = True
        self.thread.join(LIMIT)


class Rounds(EndToEnd):
    def check_rounds(self, publishers, heard):
        """`publishers`: name → function of a body; `heard`: name → function that gives a Counter."""
        def arrives(body, limit):
            try:
                return wait_until(lambda: all(count()[body] for count in heard.values()), "it is everywhere", limit)
            except AssertionError:
                return False
        for name, publish in publishers.items():  # until everybody is known to everybody
            tries = iter(range(100))
            wait_until(lambda: (body := f"warm-up {next(tries)} of {name}", publish(body), arrives(body, 2))[-1], f"what {name} says arrives")
        bodies = [f"{number} of {name}" for name in publishers for number in range(20)]
        for name, publish in publishers.items():
            for number in range(20):
                publish(f"{number} of {name}")
        for body in bodies:
            if not arrives(body, LIMIT):
                self.fail(f"'{body}' is missing: { {name: count()[body] for name, count in heard.items()} }")
        for name, count in heard.items():
            twice = {body: n for body, n in count().items() if n > 1}
            self.assertEqual(twice, {}, name)

    def publisher(self, profile, address):
        return lambda body: profile.ok("publish", address, body)


class Events(Rounds):
    def test_every_subscriber_hears_each_message_once(self):
        mill, cloud = self.site("mill"), self.site("cloud")
        cloud.ok("join", mill.token(), "--name", "cloud", "--role", "interior")
        laptop = self.laptop("laptop", cloud)
        ours = (mill, cloud, laptop)
        subscribers = {f"{profile.name}-{n}": Subscriber(profile, "alerts", "-o", "json") for profile in ours for n in range(2)}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            server.settimeout(LIMIT)
            mill.ok("expose", f"udp:127.0.0.1:{server.getsockname()[1]}", "as", "alerts", "--multicast")
            self.check_rounds({profile.name: self.publisher(profile, "alerts") for profile in ours},
                              {name: subscriber.heard for name, subscriber in subscribers.items()})
            got = set()
            while len({g for g in got if b" of laptop" in g and b"warm" not in g}) < 20:
                got.add(server.recv(2000))
            # A datagram to a stand-in is an event, too.
            laptop.ok("bind", "alerts", "127.0.0.1:0", "--multicast")
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(b"by udp", laptop.stand_in("alerts"))
            for name, subscriber in subscribers.items():
                wait_until(lambda: subscriber.heard()["by udp"], f"{name} hears the datagram")

    def test_lines_messages_and_limits(self):
        mill = self.site("mill")
        nobody = mill.ok("publish", "news", "hello")
        self.assertIn("nobody is known", nobody.out + nobody.err)
        text = Subscriber(mill, "news")
        mill_services = lambda: [s for s in mill.status()["services"] if s["address"] == "news"]
        wait_until(lambda: mill_services() and mill_services()[0]["reachable"], "the subscriber is known")
        self.assertTrue(mill_services()[0]["multicast"])
        lines = "".join(f"line {n}\n" for n in range(3000)) + "the last"
        answer = mill.ok("publish", "news", "--lines", "-o", "json", input=lines).json()
        self.assertEqual(answer, {"published": 3001, "dropped": 0, "known": True})
        wait_until(lambda: len(text.lines) >= 3001, "all lines arrive")
        self.assertEqual("".join(text.lines), lines + "\n")

        one = Subscriber(mill, "news", "-o", "json", "-n", 1)
        wait_until(lambda: mill.ok("publish", "news", input="all\nof it\n") and one.lines, "one message")
        one.child.wait(LIMIT)
        self.assertEqual(one.child.returncode, 0)
        self.assertEqual(json.loads(one.lines[0]), {"text": "all\nof it\n"})
        done = mill.run("publish", "news", input="x" * 256_001)
        self.assertEqual(done.code, 2, done.err)
        self.assertIn("256000", done.err)
        text.stop()

    def test_octets_that_are_no_text_are_base64(self):
        mill = self.site("mill")
        raw, coded = Subscriber(mill, "news", "-n", 1), Subscriber(mill, "news", "-o", "json", "-n", 1)
        raw.child.stdout.reconfigure(errors="surrogateescape")
        port = free_port()
        mill.ok("bind", "news", f"127.0.0.1:{port}", "--multicast")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            wait_until(lambda: client.sendto(b"\xff\x00x", ("127.0.0.1", port)) and raw.lines and coded.lines, "a message")
        self.assertEqual(raw.lines[0].encode(errors="surrogateescape"), b"\xff\x00x\n")
        self.assertEqual(json.loads(coded.lines[0]), {"base64": "/wB4"})

    def test_a_slow_subscriber_is_told_what_it_lost_and_others_lose_nothing(self):
        mill = self.site("mill")
        quick = Subscriber(mill, "news")
        slow = self.child(*mill.command("subscribe", "news", "-o", "json"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env=mill.environment(), cwd=mill.home, text=True)
        wait_until(lambda: mill.ok("publish", "news", "first") and quick.lines, "the quick one hears")
        self.assertTrue(slow.stdout.readline())  # then it reads nothing
        before = len(quick.lines)
        line = "x" * 2000 + "\n"
        for sent in range(1000, 7000, 1000):  # 2 MB each time, less than waits for a subscriber
            mill.ok("publish", "news", "--lines", input=line * 1000)
            wait_until(lambda sent=sent: len(quick.lines) >= before + sent, "the quick one has all")
        lost = got = 0
        for text in iter(slow.stdout.readline, ""):
            event = json.loads(text)
            lost += event.get("lost", 0)
            got += "lost" not in event and len(event["text"]) == 2000
            if lost + got >= 6000:
                break
        self.assertEqual(lost + got, 6000)
        self.assertGreater(lost, 0)


@unittest.skipUnless(SKROUTERD, "skrouterd is not on the PATH")
@unittest.skipUnless(Container, "python3-qpid-proton is not installed")
class EventsAcrossRealRouters(Rounds):
    def test_every_subscriber_hears_each_message_once(self):
        self.test = self
        self.authority = Authority(self.folder)
        mill = OurSite(self, "mill", True)
        real = Router(self, "REAL").listen().listen_for_clients()
        real.join_token(mill.token())
        real.start()
        edge = Router(self, "REALEDGE", mode="edge").listen_for_clients()
        edge.join_token(mill.token(), "edge")
        edge.start()
        cloud, laptop = OurSite(self, "cloud", False), self.profile("laptop")
        cloud.join_token(real.token())
        laptop.ok("join", real.token(), "--name", "laptop")
        ours = (mill, cloud, laptop)
        clients = AmqpClients({"REAL": real.clients, "REALEDGE": edge.clients}, "mc/alerts")
        self.addCleanup(clients.stop)
        wait_until(lambda: len(clients.subscribed) == 2, "the real routers' clients have subscribed")
        heard = {profile.name: Subscriber(profile, "alerts", "-o", "json").heard for profile in ours}
        publishers = {profile.name: self.publisher(profile, "alerts") for profile in ours}
        for name in clients.ports:
            heard[name] = lambda name=name: clients.counts[name]
            publishers[name] = lambda body, name=name: clients.to_send.append((name, body))
        self.check_rounds(publishers, heard)
