"""An application that speaks AMQP 1.0 by Debian's qpid-proton, unmodified, on a thread of its own."""

import queue
import threading

from proton import Condition, Delivery, Message, Terminus
from proton.handlers import MessagingHandler
from proton.reactor import ApplicationEvent, AtMostOnce, Container, EventInjector

from harness import LIMIT, wait_until

OUTCOMES = {Delivery.ACCEPTED: "accepted", Delivery.REJECTED: "rejected", Delivery.RELEASED: "released", Delivery.MODIFIED: "modified"}


class Outcome:
    """What became of a message that was sent."""

    def __init__(self):
        self.done = threading.Event()
        self.state, self.condition, self.delivery_failed = None, None, None

    def wait(self):
        assert self.done.wait(LIMIT), "no outcome"
        return self.state


class Receiver:
    """`answer(delivery, message)` decides what becomes of each message; without it they are accepted."""

    def __init__(self, client, answer):
        self.client, self.answer = client, answer
        self.messages, self.settled_by_sender, self.aborted = queue.Queue(), [], 0
        self.error = None
        self.attached = threading.Event()

    @property
    def address(self):
        return self.link.remote_source.address

    def next(self):
        return self.messages.get(timeout=LIMIT)

    def bodies(self, count):
        return [self.next().body for _ in range(count)]

    def flow(self, credit, drain=False):
        def give():
            if drain:
                self.link.drain(credit)
            else:
                self.link.flow(credit)
        self.client.call(give)

    def credit(self):
        return self.client.call(lambda: self.link.credit)

    def close(self):
        self.client.call(self.link.close)


class Sender:
    def __init__(self, client):
        self.client, self.error = client, None
        self.attached = threading.Event()
        self.waiting = []

    def credit(self):
        return self.client.call(lambda: self.link.credit)

    def wait_credit(self, wanted=True):
        wait_until(lambda: (self.credit() > 0) == wanted, f"credit {wanted}")
        return self

    def send(self, message, settled=False):
        return self.client.call(lambda: self.hand_over(message, settled))

    def hand_over(self, message, settled=False):
        """The same on the client's thread."""
        outcome = Outcome()
        self.waiting.append((message, outcome, settled))
        self.pump()
        return outcome

    def pump(self):
        while self.waiting and self.link.credit > 0:
            message, outcome, settled = self.waiting.pop(0)
            delivery = self.link.send(message)
            self.client.outcomes[delivery.tag, self.link.name] = outcome
            if settled:
                delivery.settle()


class Client(MessagingHandler):
    def __init__(self, test, port, **connect):
        super().__init__(prefetch=0, auto_accept=False, auto_settle=False)
        self.links, self.outcomes, self.error, self.closed = {}, {}, None, threading.Event()
        self.opened = threading.Event()
        self.port, self.connect_options = port, connect
        self.injector = EventInjector()
        self.container = Container(self)
        self.container.selectable(self.injector)
        self.thread = threading.Thread(target=self.container.run, daemon=True)
        self.thread.start()
        assert self.opened.wait(LIMIT), "not opened"
        test.addCleanup(self.close)

    def close(self):
        if self.thread.is_alive():
            self.call(self.connection.close)
            self.injector.close()
            self.thread.join(LIMIT)

    def call(self, function):
        """Runs on the client's thread."""
        done, result = threading.Event(), []

        def run():
            try:
                result.append(function())
            finally:
                done.set()
        self.injector.trigger(ApplicationEvent("call", subject=run))
        assert done.wait(LIMIT), "the client does not go on"
        return result[0]

    def receiver(self, address=None, credit=100, answer=None, dynamic=False, settled=False):
        receiver = Receiver(self, answer)

        def attach():
            receiver.link = self.container.create_receiver(self.connection, address, dynamic=dynamic, name=f"r{len(self.links)}", options=AtMostOnce() if settled else None)
            self.links[receiver.link.name] = receiver
            if credit:
                receiver.link.flow(credit)
        self.call(attach)
        assert receiver.attached.wait(LIMIT), "not attached"
        return receiver

    def sender(self, address=None):
        sender = Sender(self)

        def attach():
            sender.link = self.container.create_sender(self.connection, address, name=f"s{len(self.links)}")
            self.links[sender.link.name] = sender
        self.call(attach)
        assert sender.attached.wait(LIMIT), "not attached"
        return sender

    # ---- On its thread ----

    def on_start(self, event):
        self.connection = event.container.connect(f"127.0.0.1:{self.port}", reconnect=False, **self.connect_options)

    def on_call(self, event):
        event.subject()

    def on_connection_opened(self, event):
        self.opened.set()

    def on_connection_closing(self, event):
        event.connection.close()
        self.closed.set()

    def on_connection_error(self, event):
        self.error = event.connection.remote_condition
        self.opened.set()
        self.closed.set()

    def on_transport_error(self, event):
        self.error = event.transport.condition
        self.opened.set()
        self.closed.set()

    def on_disconnected(self, event):
        self.opened.set()
        self.closed.set()

    def on_link_opened(self, event):
        theirs = event.link.remote_source if event.link.is_receiver else event.link.remote_target
        if theirs.type != Terminus.UNSPECIFIED:  # else it is refused, and the reason comes
            self.links[event.link.name].attached.set()

    def on_link_error(self, event):
        self.links[event.link.name].error = event.link.remote_condition
        self.links[event.link.name].attached.set()

    def on_sendable(self, event):
        self.links[event.link.name].pump()

    def on_aborted(self, event):
        self.links[event.link.name].aborted += 1

    def on_message(self, event):
        receiver = self.links[event.link.name]
        receiver.settled_by_sender.append(event.delivery.settled)
        if receiver.answer is not None:
            receiver.answer(event.delivery, event.message)
        else:
            event.delivery.update(Delivery.ACCEPTED)
        event.delivery.settle()
        receiver.messages.put(event.message)

    def on_delivery(self, event):
        delivery = event.delivery
        if not event.link.is_sender or not delivery.updated:
            return
        outcome = self.outcomes.get((delivery.tag, event.link.name))
        if outcome is None or delivery.remote_state not in OUTCOMES:
            return
        outcome.state, outcome.condition = OUTCOMES[delivery.remote_state], delivery.remote.condition
        outcome.delivery_failed = delivery.remote.failed
        delivery.settle()
        outcome.done.set()


def reject(delivery, condition, description):
    delivery.local.condition = Condition(condition, description)
    delivery.update(Delivery.REJECTED)


def text(body, **fields):
    return Message(body=body, **fields)
