"""Wrong input gives the documented exit code and a message that says what to do, and loses nothing."""

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import unittest

from harness import EndToEnd, Profile, free_port, wait_until


class BadInput(EndToEnd):
    def setUp(self):
        super().setUp()
        self.dev = self.profile("laptop")

    def write(self, text, name="token.yaml"):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def refused(self, code, *args, says="", profile=None, **options):
        profile = profile or self.dev
        result = profile.run(*args, **options)
        self.assertEqual(result.code, code, result.out + result.err + profile.log())
        lines = result.err.strip().splitlines()
        self.assertTrue(lines and lines[0].startswith("vanctl: "), result.err)
        self.assertEqual(result.out, "")
        self.assertRegex(result.err, re.compile(says, re.I | re.S))
        return result

    def test_tokens_that_are_none(self):
        self.refused(5, "join", os.path.join(self.folder, "missing.yaml"), says="missing.yaml")
        self.refused(7, "join", self.write("{not yaml: ["), says="yaml")
        self.refused(7, "join", self.write("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n"), says="token")
        self.refused(7, "join", self.write(""), says="token")
        self.refused(7, "join", self.write("\x00\x01\x02"))
        site = self.site("aws")
        with open(site.token()) as f:
            whole = f.read()
        for cut in (len(whole) // 3, len(whole) // 2, len(whole) - 40):
            self.refused(7, "join", self.write(whole[:cut]))
        self.assertEqual(self.dev.run("links", "-o", "json").code in (0, 3), True)
        result = self.dev.run("join", self.write("nothing"), "-o", "json")
        self.assertEqual(result.code, 7)
        self.assertEqual(set(json.loads(result.out)["error"]) - {"hint"}, {"code", "message"})
        self.dev.ok("join", "-", input=whole)

    def edit_secret(self, token, key, pem):
        with open(token) as f:
            text = f.read()
        return self.write(re.sub(rf"(\b{re.escape(key)}: *).*", lambda m: m.group(1) + base64.b64encode(pem.encode()).decode(), text), f"edited-{key}.yaml")

    def secret(self, token, key):
        with open(token) as f:
            return base64.b64decode(re.search(rf"\b{re.escape(key)}: *\"?([A-Za-z0-9+/=]+)", f.read()).group(1)).decode()

    def test_a_token_with_another_sites_authority(self):
        aws, other = self.site("aws"), self.site("other")
        token = self.edit_secret(aws.token(), "ca.crt", self.secret(other.token(), "ca.crt"))
        self.refused(7, "join", token, "--wait", "30", says="certificate|trust|authority")
        self.assertEqual(self.dev.ok("links", "-o", "json").json(), [])

    def test_a_token_whose_certificate_another_site_signed(self):
        aws, other = self.site("aws"), self.site("other")
        foreign = other.token()
        token = self.edit_secret(aws.token(), "tls.crt", self.secret(foreign, "tls.crt"))
        self.refused(7, "join", token, says="key")
        token = self.edit_secret(token, "tls.key", self.secret(foreign, "tls.key"))
        self.refused(7, "join", token, "--wait", "30", says="refused|certificate")

    def test_an_expired_certificate(self):
        aws = self.site("aws")
        run = lambda *args, **options: subprocess.run(["openssl", *args], check=True, capture_output=True, text=True, cwd=self.folder, **options)
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "old.key", "-out", "old.crt", "-subj", "/CN=old",
            "-days", "1")
        run("req", "-new", "-key", "old.key", "-subj", "/CN=old", "-out", "old.csr")
        run("x509", "-req", "-in", "old.csr", "-CA", "old.crt", "-CAkey", "old.key", "-CAcreateserial", "-days", "-1", "-out", "expired.crt")
        read = lambda name: open(os.path.join(self.folder, name)).read()
        token = self.edit_secret(aws.token(), "tls.crt", read("expired.crt"))
        token = self.edit_secret(token, "tls.key", read("old.key"))
        self.refused(7, "join", token, says="expired")

    def test_a_host_that_the_certificate_does_not_name(self):
        aws = self.site("aws")
        with open(aws.token()) as f:
            text = f.read()
        site_port = self._edge_port(text)
        relay = self.tcp_relay("127.0.0.77", site_port)
        token = self.write(re.sub(rf'"{site_port}"', f'"{relay}"', text.replace("127.0.0.1", "127.0.0.77")))
        self.refused(7, "join", token, "--wait", "30", says="127.0.0.77")

    @staticmethod
    def _edge_port(text):
        for block in re.split(r"\n\s*- ", text):
            if re.search(r"name: \"?edge\b", block):
                return re.search(r'port: "(\d+)"', block).group(1)
        raise AssertionError(text)

    def tcp_relay(self, host, port):
        """Accepts on another address of this machine and passes bytes to the site."""
        import socketserver
        import threading

        class Handler(socketserver.BaseRequestHandler):
            def handle(handler):
                with socket.create_connection(("127.0.0.1", int(port))) as up:
                    def pump(a, b):
                        try:
                            while piece := a.recv(65536):
                                b.sendall(piece)
                            b.shutdown(socket.SHUT_WR)
                        except OSError:
                            pass
                    back = threading.Thread(target=pump, args=(up, handler.request), daemon=True)
                    back.start()
                    pump(handler.request, up)
                    back.join(20)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False
        return self.serve(Server((host, 0), Handler))

    def test_a_site_that_does_not_answer(self):
        aws = self.site("aws")
        with open(aws.token()) as f:
            text = f.read()
        closed = free_port()
        token = self.write(text.replace(f'"{self._edge_port(text)}"', f'"{closed}"'))
        self.refused(4, "join", token, "--wait", "1", says="refused")
        [link] = self.dev.ok("links", "-o", "json").json()
        self.assertIn(link["state"], ("connecting", "down"))
        self.assertRegex(link["error"], "refused")

    def test_what_is_exposed_or_bound_already(self):
        self.site("aws")
        self.dev.ok("expose", "localhost:8080", "as", "greeting")
        self.refused(6, "expose", "localhost:8080", "as", "greeting", says="already exposed")
        self.dev.ok("expose", "localhost:8081", "as", "greeting")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.dev.join(self.profiles[1])
            self.refused(6, "bind", "svc", port, says=f"{port}.*in use|in use.*{port}")
            self.assertFalse([s for s in self.dev.status()["services"] if s["address"] == "svc"])
            other = self.profile("other")
            self.refused(6, "site", "create", "other", "--listen", f"127.0.0.1:{port}", "--listen-edge", "127.0.0.1:0", profile=other, says="in use")
            self.assertIsNone(other.status()["site"] if other.run("agent", "status").code == 0 else None)

    def test_words_that_are_none(self):
        self.refused(2, "expsoe", "8080", "as", "x", says="expose")
        self.refused(2, "expose", "8080", "ass", "x", says="as")
        self.refused(2, "expose", "99999", "as", "x", says="port|99999")
        self.refused(2, "expose", "8080", "as", "x", "--cots", "1", says="--cost")
        self.refused(2, "expose", "8080", "as", "x", "--protocol", "smtp", says="tcp")
        self.refused(2, "bind")
        self.refused(5, "unexpose", "x", says="x") if self.dev.run("agent", "start").code == 0 else self.fail("no agent")
        self.refused(5, "leave", "nowhere", says="nowhere")

    def test_commands_that_need_an_agent_say_so(self):
        for command in (["status"], ["sites"], ["links"], ["services"], ["unexpose", "x"], ["unbind", "x"], ["agent", "stop"]):
            with self.subTest(command=command):
                result = self.dev.run(*command)
                self.assertEqual(result.code, 3, result.err)
        self.assertEqual(self.dev.run("agent", "status").code, 3)

    def state_file(self, profile):
        for folder, _, files in os.walk(profile.home):
            if "state.toml" in files:
                return os.path.join(folder, "state.toml")
        raise AssertionError("no state.toml")

    def test_a_damaged_state_file_is_reported_and_left_alone(self):
        site = self.site("aws")
        self.dev.join(site)
        self.dev.ok("expose", "localhost:8080", "as", "greeting")
        self.dev.ok("agent", "stop")
        path = self.state_file(self.dev)
        with open(path) as f:
            good = f.read()
        damaged = good[: len(good) // 2] + "\n[[[ broken"
        with open(path, "w") as f:
            f.write(damaged)
        result = self.dev.run("expose", "localhost:9090", "as", "other")
        self.assertEqual(result.code, 1, result.err)
        self.assertIn("state.toml", result.err)
        with open(path) as f:
            self.assertEqual(f.read(), damaged)
        if self.dev.run("agent", "status").code == 0:
            self.dev.ok("agent", "stop")
        with open(path, "w") as f:
            f.write(good)
        self.dev.ok("agent", "start")
        self.dev.wait_links_up()
        self.assertEqual([s["address"] for s in self.dev.status()["services"]], ["greeting"])

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("mount"), "a small file system can only be mounted by root")
    def test_a_full_disk_loses_nothing(self):
        home = os.path.join(self.folder, "small")
        os.mkdir(home)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", home], capture_output=True).returncode != 0:
            self.skipTest("mounting is not allowed here")
        self.addCleanup(lambda: subprocess.run(["umount", "-l", home]))
        small = Profile(self, "small", home)
        small.ok("expose", "localhost:8080", "as", "greeting")
        filler = os.path.join(home, "filler")
        with open(filler, "wb", buffering=0) as f:
            try:
                while f.write(b"x" * 1024):
                    pass
            except OSError:
                pass
        result = small.run("expose", "localhost:9090", "as", "more")
        self.assertEqual(result.code, 1, result.err)
        self.assertRegex(result.err, re.compile("no space|full", re.I))
        self.assertEqual([s["address"] for s in small.status()["services"]], ["greeting"])
        os.unlink(filler)
        small.ok("agent", "restart")
        self.assertEqual([s["address"] for s in small.status()["services"]], ["greeting"])
        small.ok("expose", "localhost:9090", "as", "more")
        small.close()
