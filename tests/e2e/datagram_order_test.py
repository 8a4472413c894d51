"""The order of datagrams: those of one flow stay as they were sent, whatever else is on the way."""

import collections
import socket
import struct
import threading

from harness import EndToEnd, LIMIT

COUNT, WINDOW, FLOWS = 20_000, 200, 2
NUMBER = struct.Struct("!HI")  # flow, number


def new_socket():
    """Has room for every datagram that may be under way: what is lost was lost by vanctl."""
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, FLOWS * WINDOW * 2048)
    return one


class NumberServer(threading.Thread):
    """Sends each datagram back, and notes by flow what did not come in order."""

    def __init__(self, test):
        super().__init__(daemon=True)
        self.last, self.disorder = collections.defaultdict(lambda: -1), []
        self.socket = new_socket()
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.start()
        test.addCleanup(self.stop)

    def run(self):
        while datagram := self.receive():
            self.note(*NUMBER.unpack(datagram))

    def receive(self):
        datagram, client = self.socket.recvfrom(64)
        if datagram:
            self.socket.sendto(datagram, client)
        return datagram

    def note(self, flow, number):
        if number <= self.last[flow]:
            self.disorder.append((flow, self.last[flow], number))
        self.last[flow] = number

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", ("127.0.0.1", self.port))
        self.join(LIMIT)
        self.socket.close()


class Flow(threading.Thread):
    """A client that has at most WINDOW datagrams without an answer, and one until the first answer: then the flow has its server."""

    def __init__(self, flow, where):
        super().__init__(daemon=True)
        self.flow, self.where, self.answers = flow, where, []
        self.start()

    def run(self):
        with new_socket() as client:
            client.settimeout(LIMIT / 4)
            client.connect(self.where)
            client.send(NUMBER.pack(self.flow, 0))
            sent = 1
            while len(self.answers) < COUNT:
                self.answers.append(NUMBER.unpack(client.recv(64)))
                while sent < min(COUNT, len(self.answers) + WINDOW):
                    client.send(NUMBER.pack(self.flow, sent))
                    sent += 1


class DatagramOrder(EndToEnd):
    def test_each_flow_keeps_its_order_and_loses_nothing_within_a_window(self):
        mill, cloud = self.site("mill"), self.site("cloud")
        cloud.ok("join", mill.token(), "--role", "interior")
        server = NumberServer(self)
        self.laptop("laptop", mill).ok("expose", f"udp:{server.port}", "as", "numbers")
        where = cloud.bind("numbers", "0", "--protocol", "udp")
        cloud.wait_reachable("numbers")
        flows = [Flow(flow, where) for flow in range(FLOWS)]
        for flow in flows:
            flow.join(LIMIT)
            self.assertFalse(server.disorder)
            self.assertEqual(len(flow.answers), COUNT, f"some are lost: {cloud.ok('services', '-o', 'json').out}")
            self.assertEqual(flow.answers, [(flow.flow, number) for number in range(COUNT)])
        [service] = cloud.status()["services"]
        self.assertEqual((service["dropped"], service["bytes_in"], service["bytes_out"]), (0, FLOWS * COUNT * NUMBER.size, FLOWS * COUNT * NUMBER.size))
