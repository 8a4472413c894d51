"""What the end-to-end tests share: profiles of vanctl in folders of their own, local servers, and waiting for conditions.

Every process is started here and ended here, by its id. Ports are chosen by the system. Limits on time only catch hangs.
"""

import contextlib
import hashlib
import http.server
import json
import os
import shutil
import signal
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
import unittest

VANCTL = os.environ.get("VANCTL") or shutil.which("vanctl")
SANITIZED = bool(os.environ.get("VAN_SANITIZED"))
LIMIT = 120  # seconds that nothing here takes unless it hangs


def wait_until(condition, what, limit=LIMIT):
    """Waits for something another process does; the pause only yields the processor."""
    pause = threading.Event()
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {what}")
        pause.wait(0.05)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def json(self):
        return json.loads(self.out)


class Profile:
    """One site or laptop: its own VANCTL_HOME, so its own agent."""

    def __init__(self, test, name, home=None):
        self.test, self.name = test, name
        self.home = home or os.path.join(test.folder, name)
        os.makedirs(self.home, exist_ok=True)
        if SANITIZED:  # slow enough to stand still for seconds
            self.configure("[links]\nidle_timeout = 30\n")
        test.profiles.append(self)

    def configure(self, text):
        """Writes the default profile's agent.toml."""
        folder = os.path.join(self.home, "default")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(os.path.join(folder, "agent.toml"), "w") as f:
            f.write(text)

    def environment(self, **extra):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("VANCTL_PROFILE", "XDG_"))}
        env.update(VANCTL_HOME=self.home, NO_COLOR="1", **extra)
        return env

    def command(self, *args):
        return [VANCTL, *map(str, args)]

    def run(self, *args, input=None, limit=LIMIT, env=None):
        done = subprocess.run(self.command(*args), input=input, capture_output=True, text=True, timeout=limit,
                              env=env or self.environment(), cwd=self.home)
        if "AddressSanitizer" in done.stderr or "runtime error:" in done.stderr:
            raise AssertionError(done.stderr)
        return Result(done)

    def ok(self, *args, **options):
        result = self.run(*args, **options)
        if result.code != 0:
            raise AssertionError(f"vanctl {' '.join(map(str, args))} on {self.name}: exit {result.code}\n{result.out}{result.err}\n{self.log()}")
        return result

    def status(self):
        return self.ok("status", "-o", "json").json()

    def pid(self):
        return self.status()["pid"]

    def log(self):
        lines = []
        for folder, _, files in os.walk(self.home):
            for file in files:
                if file.endswith(".log"):
                    with open(os.path.join(folder, file), errors="replace") as f:
                        lines += f.readlines()[-60:]
        return f"--- log of {self.name}\n" + "".join(lines)

    def create_site(self, *options):
        self.ok("site", "create", self.name, "--listen", "127.0.0.1:0", "--listen-edge", "127.0.0.1:0", *options)
        return self

    def token(self, *options):
        path = os.path.join(self.test.folder, f"token-{self.name}-{len(os.listdir(self.test.folder))}.yaml")
        self.ok("token", "create", path, *options)
        return path

    def join(self, site, *options):
        self.ok("join", site.token(), "--name", self.name, *options)
        return self

    def bind(self, address, *args):
        self.ok("bind", address, *args)
        return self.stand_in(address)

    def stand_in(self, address):
        for service in self.status()["services"]:
            if service["address"] == address and service["stand_in"]:
                host, port = service["stand_in"].rsplit(":", 1)
                return host, int(port)
        raise AssertionError(f"{address} has no stand-in on {self.name}")

    def wait_reachable(self, address):
        def reachable():
            return any(s["address"] == address and s["reachable"] for s in self.status()["services"])
        try:
            wait_until(reachable, f"{address} reachable on {self.name}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.run('status').out}\n{self.log()}") from None

    def wait_links_up(self, count=1):
        wait_until(lambda: sum(l["state"] == "up" for l in self.status()["links"]) >= count, f"{count} links up on {self.name}")

    def kill9(self):
        pid = self.pid()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not alive(pid), "the agent is gone")

    def close(self):
        running = self.run("agent", "status").code == 0
        if not running:
            return
        pid = self.pid()
        self.run("agent", "stop")
        with contextlib.suppress(ProcessLookupError):
            if alive(pid):
                os.kill(pid, signal.SIGKILL)


