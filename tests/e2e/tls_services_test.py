"""TLS towards clients and targets, and targets that want to know their clients."""

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import unittest

from harness import EndToEnd, HttpServer, LIMIT, curl, digest_of, free_port, get, receive_exactly, wait_until
from real_site import RealSite

NGINX = next((path for path in ("/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx") if os.path.exists(path)), None)


class Certificates(EndToEnd):
    """An authority, and certificates of it as NAME.crt and NAME.key."""

    def setUp(self):
        super().setUp()
        self.authority("ca")
        self.certificate("server", "subjectAltName=DNS:localhost,IP:127.0.0.1")

    def path(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *args):
        subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=self.folder)

    def new_key(self, name):
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key", "-subj", f"/CN={name}"

    def authority(self, name):
        self.openssl("req", "-x509", *self.new_key(name), "-out", f"{name}.crt", "-days", "30")

    def certificate(self, name, extension, authority="ca"):
        with open(self.path(f"{name}.ext"), "w") as f:
            f.write(extension + "\n")
        self.openssl("req", *self.new_key(name), "-out", f"{name}.csr")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key", "-CAcreateserial",
                     "-days", "30", "-extfile", f"{name}.ext", "-out", f"{name}.crt")

    def https_server(self, certificate="server", clients=None):
        server = HttpServer(("127.0.0.1", 0), "tls")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path(f"{certificate}.crt"), self.path(f"{certificate}.key"))
        if clients:
            context.load_verify_locations(self.path(f"{clients}.crt"))
            context.verify_mode = ssl.CERT_REQUIRED
        # The handshake is the handler thread's: a client that fails must not hold up the others.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        return self.serve(server)

    def provider(self, site):
        return next(s for s in site.ok("services", "-o", "json").json() if s["address"] == "web")["providers"][0]

    def wait_provider(self, site, state):
        wait_until(lambda: self.provider(site)["state"] == state, f"the target is {state}")
        return self.provider(site)

    def bulk_both_ways(self, url, *options):
        file = self.path("bulk")
        self.assertEqual(curl(*options, "-o", file, f"{url}/bytes/20000000").returncode, 0)
        upload = curl(*options, "-X", "POST", "-H", "Expect:", "-T", file, f"{url}/up")
        self.assertEqual(upload.stdout.decode().split(), ["20000000", digest_of(20_000_000)], upload.stderr)


