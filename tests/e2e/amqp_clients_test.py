"""Unmodified AMQP clients at ports of vanctl: they use the network's addresses as they would at a real router."""

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import unittest

try:
    from proton import Delivery, Message
except ImportError as missing:
    raise unittest.SkipTest("python-qpid-proton is not there") from missing

from amqp_client import Client, reject, text
from harness import LIMIT, EndToEnd, octets, wait_until
from skupper_router import SKROUTERD, Authority, Router

HERE = os.path.dirname(os.path.abspath(__file__))


class AmqpClients(EndToEnd):
    def port_of(self, profile):
        """Its port for clients."""
        local = profile.ok("bind", "--protocol", "amqp", "0", "-o", "json").json()["local"]
        return int(local.rsplit(":", 1)[1])

    def client(self, profile):
        return Client(self, self.port_of(profile))

    def network(self):
        """Two sites, and a laptop at each."""
        a, b = self.site("a"), self.site("b")
        b.ok("join", a.token(), "--role", "interior")
        return a, b, self.laptop("left", a), self.laptop("right", b)

    def test_a_port_for_clients_opens_is_named_and_closes(self):
        a = self.site("a")
        made = a.ok("bind", "--protocol", "amqp", "0", "-o", "json").json()
        self.assertEqual((made["address"], made["protocol"]), ("amqp", "amqp"))
        self.assertTrue(made["local"].startswith("127.0.0.1:"))
        second = a.ok("bind", "broker", "0", "--protocol", "amqp", "-o", "json").json()
        self.assertEqual(second["address"], "broker")
        rows = {row["address"]: row for row in a.status()["services"]}
        self.assertEqual((rows["amqp"]["protocol"], rows["amqp"]["stand_in"], rows["amqp"]["reachable"]), ("amqp", made["local"], True))
        client = Client(self, int(made["local"].rsplit(":", 1)[1]))
        wait_until(lambda: {row["address"]: row for row in a.status()["services"]}["amqp"]["in_flight"] == 1, "one client")
        a.ok("agent", "restart")
        self.assertTrue(client.closed.wait(LIMIT))
        again = Client(self, int(made["local"].rsplit(":", 1)[1]))
        a.ok("unbind", "amqp")
        self.assertTrue(again.closed.wait(LIMIT))
        self.assertNotIn("amqp", [row["address"] for row in a.status()["services"]])
        self.assertEqual(a.run("bind").code, 2)
        self.assertEqual(a.run("expose", "8080", "as", "x", "--protocol", "amqp").code, 2)

    def test_a_port_has_room_for_256_clients(self):
        a = self.site("a")
        port = self.port_of(a)
        connected = lambda number: wait_until(lambda: {row["address"]: row for row in a.status()["services"]}["amqp"]["in_flight"] == number, f"{number} clients")
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(256)]
            connected(256)
            beyond = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            beyond.settimeout(LIMIT)
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(beyond.recv(1), b"")
            clients[0].close()
            connected(255)
            Client(self, port).sender("orders")

    def test_outcomes_come_back_from_end_to_end(self):
        a, b, left, right = self.network()
        wanted = {"take": lambda d: d.update(Delivery.ACCEPTED), "refuse": lambda d: reject(d, "app:no", "not today"),
                  "later": lambda d: d.update(Delivery.RELEASED), "changed": self.modify}
        receiver = self.client(right).receiver("orders", answer=lambda delivery, message: wanted[message.body](delivery))
        for place in (left, b):
            client = self.client(place)
            sender = client.sender("orders").wait_credit()
            outcomes = {body: sender.send(text(body)) for body in wanted}
            self.assertEqual({body: outcome.wait() for body, outcome in outcomes.items()},
                             {"take": "accepted", "refuse": "rejected", "later": "released", "changed": "modified"})
            self.assertEqual((outcomes["refuse"].condition.name, outcomes["refuse"].condition.description), ("app:no", "not today"))
            self.assertTrue(outcomes["changed"].delivery_failed)
            self.assertEqual(receiver.bodies(4), list(wanted))
            anonymous = client.sender()
            self.assertEqual(anonymous.send(text("take", address="amqp:/orders", annotations={"x-opt-app": 1})).wait(), "accepted")
            message = receiver.next()
            self.assertEqual(message.annotations, {"x-opt-app": 1})
            self.assertEqual(anonymous.send(text("x", address="nobody")).wait(), "released")
            self.assertEqual(anonymous.send(text("x")).wait(), "rejected")
            sender.send(text("take"), settled=True)
            receiver.next()
            self.assertEqual(receiver.settled_by_sender[-1], True)
            self.assertEqual(receiver.settled_by_sender[-2], False)
            client.close()

    @staticmethod
    def modify(delivery):
        delivery.local.failed = True
        delivery.update(Delivery.MODIFIED)

    def test_credit_follows_the_consumers_and_a_silent_one_holds_up_nobody(self):
        a, b, left, right = self.network()
        sender = self.client(left).sender("jobs")
        self.assertEqual(sender.credit(), 0)
        consumers = self.client(right)
        receiver = consumers.receiver("jobs", credit=0)
        sender.wait_credit()
        outcomes = [sender.send(text(i)) for i in range(5)]
        self.assertEqual(receiver.messages.qsize(), 0)
        receiver.flow(2)
        self.assertEqual(receiver.bodies(2), [0, 1])
        receiver.flow(3)  # those may still be on their way
        self.assertEqual(receiver.bodies(3), [2, 3, 4])
        receiver.flow(10, drain=True)
        wait_until(lambda: receiver.credit() == 0, "drained")
        self.assertEqual([outcome.wait() for outcome in outcomes], ["accepted"] * 5)
        receiver.close()
        sender.wait_credit(False)

        one, two = self.client(b).receiver("work", credit=100), self.client(right).receiver("work", credit=100)
        silent = self.client(left).receiver("work", credit=0)
        sender = self.client(left).sender("work").wait_credit()
        wait_until(lambda: any(len(s["providers"]) > 1 for s in a.status()["services"] if s["address"] == "work"), "both are known")
        self.assertEqual([sender.send(text(i)).wait() for i in range(40)], ["accepted"] * 40)
        self.assertEqual(one.messages.qsize() + two.messages.qsize(), 40)
        self.assertEqual(silent.messages.qsize(), 0)
        self.multicast(a, b, left, right)

    def multicast(self, a, b, left, right):
        """Each consumer hears everything once."""
        places = [self.client(place) for place in (a, b, left, right)]
        receivers = [client.receiver("mc/news", credit=1000) for client in places for _ in range(2)]
        for client in places:
            sender = client.sender("mc/news").wait_credit()
            wait_all_hear(sender, receivers)
            for i in range(5):
                self.assertEqual(sender.send(text(i)).wait(), "accepted")
            for receiver in receivers:
                self.assertEqual(receiver.bodies(5), list(range(5)))
        self.assertEqual([receiver.messages.qsize() for receiver in receivers], [0] * 8)

    def test_request_and_reply_with_a_dynamic_address(self):
        a, b, left, right = self.network()
        for here, there in ((left, b), (b, right), (right, left)):
            service = self.client(there)
            relay = service.sender()

            def answer(delivery, message):
                delivery.update(Delivery.ACCEPTED)
                relay.hand_over(text(message.body.upper(), address=message.reply_to, correlation_id=message.correlation_id))
            name = f"upper-{there.name}"
            service.receiver(name, answer=answer, credit=20)
            client = self.client(here)
            replies = client.receiver(dynamic=True)
            self.assertRegex(replies.address, r"^amqp:/_(topo/0|edge)/.*/temp\.")
            requests = client.sender(name).wait_credit()
            for i in range(3):
                self.assertEqual(requests.send(text(f"q{i}", reply_to=replies.address, correlation_id=i)).wait(), "accepted")
                reply = replies.next()
                self.assertEqual((reply.body, reply.correlation_id), (f"Q{i}", i))

    def test_large_messages_arrive_whole_and_services_for_streams_are_not_harmed_by_messages(self):
        a, b, left, right = self.network()
        body = b"".join(octets(10 << 20))
        receiver = self.client(right).receiver("bulk", credit=0)
        other = self.client(right).receiver("small")
        client = self.client(left)
        bulk, small = client.sender("bulk").wait_credit(), self.client(left).sender("small").wait_credit()
        outcome = bulk.send(Message(body=body))
        self.assertEqual(small.send(text("passes")).wait(), "accepted")  # nobody waits for the consumer without credit
        receiver.flow(3)
        self.assertEqual(hashlib.sha256(receiver.next().body).digest(), hashlib.sha256(body).digest())
        self.assertEqual(outcome.wait(), "accepted")
        bulk.send(Message(body=body), settled=True)
        self.assertEqual(len(receiver.next().body), len(body))
        self.assertEqual(other.next().body, "passes")

        port = self.http_server("site")
        b.ok("expose", f"127.0.0.1:{port}", "as", "web")
        sender = self.client(left).sender("web").wait_credit()
        for i in range(20):
            self.assertEqual(sender.send(text("no stream")).wait(), "released")
        sender.send(text("no stream"), settled=True)
        host, local = left.bind("web", "0")
        left.wait_reachable("web")
        self.assertIn("hello from site", subprocess.run(["curl", "-s", f"http://{host}:{local}/hello"], capture_output=True, text=True, timeout=LIMIT).stdout)

    def test_broken_clients_harm_only_themselves(self):
        a = self.site("a")
        port = self.port_of(a)
        receiver = Client(self, port).receiver("steady")
        sender = Client(self, port).sender("steady").wait_credit()
        for words in (b"GET / HTTP/1.1\r\n\r\n", b"AMQP\x03\x01\x00\x00" + b"\x00\x00\x00\x02" * 8, b"AMQP\x00\x01\x00\x00\xff\xff\xff\xff\x02\x00\x00\x00"):
            with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as s:
                s.sendall(words)
                s.shutdown(socket.SHUT_WR)
                while s.recv(4096):
                    pass
        refused = Client(self, port, user="me", password="secret", allowed_mechs="PLAIN", allow_insecure_mechs=True)
        self.assertTrue(refused.closed.wait(LIMIT))
        plain = Client(self, port, sasl_enabled=False)
        self.assertIsNone(plain.receiver("also").error)
        self.assertEqual(plain.receiver("_topo/0/elsewhere/x").error.name, "qd:no-route-to-dest")
        dying = Client(self, port).sender("steady").wait_credit()
        half = dying.client.call(lambda: (dying.link.delivery("d"), dying.link.stream(b"\x00Sw\xb0" + (1 << 20).to_bytes(4, "big") + b"x" * 300000)))
        self.assertEqual(half[1], 300008)
        dying.client.close()
        self.assertEqual(sender.send(text("still here")).wait(), "accepted")
        self.assertEqual(receiver.next().body, "still here")

    @unittest.skipUnless(shutil.which("node"), "node is not on the PATH")
    def test_rhea_asks_and_answers(self):
        a, b, left, right = self.network()
        done = subprocess.run(["node", os.path.join(HERE, "amqp_rhea.js"), str(self.port_of(left)), str(self.port_of(right)), str(self.port_of(b))],
                              capture_output=True, text=True, timeout=LIMIT)
        if "skipped" in done.stdout:
            self.skipTest(done.stdout)
        self.assertEqual(done.stdout.strip(), "all done", done.stderr)

    @unittest.skipUnless(shutil.which("skstat"), "skstat is not on the PATH")
    def test_management_tools_ask_at_the_port(self):
        a = self.site("a")
        port = self.port_of(a)
        Client(self, port).receiver("seen")
        done = subprocess.run(["skstat", "-b", f"127.0.0.1:{port}", "-l"], capture_output=True, text=True, timeout=LIMIT)
        self.assertRegex(done.stdout, r"endpoint +out .* mobile +seen")


