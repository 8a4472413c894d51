"""Services with --protocol http: every request goes where it is served best, with real programs at both ends."""

import collections
import hashlib
import http.client
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import unittest

import web_socket
from harness import EndToEnd, SANITIZED, curl, digest_of, get, octets, receive_exactly, wait_until
from skupper_router import Authority, Router, SKROUTERD, connects, listening_port

DEMO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo")
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


class Handler(http.server.BaseHTTPRequestHandler):
    """What a web application does: content both ways, chunks, events, a WebSocket that echoes."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def setup(self):
        super().setup()
        with self.server.lock:
            self.server.accepted += 1

    def answer(self, body, status=200, **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        if self.path == "/events":
            return self.events()
        if self.path == "/ws":
            return self.echo()
        if self.path.startswith("/bytes/"):
            count = int(self.path.rsplit("/", 1)[1])
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in octets(count):
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            return self.wfile.write(b"0\r\n\r\n")
        self.answer(json.dumps(dict(self.headers.items())).encode())

    do_HEAD = do_GET

    def do_PUT(self):
        digest, count = hashlib.sha256(), 0
        for piece in self.content():
            digest.update(piece)
            count += len(piece)
        self.answer(f"{count} {digest.hexdigest()}".encode())

    def content(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            while (left := int(self.rfile.readline(), 16)) > 0:
                yield self.rfile.read(left)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers["Content-Length"])
        while left > 0:
            piece = self.rfile.read(min(left, 1 << 16))
            left -= len(piece)
            yield piece

    def events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()  # no length: it ends with the connection
        self.wfile.write(b"data: one\n\n")
        self.server.go_on.wait(60)
        self.wfile.write(b"data: two\n\n")
        self.close_connection = True

    def echo(self):
        web_socket.accept(self)
        while message := read_frame(self.rfile.read):
            self.wfile.write(b"\x81" + bytes([len(message)]) + message)


def read_frame(read):
    """The text of a short frame; empty at the end."""
    head = read(2)
    if len(head) < 2 or head[0] & 15 == 8:
        return b""
    mask = read(4) if head[1] & 128 else bytes(4)
    return bytes(octet ^ mask[i % 4] for i, octet in enumerate(read(head[1] & 127)))


class WebServer(http.server.ThreadingHTTPServer):
    request_queue_size = 1024

    def __init__(self):
        self.lock, self.accepted, self.go_on = threading.Lock(), 0, threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, request, client_address):
        pass


def service_of(profile, address):
    return next(s for s in profile.status()["services"] if s["address"] == address)


class HttpServices(EndToEnd):
    def pair(self, exposed="http", bound=None):
        self.web = WebServer()
        port = self.serve(self.web)
        self.mill = self.site(f"mill-{exposed}")
        self.mill.ok("expose", f"{exposed}://127.0.0.1:{port}", "as", "web")
        self.laptop_ = self.laptop(f"laptop-{exposed}", self.mill)
        where = self.laptop_.bind("web", *(["--protocol", bound] if bound else []))
        self.laptop_.wait_reachable("web")
        self.where = f"http://{where[0]}:{where[1]}"
        return where

    def test_curl_and_what_web_applications_do(self):
        where = self.pair()
        self.assertEqual(service_of(self.laptop_, "web")["protocol"], "http")  # as the provider says
        done = curl("-w", "%{num_connects}\n", "-o", os.devnull, "-o", os.devnull, "-o", os.devnull, *[f"{self.where}/{i}" for i in range(3)])
        self.assertEqual(done.stdout.decode().split(), ["1", "0", "0"], done.stderr)
        self.assertEqual(self.web.accepted, 1)  # so does the other end
        self.assertEqual(service_of(self.laptop_, "web")["connections"], 3)

        self.assertIn(b"HTTP/1.1 200", curl("-I", f"{self.where}/").stdout)
        path = os.path.join(self.folder, "upload")
        with open(path, "wb") as f:
            f.writelines(octets(3_000_000))
        wanted = f"3000000 {digest_of(3_000_000)}".encode()
        for options in (("-H", "Expect: 100-continue"), ("-H", "Transfer-Encoding: chunked"), ("--http1.0",)):
            done = curl("-T", path, *options, f"{self.where}/upload")
            self.assertEqual(done.stdout, wanted, (options, done.stderr))
        for options in ((), ("--http1.0",)):
            self.assertEqual(hashlib.sha256(curl(*options, f"{self.where}/bytes/3000000").stdout).hexdigest(), digest_of(3_000_000))
        self.assertEqual(curl("-X", "BREW", f"{self.where}/").returncode, 22)  # the server's own 501

        self.events(where)
        self.web_socket(where)
        wait_until(lambda: service_of(self.laptop_, "web")["in_flight"] == 0, "nothing in flight")

    def events(self, where):
        with socket.create_connection(where, 60) as client, client.makefile("rb") as answer:
            client.sendall(b"GET /events HTTP/1.1\r\nHost: web\r\n\r\n")
            while answer.readline() != b"\r\n":
                pass
            self.assertEqual(answer.read(3 + 11 + 2), b"b\r\ndata: one\n\n\r\n")  # the second one has not been said
            self.web.go_on.set()
            rest = b""
            while not rest.endswith(b"0\r\n\r\n"):
                rest += answer.readline()
            self.assertIn(b"data: two", rest)

    def web_socket(self, where):
        with socket.create_connection(where, 60) as client, client.makefile("rb") as answer:
            client.sendall(b"GET /ws HTTP/1.1\r\nHost: web\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += answer.readline()
            self.assertIn(b" 101 ", head)
            self.assertIn(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", head)
            for word in (b"hello", b"again"):
                client.sendall(b"\x81" + bytes([128 | len(word)]) + bytes(4) + word)
                self.assertEqual(read_frame(answer.read), word)

    def test_smuggling_is_refused_and_forwarded_is_as_configured(self):
        where = self.pair()
        with socket.create_connection(where, 60) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: web\r\n\r\n")
            with client.makefile("rb") as answer:
                text = answer.read()  # to its end
        self.assertTrue(text.startswith(b"HTTP/1.1 400 "), text)
        self.assertEqual(text.count(b"HTTP/1.1"), 1)
        self.assertEqual(self.web.accepted, 0)

        told = json.loads(get(where, "/"))
        self.assertEqual(told["Host"], f"{where[0]}:{where[1]}")
        self.assertFalse([name for name in told if "orward" in name or name == "Via"])
        self.assertEqual(self.laptop_.run("bind", "web", "127.0.0.1:0", "--protocol", "tcp", "--forwarded", "forwarded").code, 2)
        self.laptop_.ok("unbind", "web")
        where = self.laptop_.bind("web", "--forwarded", "x-forwarded")
        self.laptop_.ok("agent", "restart")  # remembered
        self.laptop_.wait_reachable("web")
        told = json.loads(get(where, "/"))
        self.assertEqual((told["X-Forwarded-For"], told["X-Forwarded-Proto"], told["X-Forwarded-Host"]), ("127.0.0.1", "http", f"{where[0]}:{where[1]}"))

    def test_a_plain_stand_in_and_a_plain_provider(self):
        for exposed, bound in (("http", "tcp"), ("tcp", "http")):
            with self.subTest(exposed=exposed, bound=bound):
                where = self.pair(exposed, bound)
                connection = http.client.HTTPConnection(*where, timeout=60)
                for _ in range(3):
                    connection.request("GET", "/")
                    self.assertEqual(connection.getresponse().read()[:1], b"{")
                connection.close()

    def test_without_a_provider_requests_are_told_so(self):
        laptop = self.laptop("laptop", self.site("mill"))
        where = laptop.bind("web", "--protocol", "http")
        connection = http.client.HTTPConnection(*where, timeout=60)
        for _ in range(2):  # on one connection
            connection.request("GET", "/")
            answer = connection.getresponse()
            self.assertEqual((answer.status, answer.read().startswith(b"503 ")), (503, True))
        connection.close()


class Client(threading.Thread):
    """Asks again and again, on one connection or on a new one each time, until it is told to stop."""

    def __init__(self, where, keep, events):
        super().__init__(daemon=True)
        self.where, self.keep, self.events, self.stopped = where, keep, events, threading.Event()
        self.start()

    def run(self):
        connection = None
        while not self.stopped.is_set():
            began = time.monotonic()
            connection = connection or http.client.HTTPConnection(*self.where, timeout=60)
            connection.request("GET", "/hello")
            answer = connection.getresponse()
            self.events.append((began, json.loads(answer.read())["pod"] if answer.status == 200 else answer.status))
            if not self.keep:
                connection.close()
                connection = None

    def stop(self):
        self.stopped.set()
        self.join(60)


@unittest.skipIf(SANITIZED, "rates need the speed of a release build")
class RequestsAreBalanced(EndToEnd):
    alone = True

    def greeting(self, name):
        child = self.child(sys.executable, os.path.join(DEMO, "greeting.py"), name, 0, "--per-second", 20, stdout=subprocess.PIPE, text=True)
        return int(child.stdout.readline().rsplit(":", 1)[1].split("/")[0])

    def measure(self, where, keep, answers):
        """The shares of ten clients, and what is answered when nine of them have stopped."""
        events = []
        clients = [Client(where, keep, events) for _ in range(10)]
        wait_until(lambda: len(events) > 20, "the first answers")
        begin = len(events)
        wait_until(lambda: len(events) >= begin + answers, "answers to ten clients")
        shares = collections.Counter(pod for _, pod in events[begin:begin + answers])
        for client in clients[1:]:
            client.stop()
        alone = time.monotonic()
        later = lambda: [pod for began, pod in list(events) if began > alone + 2]
        wait_until(lambda: len(later()) >= 10, "answers to one client")
        clients[0].stop()
        return {pod: count / answers for pod, count in shares.items()}, collections.Counter(later())

    def test_a_kept_connection_is_balanced_request_by_request(self):
        mill = self.site("mill")
        for name, cost in (("near", 0), ("far", 5)):
            provider = self.profile(name).join(mill, "--role", "interior")
            provider.ok("expose", f"http://127.0.0.1:{self.greeting(name)}", "as", "greeting", "--cost", cost)
        where = mill.bind("greeting", "--protocol", "http")
        mill.wait_reachable("greeting")
        wait_until(lambda: len(service_of(mill, "greeting")["providers"]) == 2, "both providers")
        kept, kept_alone = self.measure(where, True, 80)
        new, new_alone = self.measure(where, False, 80)
        print(f"\n  kept: {kept}, then {dict(kept_alone)}; new: {new}, then {dict(new_alone)}\n  ", end="")
        for shares in (kept, new):
            self.assertEqual(set(shares), {"near", "far"})
            self.assertGreater(shares["near"], 0.4)
            self.assertGreater(shares["far"], 0.3)
        self.assertLess(abs(kept["far"] - new["far"]), 0.15)
        self.assertEqual((set(kept_alone), set(new_alone)), ({"near"}, {"near"}))


@unittest.skipUnless(SKROUTERD, "skrouterd is not on the PATH")
@unittest.skipUnless(NGINX, "nginx is not installed")
class BesideARealRouter(EndToEnd):
    def nginx(self):
        port = listening_port()
        folder = os.path.join(self.folder, "nginx")
        os.makedirs(folder)
        with open(os.path.join(folder, "hello"), "w") as f:
            f.write("hello from nginx\n")
        config = os.path.join(folder, "nginx.conf")
        with open(config, "w") as f:
            f.write(f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.out; events {{}}\n"
                    f"http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u;"
                    f" scgi_temp_path {folder}/s; server {{ listen 127.0.0.1:{port}; root {folder}; client_max_body_size 10m;"
                    f" location /status {{ stub_status; }} location /upload {{ proxy_pass http://127.0.0.1:{port}/hello; }} }} }}\n")
        self.child(NGINX, "-e", os.path.join(folder, "start.out"), "-c", config)
        wait_until(lambda: connects("127.0.0.1", port), "nginx listens")
        return port

    def connections(self, port):
        return int(get(("127.0.0.1", port), "/status").split()[2])

    def test_one_request_is_one_stream(self):
        port = self.nginx()
        self.authority = Authority(self.folder)
        real = Router(self._as_network(), "hub").listen()
        real.expose(port, "plain")
        real.bind("ours")
        real.start()
        mill = self.profile("mill")
        mill.ok("join", real.token(), "--name", "mill", "--role", "interior")
        mill.ok("expose", f"http://127.0.0.1:{port}", "as", "ours")
        where = mill.bind("plain", "--protocol", "http")
        mill.wait_reachable("plain")
        wait_until(lambda: connects(*real.stand_in("ours")), "the real listener listens")

        connection = http.client.HTTPConnection(*where, timeout=60)
        for method, wanted in (("GET", b"hello from nginx\n"), ("HEAD", b""), ("GET", b"hello from nginx\n")):
            connection.request(method, "/hello")
            self.assertEqual(connection.getresponse().read(), wanted)
        connection.request("POST", "/upload", body=b"x" * 3_000_000)
        answer = connection.getresponse()
        answer.read()
        self.assertEqual(answer.status, 405)  # a file takes no POST: nginx has read it all before it asked
        connection.close()
        self.assertEqual(service_of(mill, "plain")["connections"], 4)
        wait_until(lambda: self.connections(port) == 1, "nginx has but the connection that asks")

        done = curl("-w", "%{num_connects}", f"http://127.0.0.1:{real.stand_in('ours')[1]}/hello", f"http://127.0.0.1:{real.stand_in('ours')[1]}/hello")
        self.assertEqual(done.stdout, b"hello from nginx\n1hello from nginx\n0", done.stderr)
        self.assertEqual(service_of(mill, "ours")["connections"], 2)

    def _as_network(self):
        self.test = self
        return self


if __name__ == "__main__":
    unittest.main()