class TlsServices(Certificates):
    def setUp(self):
        super().setUp()
        self.aws = self.site("aws")
        self.dev = self.laptop("laptop", self.aws)

    def test_a_stand_in_terminates_tls(self):
        self.dev.ok("expose", self.http_server("plain"), "as", "web")
        port = self.aws.bind("web", "--tls-cert", self.path("server.crt"), "--tls-key", self.path("server.key"))[1]
        self.aws.wait_reachable("web")
        url = f"https://localhost:{port}"
        trusting = ("--cacert", self.path("ca.crt"))
        self.assertEqual(curl(*trusting, f"{url}/hello").stdout, b"hello from plain\n")
        self.authority("other")
        self.assertEqual(curl("--cacert", self.path("other.crt"), f"{url}/hello").returncode, 60)
        self.bulk_both_ways(url, *trusting)
        self.aws.ok("agent", "restart")
        self.aws.wait_reachable("web")
        self.assertEqual(curl(*trusting, f"{url}/hello").stdout, b"hello from plain\n")

    def test_requests_of_http_are_carried_over_tls(self):
        self.dev.ok("expose", f"http://127.0.0.1:{self.http_server('plain')}", "as", "web")
        own = ("--tls-cert", self.path("server.crt"), "--tls-key", self.path("server.key"))
        port = self.aws.bind("web", *own, "--protocol", "http")[1]
        self.aws.wait_reachable("web")
        url, trusting = f"https://localhost:{port}", ("--cacert", self.path("ca.crt"))

        def two_requests_on_one_connection():
            done = curl(*trusting, "-w", "%{num_connects} %{http_version} ", f"{url}/hello", f"{url}/hello")
            self.assertEqual(done.stdout, b"hello from plain\n1 1.1 hello from plain\n0 1.1 ", done.stderr)
        two_requests_on_one_connection()
        self.authority("other")
        self.assertEqual(curl("--cacert", self.path("other.crt"), f"{url}/hello").returncode, 60)
        plain = curl(f"http://localhost:{port}/hello", limit=20)
        self.assertIn(plain.returncode, (1, 52, 56), plain.stderr)  # what comes is no HTTP, nothing comes, a reset; no time-out
        self.assertEqual(plain.stdout, b"")
        self.bulk_both_ways(url, *trusting)
        two_requests_on_one_connection()
        [service] = [s for s in self.aws.status()["services"] if s["address"] == "web"]
        self.assertEqual((service["protocol"], service["connections"]), ("http", 6))  # of requests: those that were refused are none
        wait_until(lambda: [s["in_flight"] for s in self.aws.status()["services"]] == [0], "nothing is in flight")

    def test_silent_clients_have_a_bound_and_ten_seconds(self):
        self.dev.ok("expose", self.http_server("plain"), "as", "web")
        where = self.aws.bind("web", "--tls-cert", self.path("server.crt"), "--tls-key", self.path("server.key"))
        self.aws.wait_reachable("web")
        ask = ("-4", "--cacert", self.path("ca.crt"), f"https://localhost:{where[1]}/hello")  # the listener of the others, who came before
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(socket.create_connection(where)) for _ in range(256)]
            beyond = curl(*ask)
            self.assertNotEqual(beyond.returncode, 0)  # reset at once: they hold all the places
            self.assertNotEqual(beyond.returncode, 28, beyond.stderr)
            for client in clients:
                client.settimeout(LIMIT)
                with contextlib.suppress(ConnectionResetError):
                    while client.recv(1000):  # an alert may come before the end
                        pass
            self.assertEqual(curl(*ask).stdout, b"hello from plain\n")

    def test_each_direction_of_tls_ends_for_itself(self):
        def answer_at_the_end(connection):
            data = bytearray()
            while piece := connection.recv(65536):
                data += piece
            connection.sendall(b"%d octets" % len(data))
        self.dev.ok("expose", self.tcp_server(answer_at_the_end), "as", "web")
        port = self.aws.bind("web", "--tls-cert", self.path("server.crt"), "--tls-key", self.path("server.key"))[1]
        self.aws.wait_reachable("web")
        context = ssl.create_default_context(cafile=self.path("ca.crt"))
        plain = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")

        def step(act):
            while True:
                try:
                    return act()
                except ssl.SSLWantReadError:
                    if outgoing.pending:
                        plain.sendall(outgoing.read())
                    incoming.write(plain.recv(65536))
        with plain:
            step(session.do_handshake)
            session.write(b"x" * 100_000)
            plain.sendall(outgoing.read())
            plain.shutdown(socket.SHUT_WR)  # without close_notify, as many do
            answer = b""
            while piece := step(lambda: session.read(4096)):
                answer += piece
                if answer == b"100000 octets":
                    break
            self.assertEqual(answer, b"100000 octets")

    def test_a_target_of_tls_is_verified(self):
        port = self.https_server()
        self.dev.ok("expose", f"https://localhost:{port}", "as", "web", "--tls-ca", self.path("ca.crt"))
        where = self.aws.bind("web")
        self.aws.wait_reachable("web")
        self.assertEqual(get(where), b"hello from tls\n")
        self.bulk_both_ways(f"http://{where[0]}:{where[1]}")
        self.dev.ok("agent", "restart")
        self.assertEqual(self.wait_provider(self.dev, "up")["error"], None)
        self.aws.wait_reachable("web")
        self.assertEqual(get(where), b"hello from tls\n")
        self.dev.ok("unexpose", "web", f"tls://localhost:{port}")

        self.authority("other")
        self.dev.ok("expose", f"tls://localhost:{port}", "as", "web", "--tls-ca", self.path("other.crt"))
        self.assertIn("not a trusted authority", self.wait_provider(self.dev, "down")["error"])
        self.assertFalse(any(s["reachable"] for s in self.aws.status()["services"] if s["address"] == "web"))
        self.dev.ok("unexpose", "web")

        self.certificate("elsewhere", "subjectAltName=DNS:example.com")
        target = f"tls://localhost:{self.https_server('elsewhere')}"
        self.dev.ok("expose", target, "as", "web", "--tls-ca", self.path("ca.crt"))
        self.assertIn("is for example.com, not for localhost", self.wait_provider(self.dev, "down")["error"])
        self.dev.ok("unexpose", "web")
        self.dev.ok("expose", target, "as", "web", "--tls-ca", self.path("ca.crt"), "--tls-any-host", "--health", "http:/hello")
        self.wait_provider(self.dev, "up")
        self.aws.wait_reachable("web")
        self.assertEqual(get(where), b"hello from tls\n")

    def test_a_target_may_ask_for_a_certificate(self):
        self.certificate("ann", "extendedKeyUsage=clientAuth")
        target = f"tls://localhost:{self.https_server(clients='ca')}"
        self.dev.ok("expose", target, "as", "web", "--tls-ca", self.path("ca.crt"))
        self.wait_provider(self.dev, "down")
        self.dev.ok("unexpose", "web")
        self.dev.ok("expose", target, "as", "web", "--tls-ca", self.path("ca.crt"), "--tls-cert", self.path("ann.crt"), "--tls-key", self.path("ann.key"))
        where = self.aws.bind("web")
        self.aws.wait_reachable("web")
        self.assertEqual(get(where), b"hello from tls\n")

    @unittest.skipUnless(shutil.which("nghttpd"), "nghttpd is not there")
    def test_requests_of_http2_are_carried_over_tls_at_both_ends(self):
        port = free_port()
        with open(self.path("small"), "wb") as f:
            f.write(b"small")
        self.child("nghttpd", "-a", "127.0.0.1", "-d", self.folder, port, self.path("server.key"), self.path("server.crt"),
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: RealSite.connects(port), "nghttpd listens")
        self.dev.ok("expose", f"https://127.0.0.1:{port}", "as", "web", "--protocol", "http2", "--tls-ca", self.path("ca.crt"))
        where = self.aws.bind("web", "--tls-cert", self.path("server.crt"), "--tls-key", self.path("server.key"), "--protocol", "http2")
        self.aws.wait_reachable("web")
        answer = curl("--http2", "--cacert", self.path("ca.crt"), "-w", " %{http_version}", f"https://localhost:{where[1]}/small")
        self.assertEqual(answer.stdout, b"small 2", answer.stderr)

    def test_files_that_can_not_be_used_are_refused_at_once(self):
        own = ("--tls-cert", self.path("server.crt"), "--tls-key", self.path("server.key"))
        for code, words, command in ((5, "nowhere.crt", ("bind", "web", "--tls-cert", "nowhere.crt", "--tls-key", "nowhere.key")),
                                     (1, "does not belong", ("bind", "web", *own[:3], self.path("ca.key"))),
                                     (2, "go together", ("bind", "web", *own[:2])),
                                     (2, "https://HOST:PORT", ("expose", "8080", "as", "web", "--tls-ca", self.path("ca.crt"))),
                                     (5, "nowhere.crt", ("expose", "tls://localhost:1", "as", "web", "--tls-ca", "nowhere.crt")),
                                     (1, "ca.key", ("expose", "tls://localhost:1", "as", "web", "--tls-ca", self.path("ca.key"))),
                                     (2, "Unix socket", ("expose", "tls:unix:/x", "as", "web"))):
            refused = self.dev.run(*command)
            self.assertEqual(refused.code, code, refused.err)
            self.assertIn(words, refused.err)
        self.assertEqual([s for s in self.dev.status()["services"] if s["address"] == "web"], [])