def end(child):
    """Ends a process that was started here, and waits for it."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
    child.wait(20)
    for pipe in (child.stdout, child.stderr, child.stdin):
        if pipe:
            pipe.close()


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def agents_below(folder):
    """Processes whose VANCTL_HOME is below `folder`."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/environ", "rb") as f:
                if f"VANCTL_HOME={folder}/".encode() in f.read() and alive(entry):
                    found.append(int(entry))
        except OSError:  # it has ended, or is another user's
            continue
    return found


class EndToEnd(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="vanctl-e2e-")
        self.profiles = []
        self.children = []
        self.addCleanup(self._clean)

    def _clean(self):
        if not self._outcome.success:
            for profile in self.profiles:
                print(profile.log(), flush=True)
        for profile in reversed(self.profiles):
            profile.close()
        for child in self.children:
            end(child)
        reports = []
        for pid in agents_below(self.folder):
            reports.append(f"process {pid} was left behind")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for folder, _, files in os.walk(self.folder):
            for file in files:
                if file.endswith((".log", ".err", ".out")):
                    with open(os.path.join(folder, file), errors="replace") as f:
                        text = f.read()
                    if "AddressSanitizer" in text or "LeakSanitizer" in text or "runtime error:" in text or "internal error" in text:
                        reports.append(text[-6000:])
        shutil.rmtree(self.folder, ignore_errors=True)
        if reports:
            self.fail("\n".join(reports))

    def profile(self, name):
        return Profile(self, name)

    def site(self, name, *options):
        return self.profile(name).create_site(*options)

    def laptop(self, name, site, *options):
        return self.profile(name).join(site, *options)

    def child(self, *command, **options):
        child = subprocess.Popen([str(c) for c in command], **options)
        self.children.append(child)
        return child

    def serve(self, server):
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()

        def stop():
            server.shutdown()
            server.server_close()
            thread.join(20)
        self.addCleanup(stop)
        return server.server_address[1]

    def http_server(self, name="local"):
        return self.serve(HttpServer(("127.0.0.1", 0), name))

    def tcp_server(self, handle):
        return self.serve(TcpServer(("127.0.0.1", 0), handle))


class HttpServer(http.server.ThreadingHTTPServer):
    """GET /hello names the server; GET /bytes/N gives N octets; POST gives the octets' count and SHA-256."""
    request_queue_size = 1024

    def __init__(self, address, name):
        super().__init__(address, HttpHandler)
        self.name = name

    def handle_error(self, request, client_address):
        pass


def octets(count):
    """The same pseudo-random octets on both sides, in pieces."""
    block = b"".join(hashlib.sha256(i.to_bytes(4, "big")).digest() for i in range(32768))
    while count > 0:
        yield block[:count]
        count -= min(count, len(block))


def digest_of(count):
    digest = hashlib.sha256()
    for piece in octets(count):
        digest.update(piece)
    return digest.hexdigest()


class HttpHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path.startswith("/bytes/"):
            count = int(self.path.rsplit("/", 1)[1])
            self.send_response(200)
            self.send_header("Content-Length", str(count))
            self.end_headers()
            for piece in octets(count):
                self.wfile.write(piece)
        else:
            self.answer(f"hello from {self.server.name}\n".encode())

    def do_POST(self):
        left, digest, total = int(self.headers["Content-Length"]), hashlib.sha256(), 0
        while left > 0:
            piece = self.rfile.read(min(left, 1 << 20))
            if not piece:
                break
            digest.update(piece)
            total += len(piece)
            left -= len(piece)
        self.answer(f"{total} {digest.hexdigest()}\n".encode())


class TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(self, address, handle):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                handle(self.request)
        super().__init__(address, Handler)

    def handle_error(self, request, client_address):
        pass


def receive_exactly(connection, count):
    data = bytearray()
    while len(data) < count:
        piece = connection.recv(min(1 << 20, count - len(data)))
        if not piece:
            raise AssertionError(f"end after {len(data)} of {count} octets")
        data += piece
    return bytes(data)


def curl(*args, limit=LIMIT):
    return subprocess.run(["curl", "-sS", "--fail", "--noproxy", "*", "--max-time", str(limit), *map(str, args)], capture_output=True)


def get(where, path="/hello"):
    host, port = where
    done = curl(f"http://{host}:{port}{path}")
    if done.returncode != 0:
        raise AssertionError(f"curl: {done.stderr.decode()}")
    return done.stdout
