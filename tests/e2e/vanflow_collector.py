"""A strict telemetry collector as Skupper's are, by Qpid Proton: vanflow_collector.py URL. One JSON line for each record message.

What a collector of Skupper would refuse is a line {"objection": ...}."""

import json
import sys

from proton import Message, symbol, uint, ulong
from proton.handlers import MessagingHandler
from proton.reactor import AtMostOnce, Container

TYPES = {0: "SITE", 1: "ROUTER", 2: "LINK", 4: "LISTENER", 5: "CONNECTOR", 7: "PROCESS", 15: "ROUTER_ACCESS"}
NUMBERS = {3, 4, 8, 23, 24, 25, 26, 33, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 47, 48, 51, 52, 55, 56, 57, 58, 59, 61, 66}


def say(**line):
    print(json.dumps(line), flush=True)


def objection(record):
    if not isinstance(record, dict):
        return "no map"
    for key, value in record.items():
        if type(key) is not uint:
            return f"key {key!r} is no uint"
        wanted = uint if key == 0 else ulong if key in NUMBERS else str
        if type(value) is not wanted:
            return f"attribute {key}: {value!r} is no {wanted.__name__}"
    if 0 not in record or record[0] > 17 or not record.get(1):
        return "no type or identity"
    return None


class Collector(MessagingHandler):
    def __init__(self, url):
        super().__init__(prefetch=250)
        self.url, self.sources, self.asked = url, {}, set()

    def on_start(self, event):
        self.connection = event.container.connect(self.url, reconnect=False, allowed_mechs="ANONYMOUS")
        event.container.create_receiver(self.connection, "mc/sfe.all", options=AtMostOnce())

    def on_message(self, event):
        message, properties = event.message, event.message.properties or {}
        if message.subject == "BEACON":
            self.beacon(event.container, {str(k): v for k, v in properties.items()})
        elif message.subject == "HEARTBEAT":
            self.ask(event.container, event.receiver.source.address)
            if type(properties.get("now")) is not ulong and type(properties.get(symbol("now"))) is not ulong:
                say(objection=f"heartbeat {properties}")
        elif message.subject == "RECORD":
            self.ask(event.container, event.receiver.source.address)
            for record in message.body:
                wrong = objection(record)
                if wrong:
                    say(objection=wrong, record=repr(record))
            say(source=self.sources[event.receiver.source.address]["id"],
                records=[{**{str(int(k)): v for k, v in r.items()}, "type": TYPES.get(int(r[uint(0)]), "other")} for r in message.body])
        else:
            say(objection=f"subject {message.subject}")

    def beacon(self, container, properties):
        if type(properties.get("v")) is not uint or any(type(properties.get(k)) is not str for k in ("sourceType", "id", "address", "direct")):
            return say(objection=f"beacon {properties}")
        if properties["address"] in self.sources:
            return
        self.sources[properties["address"]] = properties
        container.create_receiver(self.connection, properties["address"], options=AtMostOnce())

    def ask(self, container, address):
        """FLUSH after the first message of the stream."""
        if address in self.sources and address not in self.asked:
            self.asked.add(address)
            container.create_sender(self.connection, self.sources[address]["direct"], options=AtMostOnce(), name=f"flush-{address}")

    def on_sendable(self, event):
        event.sender.send(Message(address=event.sender.target.address, subject="FLUSH", reply_to=""))
        event.sender.close()

    def on_transport_error(self, event):
        say(objection=f"transport: {event.transport.condition}")
        sys.exit(1)


if __name__ == "__main__":
    Container(Collector(sys.argv[1])).run()
