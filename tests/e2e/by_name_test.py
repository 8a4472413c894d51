"""Services by name, without stand-ins: SOCKS5, HTTP proxy, NAME.localhost, PAC (docs/by-name.md)."""

import base64
import hashlib
import os
import socket
import subprocess

from harness import EndToEnd, digest_of, receive_exactly, wait_until

LIMIT = "60"


def curl(*args):
    done = subprocess.run(["curl", "-sS", "--max-time", LIMIT, *map(str, args)], capture_output=True, text=True, env={**os.environ, "no_proxy": "", "NO_PROXY": ""}, check=False)
    return done.returncode, done.stdout, done.stderr


def accept_key(key):
    return base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()  # RFC 6455, section 4.2.2


def read_head(connection):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += receive_exactly(connection, 1)
    return head.decode()


def read_frame(connection):
    first, second = receive_exactly(connection, 2)
    size = second & 127
    mask = receive_exactly(connection, 4) if second & 128 else bytes(4)
    return first, bytes(octet ^ mask[at % 4] for at, octet in enumerate(receive_exactly(connection, size)))


def web_socket_echo(connection):
    head = read_head(connection)
    key = [line.split(": ", 1)[1] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key:")][0]
    connection.sendall(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept_key(key)}\r\n\r\n".encode())
    while True:
        first, text = read_frame(connection)
        connection.sendall(bytes([first, len(text)]) + text.upper())


class ByName(EndToEnd):
    def setUp(self):
        super().setUp()
        self.aws = self.site("aws")
        self.dev = self.laptop("laptop", self.aws)
        self.aws.ok("expose", self.http_server("aws"), "as", "greeting", "--port", "8080")
        self.aws.ok("expose", self.tcp_server(web_socket_echo), "as", "shop/chat")
        self.dev.wait_reachable("greeting")
        self.dev.wait_reachable("shop/chat")
        self.assertIn("No proxy ports are open", self.dev.ok("proxy").out)
        self.opened = self.dev.ok("proxy", "on", "--socks", "0", "--http", "0", "-o", "json").json()
        self.socks, self.http = self.opened["socks"], self.opened["http"]
        self.port = self.http.rsplit(":", 1)[1]

    def proxied(self, url, *options):
        return curl("--proxy", f"http://{self.http}", *options, url)

    def test_curl_reaches_a_service_by_name_in_every_way(self):
        for host in ("greeting", "greeting:8080", "GREETING.van"):
            self.assertEqual(curl("--socks5-hostname", self.socks, f"http://{host}/")[1], "hello from aws\n")
            self.assertEqual(curl("--socks4a", self.socks, f"http://{host}/")[1], "hello from aws\n")
            self.assertEqual(self.proxied(f"http://{host}/")[1], "hello from aws\n")
            self.assertEqual(self.proxied(f"http://{host}/", "-p")[1], "hello from aws\n")
        self.assertEqual(curl(f"http://greeting.localhost:{self.port}/")[1], "hello from aws\n")
        count = 3_000_000
        done = subprocess.run(["curl", "-sS", f"http://greeting.localhost:{self.port}/bytes/{count}"], capture_output=True, check=True)
        self.assertEqual(hashlib.sha256(done.stdout).hexdigest(), digest_of(count))
        sent = os.path.join(self.folder, "sent")
        with open(sent, "wb") as f:
            f.write(done.stdout)
        answer = self.proxied("http://greeting/upload", "-X", "POST", "-T", sent)[1]
        self.assertEqual(answer.split(), [str(count), digest_of(count)])

    def test_what_is_not_in_the_network_is_refused(self):
        for url in ("http://example.com/", "http://127.0.0.1/", f"http://greeting:{1 + int(self.port)}/"):
            self.assertEqual(curl("--socks5-hostname", self.socks, url)[0], 97, url)
            self.assertEqual(self.proxied(url, "-p")[0], 56, url)
        code, out, _ = self.proxied("http://example.com/", "-w", "%{http_code}")
        self.assertEqual((code, out), (0, "'example.com' is no service of this network; it has greeting, shop/chat\n502"))
        self.assertTrue(self.proxied("http://127.0.0.1/", "-w", "%{http_code}")[1].endswith("403"))
        self.assertTrue(self.proxied("http://greeting:81/", "-w", "%{http_code}")[1].endswith("has port 8080, not 81\n403"))
        self.assertTrue(curl(f"http://{self.http}/", "-H", "Host: rebound.example", "-w", "%{http_code}")[1].endswith("421"))

    def test_a_web_socket_passes(self):
        for host in ("shop-chat.localhost", "shop-chat.van"):
            line = "GET /chat" if host.endswith("localhost") else f"GET http://{host}/chat"
            with socket.create_connection(("127.0.0.1", int(self.port)), 60) as client:
                key = base64.b64encode(os.urandom(16)).decode()
                client.sendall(f"{line} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
                head = read_head(client)
                self.assertTrue(head.startswith("HTTP/1.1 101 "), head)
                self.assertIn(f"Sec-WebSocket-Accept: {accept_key(key)}\r\n", head)
                for word in (b"hello", b"again"):
                    mask = os.urandom(4)
                    client.sendall(bytes([0x81, 0x80 | len(word)]) + mask + bytes(octet ^ mask[at % 4] for at, octet in enumerate(word)))
                    self.assertEqual(read_frame(client), (0x81, word.upper()))

    def test_the_start_page_lists_services_and_the_pac_file_sends_them_here(self):
        page = curl(f"http://localhost:{self.port}/")[1]
        self.assertIn(f'<a href="http://greeting.localhost:{self.port}/">greeting</a>', page)
        self.assertIn(f'<a href="http://shop-chat.localhost:{self.port}/">shop/chat</a>', page)
        code, pac, _ = curl("-i", f"http://{self.http}/proxy.pac")
        self.assertEqual(code, 0)
        self.assertIn("Content-Type: application/x-ns-proxy-autoconfig\n", pac)
        self.assertIn(f'return "PROXY {self.http}"', pac)
        self.assertIn('var services = {"greeting": 1, "shop-chat": 1};', pac)

    def test_the_ports_are_kept_over_a_restart_and_closed_again(self):
        status = self.dev.status()["proxy"]
        self.assertEqual((status["socks"], status["http"]), (self.socks, self.http))
        self.dev.ok("agent", "restart")
        self.dev.wait_reachable("greeting")
        self.assertEqual(curl("--socks5-hostname", self.socks, "http://greeting/")[1], "hello from aws\n")
        wait_until(lambda: self.dev.status()["proxy"]["connections"] == 1, "it is counted")
        other = self.profile("other")
        self.assertEqual(other.run("proxy", "on", "--http", self.http).code, 6)
        self.dev.ok("proxy", "off")
        self.assertEqual(curl("--socks5-hostname", self.socks, "http://greeting/")[0], 7)
        self.assertIsNone(self.dev.status()["proxy"]["http"])
        self.assertEqual(self.dev.run("proxy", "maybe").code, 2)
        self.assertEqual(self.dev.run("proxy", "off", "--socks", "1").code, 2)

    def test_the_configuration_opens_a_port_that_commands_leave_alone(self):
        self.dev.ok("proxy", "off")
        self.dev.configure(f'[proxy]\nhttp = "{self.port}"\n')
        self.dev.ok("agent", "restart")
        self.dev.wait_reachable("greeting")
        self.assertEqual(self.proxied("http://greeting/")[1], "hello from aws\n")
        self.assertIsNone(self.dev.status()["proxy"]["socks"])
        self.assertEqual(self.dev.run("proxy", "off").code, 6)
        self.assertEqual(self.dev.run("proxy", "on", "--http", "0").code, 6)