def wait_all_hear(sender, receivers):
    """Until the network knows all of them, some hear nothing; what came meanwhile is thrown away."""
    heard = set()

    def all_hear():
        mark = f"mark-{len(heard)}-{os.urandom(4).hex()}"
        sender.send(text(mark)).wait()
        for number, receiver in enumerate(receivers):
            while receiver.messages.qsize():
                if receiver.next().body == mark:
                    heard.add(number)
        return len(heard) == len(receivers)
    wait_until(all_hear, "all hear of the news")
    last = f"last-{os.urandom(4).hex()}"
    sender.send(text(last)).wait()
    for receiver in receivers:
        while receiver.next().body != last:
            pass


@unittest.skipUnless(SKROUTERD, "skrouterd is not on the PATH")
class AroundARealRouter(EndToEnd):
    """A real router between two sites of ours, with clients at all three."""

    def setUp(self):
        super().setUp()
        self.test, self.authority = self, Authority(self.folder)  # as the real router's network
        self.a, self.b = self.site("a"), self.site("b")
        self.real = Router(self, "REAL").listen_for_clients()
        for site in (self.a, self.b):
            self.real.join_token(site.token())
        self.real.start()
        for site in (self.a, self.b):
            site.wait_links_up()
        self.laptop_of_b = self.laptop("laptop", self.b)

    def client(self, profile):
        local = profile.ok("bind", "--protocol", "amqp", "0", "-o", "json").json()["local"]
        return Client(self, int(local.rsplit(":", 1)[1]))

    def test_clients_of_both_kinds_of_router_meet(self):
        here, there, laptop, real = self.client(self.a), self.client(self.b), self.client(self.laptop_of_b), Client(self, self.real.clients)
        body = b"".join(octets(3 << 20))  # a real router ends a connection on which more than 4 MiB wait
        for number, (one, other) in enumerate(((here, laptop), (real, laptop), (laptop, real), (there, real), (laptop, here))):
            name = f"real-{number}"
            service = other.receiver(name, answer=self.answers(other.sender()))
            replies, sender = one.receiver(dynamic=True), one.sender(name).wait_credit()
            self.wait_for_replies(sender, replies)
            self.assertEqual(sender.send(text("no")).wait(), "rejected")
            self.assertEqual(sender.send(text("later")).wait(), "released")
            sender.send(text("settled", reply_to=replies.address), settled=True)
            self.assertEqual(replies.next().body, "SETTLED")
            while service.messages.qsize():
                service.next()
            self.assertEqual(sender.send(Message(body=body)).wait(), "accepted")
            self.assertEqual(hashlib.sha256(service.next().body).digest(), hashlib.sha256(body).digest())

    def wait_for_replies(self, sender, replies):
        """What an edge asks before the network knows it has no answer (data plane 2.4)."""
        def answered():
            sender.send(text("ping", reply_to=replies.address)).wait()
            return replies.messages.qsize() > 0
        wait_until(answered, "a reply")
        self.assertEqual(replies.next().body, "PING")
        while replies.messages.qsize():
            replies.next()

    @staticmethod
    def answers(relay):
        def answer(delivery, message):
            if message.body == "no":
                return reject(delivery, "app:no", "not today")
            delivery.update(Delivery.RELEASED if message.body == "later" else Delivery.ACCEPTED)
            if message.reply_to:
                relay.hand_over(text(message.body.upper(), address=message.reply_to))
        return answer

    def test_multicast_reaches_each_client_once(self):
        clients = [self.client(self.a), self.client(self.b), self.client(self.laptop_of_b), Client(self, self.real.clients)]
        receivers = [client.receiver("mc/real", credit=1000) for client in clients]
        for client in clients:
            sender = client.sender("mc/real").wait_credit()
            wait_all_hear(sender, receivers)
            for i in range(3):
                self.assertEqual(sender.send(text(i)).wait(), "accepted")
            self.assertEqual([receiver.bodies(3) for receiver in receivers], [[0, 1, 2]] * len(receivers))
        self.assertEqual([receiver.messages.qsize() for receiver in receivers], [0] * len(receivers))

    def test_a_real_connector_is_not_harmed_by_messages(self):
        port = self.http_server("real")
        self.real.child.terminate()
        self.real.child.wait(LIMIT)
        self.real.expose(port, "web")
        self.real.start()
        sender = self.client(self.a).sender("web").wait_credit()
        for _ in range(5):
            self.assertEqual(sender.send(text("no stream")).wait(), "released")
        host, local = self.a.bind("web", "0")
        self.a.wait_reachable("web")
        self.assertIn("hello from real", subprocess.run(["curl", "-s", f"http://{host}:{local}/hello"], capture_output=True, text=True, timeout=LIMIT).stdout)


if __name__ == "__main__":
    unittest.main()
