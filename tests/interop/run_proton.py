#!/usr/bin/python3
"""Our engine (amqp_peer) against Apache Qpid Proton: run_proton.py BUILD_DIR.

Every case is played four times: we are client or server, sender or receiver. Prints "N passed, N failed".
"""

import os
import select
import socket
import subprocess
import sys
import time

from proton import Collector, Condition, Connection, Delivery, Endpoint, Event, Link, Message, Transport

LIMIT = 120  # seconds a case may take; catches hangs only


def body_of(size):
    return (bytes(range(251)) * (size // 251 + 1))[:size]


class ProtonPeer:
    """A proton connection over one blocking socket."""

    def __init__(self, sock, server, case):
        self.sock, self.server, self.case = sock, server, case
        self.collector = Collector()
        self.connection = Connection()
        self.connection.collect(self.collector)
        self.connection.container = "proton"
        self.transport = Transport(Transport.SERVER if server else Transport.CLIENT)
        self.transport.max_frame_size = case.get("proton_frame", 16384)
        if "proton_idle" in case:
            self.transport.idle_timeout = case["proton_idle"]
        if not case.get("no_sasl"):
            self.transport.sasl().allowed_mechs("ANONYMOUS")
        self.transport.bind(self.connection)
        self.sends = case["proton_sends"]
        self.link = None
        self.buffer = b""
        self.pending = b""       # of the message being sent
        self.delivery = None     # being sent
        self.seen = {"sent": 0, "received": 0, "good": 0, "settled": 0, "states": [], "link_error": None, "closed": None}
        self.opened_at = None
        self.credit_given = 0
        if not server:
            self.connection.hostname = "localhost"
            self.connection.open()
            session = self.new_session(self.connection.session())
            self.link = session.sender("interop") if self.sends else session.receiver("interop")
            (self.link.target if self.sends else self.link.source).address = "examples"
            if case.get("settled"):
                self.link.snd_settle_mode = Link.SND_SETTLED if self.sends else Link.SND_MIXED
            if case.get("second"):
                self.link.rcv_settle_mode = Link.RCV_SECOND
            self.link.open()
            self.give_credit()

    def new_session(self, session):
        if "proton_window" in self.case:
            session.incoming_capacity = self.case["proton_window"]
        session.open()
        return session

    # ---- events ----
    def on_event(self, event):
        kind = event.type
        if kind == Event.CONNECTION_REMOTE_OPEN:
            self.opened_at = time.monotonic()
            if self.server:
                self.connection.open()
        elif kind == Event.SESSION_REMOTE_OPEN and event.session.state & Endpoint.LOCAL_UNINIT:
            self.new_session(event.session)
        elif kind == Event.LINK_REMOTE_OPEN and event.link.state & Endpoint.LOCAL_UNINIT:
            self.link = event.link
            self.link.source.copy(self.link.remote_source)
            self.link.target.copy(self.link.remote_target)
            self.link.open()
            self.give_credit()
        elif kind == Event.DELIVERY:
            self.on_delivery(event.delivery)
        elif kind == Event.LINK_REMOTE_CLOSE:
            self.seen["link_error"] = event.link.remote_condition.name if event.link.remote_condition else ""
            event.link.close()
        elif kind == Event.SESSION_REMOTE_CLOSE:
            event.session.close()
        elif kind == Event.CONNECTION_REMOTE_CLOSE:
            condition = self.connection.remote_condition
            self.seen["closed"] = condition.name if condition else ""
            self.connection.close()
        elif kind == Event.TRANSPORT_ERROR:
            self.seen["closed"] = str(self.transport.condition)

    def give_credit(self):
        if self.sends:
            return
        credit = self.case.get("credit", 10)
        if self.case.get("drain"):
            self.link.drain(credit)
        else:
            self.link.flow(credit)
        self.credit_given += credit

    def on_delivery(self, delivery):
        if delivery.link.is_receiver:
            self.on_incoming(delivery)
            return
        if delivery.updated and delivery.remote_state:
            self.seen["states"].append(str(delivery.remote_state).lower())
        if delivery.settled or delivery.remote_state:
            self.seen["settled"] += 1
            delivery.settle()

    def on_incoming(self, delivery):
        if not delivery.readable:
            if delivery.settled and self.case.get("second"):
                self.seen["settled"] += 1
                delivery.settle()
            return
        chunk = self.link.recv(delivery.pending)
        self.buffer += chunk or b""
        if delivery.partial:
            return
        message = Message()
        message.decode(self.buffer)
        self.buffer = b""
        self.seen["received"] += 1
        self.seen["good"] += bytes(message.body) == body_of(self.case["size"])
        if not delivery.settled:
            outcomes = self.case.get("outcomes", ["accepted"])
            outcome = outcomes[(self.seen["received"] - 1) % len(outcomes)]
            if outcome == "modified":
                delivery.local.failed = delivery.local.undeliverable = True
            delivery.update({"accepted": Delivery.ACCEPTED, "rejected": Delivery.REJECTED, "released": Delivery.RELEASED,
                             "modified": Delivery.MODIFIED}[outcome])
        self.link.advance()
        if delivery.settled or not self.case.get("second"):
            delivery.settle()
        if self.seen["received"] == self.case.get("proton_detach_after"):
            self.detach()
        elif not self.link.credit and self.seen["received"] < self.case["count"]:
            self.give_credit()

    def detach(self):
        self.link.condition = Condition("amqp:resource-deleted", "as asked")
        self.link.close()

    # ---- work ----
    def work(self):
        if self.sends:
            self.send()
        if not self.server and self.done() and self.connection.state & Endpoint.LOCAL_ACTIVE:
            self.connection.close()

    def send(self):
        hold = self.case.get("hold", 0)
        if hold and (self.opened_at is None or time.monotonic() < self.opened_at + hold):
            return
        while self.link and self.link.state & Endpoint.LOCAL_ACTIVE and self.link.state & Endpoint.REMOTE_ACTIVE:
            if self.delivery is None:
                if self.seen["sent"] == self.case["count"] or self.link.credit <= 0:
                    return
                self.delivery = self.link.delivery(str(self.seen["sent"]))
                message = Message(body=body_of(self.case["size"]), inferred=self.case.get("inferred", False))
                self.pending = message.encode()
            room = max(0, 1_000_000 - self.transport.pending() - self.link.session.outgoing_bytes)
            if self.pending and not room:
                return
            taken = self.link.send(self.pending[:room])
            self.pending = self.pending[taken:]
            if self.pending:
                return
            delivery, self.delivery = self.delivery, None
            self.link.advance()
            self.seen["sent"] += 1
            if self.case.get("settled"):
                delivery.settle()
            if self.seen["sent"] == self.case.get("proton_detach_after"):
                self.detach()

    def done(self):
        if self.seen["link_error"] is not None:
            return True
        if self.case.get("hold") and self.opened_at and time.monotonic() < self.opened_at + self.case["hold"]:
            return False
        if not self.sends:
            settled = self.case["count"] if self.case.get("second") and not self.case.get("settled") else 0
            return self.seen["received"] == self.case["count"] and self.seen["settled"] >= settled
        if self.seen["sent"] < self.case["count"]:
            return False
        return bool(self.case.get("settled")) or self.seen["settled"] == self.case["count"]

    def flush(self):
        while (pending := self.transport.pending()) > 0:
            count = self.sock.send(self.transport.peek(min(pending, 65536)))
            self.transport.pop(count)

    def run(self):
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            while event := self.collector.peek():
                self.on_event(event)
                self.collector.pop()
            self.work()
            try:
                self.flush()
            except OSError:
                self.transport.close_head()
            if self.transport.closed:
                return
            deadline = self.transport.tick(time.monotonic())
            wait = min(5, max(0, deadline - time.monotonic())) if deadline else 5
            if self.case.get("hold"):
                wait = min(wait, 0.02)
            if self.collector.peek() or self.transport.pending() > 0:
                wait = 0
            if self.transport.capacity() > 0 and select.select([self.sock], [], [], wait)[0]:
                try:
                    data = self.sock.recv(min(self.transport.capacity(), 65536))
                except OSError:
                    data = b""
                if data:
                    self.transport.push(data)
                else:
                    self.transport.close_tail()
        raise TimeoutError("proton is not done")


class Us:
    """amqp_peer as a process."""

    def __init__(self, program, arguments):
        self.process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def port(self):
        return int(self.process.stdout.readline().split()[1])

    def report(self):
        out, err = self.process.communicate(timeout=LIMIT)
        if self.process.returncode or err:
            raise RuntimeError(f"amqp_peer: exit {self.process.returncode}: {err}")
        return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def arguments_of(case):
    arguments = ["--count", str(case["count"]), "--size", str(case["size"])]
    if not case["proton_sends"]:
        arguments.append("--sends")
    if case.get("settled"):
        arguments.append("--settled")
    for option in ("credit", "window", "frame", "idle", "detach_after"):
        if option in case:
            arguments += ["--" + option.replace("_", "-"), str(case[option])]
    if "hold" in case:
        arguments += ["--hold", str(int(case["hold"] * 1000))]
    if "outcomes" in case:
        arguments += ["--outcomes", ",".join(case["outcomes"])]
    return arguments


def play(program, case):
    """Returns (what proton saw, what we saw)."""
    if case["we_serve"]:
        us = Us(program, arguments_of(case))
    else:
        listener = socket.create_server(("127.0.0.1", 0))
        us = Us(program, ["--connect", str(listener.getsockname()[1]), *arguments_of(case)])
    try:
        if case["we_serve"]:
            sock = socket.create_connection(("127.0.0.1", us.port()))
        else:
            listener.settimeout(LIMIT)
            sock, _ = listener.accept()
            listener.close()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with sock:
            proton = ProtonPeer(sock, server=not case["we_serve"], case=case)
            proton.run()
        return proton.seen, us.report()
    finally:
        us.end()


class Failure(Exception):
    pass


def check(what, actual, expected):
    if actual != expected:
        raise Failure(f"{what}: {actual!r} instead of {expected!r}")


def judge(case, proton, us):
    count = case["count"]
    if "detach_after" in case:
        check("link error at proton", proton["link_error"], "amqp:internal-error")
        check("close at us", us.get("closed"), "")
        return
    if "proton_detach_after" in case:
        check("link error at us", us.get("link_error"), "amqp:resource-deleted")
        return
    check("our close", us.get("closed"), "")
    receiver_good = proton["good"] if not case["proton_sends"] else int(us.get("good", 0))
    check("good messages", receiver_good, count)
    sent = proton["sent"] if case["proton_sends"] else int(us.get("sent", 0))
    check("messages sent", sent, count)
    if case.get("settled"):
        if case["proton_sends"]:
            check("messages that came settled", int(us.get("received_settled", 0)), count)
        return
    outcomes = case.get("outcomes", ["accepted"])
    states = [outcomes[i % len(outcomes)] for i in range(count)]
    if case["proton_sends"]:
        check("states at proton", proton["states"], states)
    else:
        for state in set(states):
            check(f"{state} at us", int(us.get(state, 0)), states.count(state))
        check("settled at us", int(us.get("settled", 0)), count)
    if case.get("drain"):
        check("a drain was seen", "drained" in us, True)


CASES = {
    "small messages, unsettled": {"count": 200, "size": 10},
    "small messages, settled": {"count": 200, "size": 10, "settled": True, "inferred": True},
    "an empty body": {"count": 1, "size": 0},
    "20 MB, unsettled": {"count": 1, "size": 20_000_000},
    "20 MB, settled": {"count": 1, "size": 20_000_000, "settled": True},
    "the smallest frames": {"count": 3, "size": 100_000, "frame": 512, "proton_frame": 512},
    "small windows": {"count": 2, "size": 300_000, "frame": 512, "window": 4, "proton_frame": 1024, "proton_window": 4096},
    "a window of one frame": {"count": 2, "size": 30_000, "frame": 512, "window": 1, "proton_frame": 512, "proton_window": 1024},
    "every outcome": {"count": 8, "size": 10, "outcomes": ["accepted", "released", "rejected", "modified"]},
    "one credit at a time": {"count": 20, "size": 10, "credit": 1},
    "idle keep-alives": {"count": 1, "size": 10, "hold": 1.2, "idle": 400, "proton_idle": 0.4},
    "we detach with an error": {"count": 5, "size": 10, "detach_after": 3},
    "proton detaches with an error": {"count": 5, "size": 10, "proton_detach_after": 3},
}
# Cases that make sense in some roles only.
ROLES = {
    "without SASL": {"count": 1, "size": 10, "no_sasl": True, "we_serve": True},
    "a drain": {"count": 3, "size": 10, "drain": True, "credit": 10, "proton_sends": False},
    "rcv-settle-mode second": {"count": 3, "size": 10, "second": True, "proton_sends": False, "we_serve": True},
}


def all_cases():
    for name, case in {**CASES, **ROLES}.items():
        for we_serve in (False, True):
            for proton_sends in (False, True):
                one = {"we_serve": we_serve, "proton_sends": proton_sends, **case}
                if one["we_serve"] == we_serve and one["proton_sends"] == proton_sends:
                    yield f"{name}: we are {'server' if we_serve else 'client'} and {'receiver' if proton_sends else 'sender'}", one


def main():
    program = os.path.join(sys.argv[1], "tests", "interop", "amqp_peer")
    only = sys.argv[2:] or [""]
    passed = failed = 0
    for name, case in all_cases():
        if not any(part in name for part in only):
            continue
        try:
            judge(case, *play(program, case))
            passed += 1
        except Exception as problem:  # whatever went wrong is one failed case, and the next one is independent
            failed += 1
            print(f"FAILED {name}: {type(problem).__name__}: {problem}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
