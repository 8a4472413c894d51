"""HTTP/2 and gRPC services (--protocol http2), with curl, h2load, nghttpd and gRPC's own library at the ends."""

import concurrent.futures
import os
import shutil
import subprocess
import threading
import unittest

from harness import LIMIT, EndToEnd, curl, digest_of, free_port, octets, wait_until
from real_site import RealSite

import hashlib
import socket

try:
    import grpc
except ImportError:
    grpc = None

NGHTTPD, H2LOAD = shutil.which("nghttpd"), shutil.which("h2load")


def h2(where, path, *options):
    return curl("--http2-prior-knowledge", *options, f"http://{where[0]}:{where[1]}{path}")


class Http2(EndToEnd):
    """A laptop's server, used at the site."""

    def setUp(self):
        super().setUp()
        if not NGHTTPD or not H2LOAD:
            self.skipTest("nghttpd and h2load are not there")
        self.aws = self.site("aws")
        self.dev = self.laptop("laptop", self.aws)

    def nghttpd(self, *options):
        root = os.path.join(self.folder, "htdocs")
        os.makedirs(root, exist_ok=True)
        for name, count in (("small", 100), ("big", 20_000_000)):
            with open(os.path.join(root, name), "wb") as f:
                for piece in octets(count):
                    f.write(piece)
        port = free_port()
        self.child(NGHTTPD, "--no-tls", "-a", "127.0.0.1", "-d", root, *options, port, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: listens(port), "nghttpd listens")
        return port

    def bound(self, port, expose="http2", bind="http2"):
        self.dev.ok("expose", f"127.0.0.1:{port}", "as", "web", "--protocol", expose)
        where = self.aws.bind("web", "--protocol", bind)
        self.aws.wait_reachable("web")
        return where

    def check_web(self, where):
        self.assertEqual(hashlib.sha256(h2(where, "/big").stdout).hexdigest(), digest_of(20_000_000))
        self.assertEqual(h2(where, "/small", "-w", "%{http_code} %{http_version}", "-o", "/dev/null").stdout, b"200 2")
        self.assertEqual(h2(where, "/none", "-o", "/dev/null", "-w", "%{http_code}").returncode, 22)

        load = subprocess.run([H2LOAD, "-n", "2000", "-c", "4", "-m", "50", f"http://{where[0]}:{where[1]}/small"], capture_output=True, text=True, timeout=LIMIT)
        self.assertRegex(load.stdout, r"2000 succeeded, 0 failed, 0 errored, 0 timeout", load.stderr)

    def test_a_server_is_used_by_curl_and_h2load(self):
        where = self.bound(self.nghttpd("--echo-upload"))
        self.check_web(where)
        sent = os.path.join(self.folder, "sent")
        with open(sent, "wb") as f:
            for piece in octets(10_000_000):
                f.write(piece)
        echoed = h2(where, "/echo", "--data-binary", f"@{sent}").stdout
        self.assertEqual(hashlib.sha256(echoed).hexdigest(), digest_of(10_000_000))
        [service] = [s for s in self.aws.status()["services"] if s["address"] == "web"]
        self.assertEqual((service["protocol"], service["in_flight"]), ("http2", 0))
        self.assertEqual(service["connections"], 2004)  # of requests

    def test_a_plain_tcp_provider_serves_an_http2_stand_in(self):
        self.check_web(self.bound(self.nghttpd(), expose="tcp"))

    def test_an_http2_exposure_serves_a_plain_tcp_stand_in(self):
        self.check_web(self.bound(self.nghttpd(), bind="tcp"))

    def test_requests_wait_for_a_server_that_takes_few_at_once(self):
        where = self.bound(self.nghttpd("--max-concurrent-streams=2"))
        load = subprocess.run([H2LOAD, "-n", "1000", "-c", "2", "-m", "100", f"http://{where[0]}:{where[1]}/small"], capture_output=True, text=True, timeout=LIMIT)
        self.assertRegex(load.stdout, r"1000 succeeded, 0 failed, 0 errored, 0 timeout", load.stderr)

    @unittest.skipUnless(shutil.which("nginx"), "nginx is not there")
    def test_nginx_as_a_server(self):
        """It closes connections by GOAWAY after some requests, and takes a few at once."""
        self.nghttpd()  # makes the files
        port, work = free_port(), os.path.join(self.folder, "nginx")
        os.makedirs(work)
        paths = "".join(f"  {kind}_temp_path {work};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(os.path.join(work, "nginx.conf"), "w") as f:
            f.write(f"daemon off;\nmaster_process off;\npid {work}/pid;\nerror_log {work}/error_log;\nevents {{ worker_connections 512; }}\n"
                    f"http {{\n  access_log off;\n{paths}  keepalive_requests 100;\n  http2_max_concurrent_streams 16;\n"
                    f"  server {{ listen 127.0.0.1:{port} http2; root {self.folder}/htdocs; }}\n}}\n")
        self.child("nginx", "-p", work, "-c", os.path.join(work, "nginx.conf"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: listens(port), "nginx listens")
        self.check_web(self.bound(port))

    def test_http1_and_no_provider_get_an_answer(self):
        where = self.bound(self.nghttpd())
        self.assertEqual(status_of(where, "--http1.1"), b"505")
        self.dev.ok("unexpose", "web")
        wait_until(lambda: status_of(where, "--http2-prior-knowledge") == b"503", "nobody provides it")


def status_of(where, *options):
    return subprocess.run(["curl", "-sS", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", *options, f"http://{where[0]}:{where[1]}/small"],
                          capture_output=True, timeout=LIMIT).stdout


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Calls:
    """gRPC's servers and clients, for tests."""

    def serve_grpc(self, name):
        """Calls of all four kinds, over plain octets."""
        seen = threading.Event()

        def unary(request, context):
            context.set_trailing_metadata((("x-served-by", name),))
            return request.upper()

        def collect(requests, context):
            return b",".join(requests)

        def count(request, context):
            for number in range(int(request)):
                yield str(number).encode()

        def chat(requests, context):
            for request in requests:
                yield b"re: " + request

        def refuse(request, context):
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today: 100 %")

        def forever(request, context):
            context.add_callback(seen.set)
            while context.is_active():
                yield b"x" * 1000

        handlers = {"Unary": grpc.unary_unary_rpc_method_handler(unary), "Collect": grpc.stream_unary_rpc_method_handler(collect),
                    "Count": grpc.unary_stream_rpc_method_handler(count), "Chat": grpc.stream_stream_rpc_method_handler(chat),
                    "Refuse": grpc.unary_unary_rpc_method_handler(refuse), "Forever": grpc.unary_stream_rpc_method_handler(forever)}
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(16))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Octets", handlers),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self.addCleanup(lambda: server.stop(0).wait(20))
        return port, seen

    def channel(self, where):
        channel = grpc.insecure_channel(f"{where[0]}:{where[1]}", options=(("grpc.enable_http_proxy", 0),))
        self.addCleanup(channel.close)
        return channel

    def call_each_kind(self, where):
        channel = self.channel(where)
        self.assertEqual(channel.unary_unary("/test.Octets/Unary")(b"hello", timeout=LIMIT), b"HELLO")
        large = b"y" * 3_000_000
        self.assertEqual(channel.unary_unary("/test.Octets/Unary")(large, timeout=LIMIT), large.upper())
        self.assertEqual(channel.stream_unary("/test.Octets/Collect")(iter([b"a", b"b", b"c"]), timeout=LIMIT), b"a,b,c")
        self.assertEqual(list(channel.unary_stream("/test.Octets/Count")(b"300", timeout=LIMIT)), [str(n).encode() for n in range(300)])

        said = threading.Semaphore(0)

        def words():  # each after the answer to the one before
            for number in range(50):
                if number:
                    said.acquire(timeout=LIMIT)
                yield str(number).encode()
        heard = []
        for answer in channel.stream_stream("/test.Octets/Chat")(words(), timeout=LIMIT):
            heard.append(answer)
            said.release()
        self.assertEqual(heard, [b"re: " + str(n).encode() for n in range(50)])
        return channel


@unittest.skipUnless(grpc, "gRPC's Python library is not there")
class Grpc(Calls, EndToEnd):
    def setUp(self):
        super().setUp()
        self.aws = self.site("aws")
        self.dev = self.laptop("laptop", self.aws)

    def test_all_four_kinds_of_calls(self):
        port, ended = self.serve_grpc("laptop")
        self.dev.ok("expose", f"http2://127.0.0.1:{port}", "as", "octets")
        where = self.aws.bind("octets")
        self.aws.wait_reachable("octets")
        [service] = [s for s in self.aws.status()["services"] if s["address"] == "octets"]
        self.assertEqual(service["protocol"], "http2")
        channel = self.call_each_kind(where)
        answer, call = channel.unary_unary("/test.Octets/Unary").with_call(b"hello", timeout=LIMIT)
        self.assertIn(("x-served-by", "laptop"), [tuple(pair) for pair in call.trailing_metadata()])

        with self.assertRaises(grpc.RpcError) as refused:
            channel.unary_unary("/test.Octets/Refuse")(b"", timeout=LIMIT)
        self.assertEqual((refused.exception.code(), refused.exception.details()), (grpc.StatusCode.FAILED_PRECONDITION, "not today: 100 %"))

        calls = channel.unary_stream("/test.Octets/Forever")(b"", timeout=LIMIT)
        next(calls)
        calls.cancel()
        self.assertTrue(ended.wait(LIMIT), "the server hears that the call was cancelled")

        self.dev.ok("unexpose", "octets")

        def unavailable():
            with self.assertRaises(grpc.RpcError) as nobody:
                channel.unary_unary("/test.Octets/Unary")(b"", timeout=LIMIT)
            self.assertEqual(nobody.exception.code(), grpc.StatusCode.UNAVAILABLE)
            return "nobody provides 'octets'" in nobody.exception.details()
        wait_until(unavailable, "the reason is told")

    def test_one_connection_is_spread_over_two_providers_by_cost(self):
        near, _ = self.serve_grpc("near")
        far, _ = self.serve_grpc("far")
        self.aws.ok("expose", f"127.0.0.1:{near}", "as", "octets", "--protocol", "http2")
        self.dev.ok("expose", f"127.0.0.1:{far}", "as", "octets", "--protocol", "http2", "--cost", "5")
        user = self.laptop("user", self.aws)
        where = user.bind("octets", "--protocol", "http2")
        user.wait_reachable("octets")
        wait_until(lambda: any(s["address"] == "octets" and len(s["providers"]) == 2 for s in self.aws.status()["services"]), "both are known")
        channel = self.channel(where)

        def talk(release):
            def words():
                yield b"who"
                release.wait(LIMIT)
            calls = channel.stream_stream("/test.Octets/Chat")(words(), timeout=LIMIT)
            next(calls)
            return calls

        release = threading.Event()
        calls = [talk(release) for _ in range(16)]  # all on one connection, all open at once

        def in_flight(profile):
            return sum(s["in_flight"] for s in profile.status()["services"] if s["address"] == "octets")
        # The cheaper one is preferred until it has as many more in flight as the costs differ (with the link's).
        counts = (in_flight(self.aws), in_flight(self.dev))
        release.set()
        for call in calls:
            list(call)
        self.assertEqual(sum(counts), 16, counts)
        self.assertTrue(5 <= counts[0] - counts[1] <= 7, counts)


@unittest.skipUnless(grpc, "gRPC's Python library is not there")
class GrpcBesideRealRouter(Calls, RealSite):
    """A real router carries TCP and knows nothing of HTTP/2."""

    def test_calls_pass_to_a_real_connector_and_from_a_real_listener(self):
        self.http, _ = self.serve_grpc("real")  # what the real tcpConnector connects
        dev = self.profile("laptop")
        dev.ok("join", self.real_site())
        where = dev.bind("web", "--protocol", "http2")
        dev.wait_reachable("web")
        self.call_each_kind(where)

        dev.ok("expose", f"127.0.0.1:{self.serve_grpc('laptop')[0]}", "as", "greeting", "--protocol", "http2")
        theirs = ("127.0.0.1", self.ports["stand-in"])
        wait_until(lambda: self.connects(theirs[1]), "the real listener opens")
        self.call_each_kind(theirs)
