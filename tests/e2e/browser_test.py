"""Chromium, as it is, on a page of a service: requests, a WebSocket and events, at a stand-in and by name."""

import hashlib
import http.server
import json
import os
import queue
import shutil
import struct
import subprocess
import unittest

import web_socket
from harness import EndToEnd, LIMIT

HERE = os.path.dirname(os.path.abspath(__file__))
# The program itself: Debian's script of this name leaves it behind when it is ended.
BROWSER = shutil.which("/usr/lib/chromium/chromium-headless-shell") or shutil.which("chromium")
EVENTS = 5


class Page(http.server.BaseHTTPRequestHandler):
    """browser_page.html and what it talks to."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, body, status=200, kind="text/plain"):
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/":
            with open(os.path.join(HERE, "browser_page.html"), "rb") as f:
                return self.answer(f.read(), kind="text/html")
        if self.path == "/events":
            return self.events()
        if self.path == "/socket":
            return self.web_socket()
        return self.answer(b"", 404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/heard":
            self.server.heard.put(body.decode())
        if self.path == "/found":
            self.server.found.put(json.loads(body))
        self.answer(hashlib.sha256(body).hexdigest().encode() if self.path == "/upload" else body)

    def events(self):
        """One after the other: what holds an event back until there are more would wait for ever."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for number in range(EVENTS):
            self.wfile.write(f"data: {number}\n\n".encode())
            if self.server.heard.get(timeout=LIMIT) != str(number):
                break
        self.close_connection = True

    def web_socket(self):
        """An echo, until the other end closes."""
        web_socket.accept(self)
        first = 0
        while first & 15 != 8:
            first, octets = self.frame()
            self.wfile.write(bytes([first]) + length_of(octets) + octets)

    def frame(self):
        first, second = self.rfile.read(2)
        size = second & 127
        if size == 126:
            [size] = struct.unpack("!H", self.rfile.read(2))
        elif size == 127:
            [size] = struct.unpack("!Q", self.rfile.read(8))
        mask, masked = self.rfile.read(4), self.rfile.read(size)
        whole = (mask * (size // 4 + 1))[:size]
        return first, (int.from_bytes(masked, "big") ^ int.from_bytes(whole, "big")).to_bytes(size, "big")


def length_of(octets):
    size = len(octets)
    if size < 126:
        return bytes([size])
    return struct.pack("!BH", 126, size) if size < 65536 else struct.pack("!BQ", 127, size)


class PageServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        self.heard, self.found = queue.Queue(), queue.Queue()
        super().__init__(("127.0.0.1", 0), Page)

    def handle_error(self, request, client_address):
        pass


@unittest.skipUnless(BROWSER, "Chromium is not installed")
class Browser(EndToEnd):
    def setUp(self):
        super().setUp()
        self.aws = self.site("aws")
        self.dev = self.laptop("laptop", self.aws)
        self.server = PageServer()
        self.aws.ok("expose", f"http://127.0.0.1:{self.serve(self.server)}", "as", "page")

    def visit(self, url, *options):
        """What the page has found out."""
        home = os.path.join(self.folder, f"browser-{len(self.children)}")
        with open(f"{home}.out", "wb") as out:
            self.child(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run",
                       f"--user-data-dir={home}", "--remote-debugging-port=0", *options, url,
                       stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "HOME": home})
        try:
            return self.server.found.get(timeout=LIMIT)
        except queue.Empty:
            with open(f"{home}.out", errors="replace") as out:
                self.fail(f"{url}: nothing was found within {LIMIT} s\n{out.read()[-4000:]}")

    def check(self, origin, *options):
        large = bytes(at % 251 for at in range(200000))
        self.assertEqual(self.visit(f"{origin}/", *options), {
            "socket": ["hello", "grüezi"], "large": True, "code": 1000, "wasClean": True, "events": [str(number) for number in range(EVENTS)],
            "uploaded": hashlib.sha256(large).hexdigest(), "answers": " ".join(map(str, range(30))), "origin": origin})

    def test_a_page_at_a_stand_in(self):
        host, port = self.dev.bind("page")
        self.dev.wait_reachable("page")
        self.assertEqual([s["protocol"] for s in self.dev.status()["services"]], ["http"])
        self.check(f"http://{host}:{port}")

    def test_a_page_by_name(self):
        self.dev.wait_reachable("page")
        proxy = self.dev.ok("proxy", "on", "--http", "0", "-o", "json").json()["http"]
        self.check(f"http://page.localhost:{proxy.rsplit(':', 1)[1]}")
        self.check("http://page.van", f"--proxy-server=http://{proxy}")  # the headless shell reads no PAC files


if __name__ == "__main__":
    unittest.main()