class TlsBesideARealRouter(RealSite):
    def test_tls_at_our_end_and_a_real_router_at_the_other(self):
        dev = self.profile("laptop")
        dev.ok("join", self.real_site())
        server = HttpServer(("127.0.0.1", 0), "tls")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path("server.crt"), self.path("server.key"))
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        dev.ok("expose", f"tls://localhost:{self.serve(server)}", "as", "greeting", "--tls-ca", self.path("ca.crt"))
        port = dev.bind("web", "--tls-cert", self.path("server.crt"), "--tls-key", self.path("server.key"))[1]
        dev.wait_reachable("web")
        self.assertEqual(curl("--cacert", self.path("ca.crt"), f"https://localhost:{port}/hello").stdout, b"hello from real\n")
        wait_until(lambda: self.connects(self.ports["stand-in"]), "the real listener opens")
        self.assertEqual(get(("127.0.0.1", self.ports["stand-in"])), b"hello from tls\n")


@unittest.skipUnless(NGINX, "nginx is not installed")
class ProxyProtocol(RealSite):
    def nginx(self):
        """Answers with the client that the PROXY header told, and the connection's own."""
        port = free_port()
        with open(self.path("nginx.conf"), "w") as f:
            f.write(f"""daemon off; worker_processes 1; pid {self.path('nginx.pid')}; error_log {self.path('nginx.err')};
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {self.path('t1')}; proxy_temp_path {self.path('t2')}; fastcgi_temp_path {self.path('t3')};
  uwsgi_temp_path {self.path('t4')}; scgi_temp_path {self.path('t5')};
  server {{ listen 127.0.0.1:{port} proxy_protocol; location / {{ return 200 "[$proxy_protocol_addr]:$proxy_protocol_port [$proxy_protocol_server_addr]:$proxy_protocol_server_port"; }} }}
}}
""")
        self.child(NGINX, "-c", self.path("nginx.conf"), "-p", self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: self.connects(port), "nginx listens")
        return port

    def ask(self, where):
        """The answer, and the client's own address."""
        with socket.create_connection(where, timeout=LIMIT) as client:
            own = client.getsockname()
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = b""
            while piece := client.recv(65536):
                answer += piece
        return answer.rsplit(b"\r\n\r\n", 1)[1].decode(), own

    def test_a_target_hears_the_client_address_between_our_sites_and_none_from_a_real_router(self):
        aws = self.site("aws")
        target = self.nginx()
        options = ("--proxy-protocol", "--health", "http:/")
        dev = self.laptop("laptop", aws)
        dev.ok("expose", target, "as", "greeting", *options)
        where = aws.bind("greeting")
        aws.wait_reachable("greeting")
        answer, own = self.ask(where)
        self.assertEqual(answer, f"[{own[0]}]:{own[1]} [{where[0]}]:{where[1]}")

        beside = self.profile("beside")
        beside.ok("join", self.real_site())
        beside.ok("expose", target, "as", "greeting", *options)
        wait_until(lambda: self.connects(self.ports["stand-in"]), "the real listener opens")
        answer, _ = self.ask(("127.0.0.1", self.ports["stand-in"]))
        self.assertEqual(answer, "[]: []:")
