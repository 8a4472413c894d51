"""A laptop joins a site; services work both ways (README, docs/architecture.md)."""

import hashlib
import os
import subprocess

from harness import EndToEnd, curl, digest_of, get, octets, wait_until

MANY = 200 * 1000 * 1000


class MainJob(EndToEnd):
    def setUp(self):
        super().setUp()
        self.aws = self.site("aws")
        self.dev = self.laptop("laptop", self.aws)

    def test_the_laptop_exposes_and_the_site_uses(self):
        port = self.http_server("laptop")
        self.dev.ok("expose", f"localhost:{port}", "as", "greeting")
        where = self.aws.bind("greeting")
        self.aws.wait_reachable("greeting")
        self.assertEqual(get(where), b"hello from laptop\n")

    def test_the_site_exposes_and_the_laptop_uses(self):
        port = self.http_server("aws")
        self.aws.ok("expose", port, "as", "greeting")
        where = self.dev.bind("greeting")
        self.dev.wait_reachable("greeting")
        self.assertEqual(get(where), b"hello from aws\n")

    def test_two_hundred_megabytes_each_way_arrive_whole(self):
        port = self.http_server()
        self.dev.ok("expose", f"127.0.0.1:{port}", "as", "bulk")
        where = self.aws.bind("bulk")
        self.aws.wait_reachable("bulk")
        expected = digest_of(MANY)

        fetched = os.path.join(self.folder, "fetched")
        self.assertEqual(curl("-o", fetched, f"http://{where[0]}:{where[1]}/bytes/{MANY}").returncode, 0)
        with open(fetched, "rb") as f:
            self.assertEqual(hashlib.file_digest(f, "sha256").hexdigest() if hasattr(hashlib, "file_digest")
                             else hashlib.sha256(f.read()).hexdigest(), expected)

        sent = os.path.join(self.folder, "sent")
        with open(sent, "wb") as f:
            for piece in octets(MANY):
                f.write(piece)
        answer = curl("-X", "POST", "-H", "Expect:", "-H", "Content-Type: application/octet-stream", "-T", sent,
                      f"http://{where[0]}:{where[1]}/upload")
        self.assertEqual(answer.stdout.decode().split(), [str(MANY), expected], answer.stderr)

    def test_status_names_sites_links_and_services(self):
        port = self.http_server()
        self.dev.ok("expose", f"localhost:{port}", "as", "greeting", "--cost", "5")
        self.aws.bind("greeting")
        self.aws.wait_reachable("greeting")

        status = self.dev.status()
        self.assertEqual(status["profile"], "default")
        self.assertEqual((status["site"]["name"], status["site"]["role"]), ("laptop", "edge"))
        [link] = status["links"]
        self.assertEqual((link["state"], link["direction"], link["peer"], link["role"], link["error"]), ("up", "outgoing", "aws", "edge", None))
        self.assertTrue(link["tls"]["cipher"] and link["tls"]["version"].startswith("TLSv1."), link)
        self.assertEqual([(s["name"], s["direct"], s["hops"]) for s in status["sites"]], [("aws", True, 1)])

        status = self.aws.status()
        self.assertEqual(status["site"]["role"], "interior")
        self.assertEqual([(s["name"], s["role"], s["direct"]) for s in status["sites"]], [("laptop", "edge", True)])
        [service] = [s for s in status["services"] if s["address"] == "greeting"]
        self.assertEqual([(p["site"], p["cost"]) for p in service["providers"]], [("laptop", 5)])
        for part in ("sites", "links", "services"):
            self.assertEqual([sorted(x) for x in self.aws.ok(part, "-o", "json").json()], [sorted(x) for x in self.aws.status()[part]])
            self.assertEqual(self.aws.ok(part).err, "")

    def test_unexpose_and_unbind_take_things_out_again(self):
        port = self.http_server()
        self.dev.ok("expose", port, "as", "greeting")
        where = self.aws.bind("greeting")
        self.aws.wait_reachable("greeting")
        self.dev.ok("unexpose", "greeting")
        wait_until(lambda: curl(f"http://{where[0]}:{where[1]}/hello").returncode != 0, "the service is gone")
        self.aws.ok("unbind", "greeting")
        refused = curl(f"http://{where[0]}:{where[1]}/hello")
        self.assertEqual(refused.returncode, 7)  # nobody listens
        self.assertEqual(self.dev.run("unexpose", "greeting").code, 5)

    def test_a_second_profile_of_the_same_user_runs_beside_the_first(self):
        run = lambda *args: subprocess.run([os.environ["VANCTL"], *args], capture_output=True, text=True, env=self.dev.environment())
        other = run("--profile", "other", "join", self.aws.token(), "--name", "second")
        self.addCleanup(lambda: run("--profile", "other", "agent", "stop"))
        self.assertEqual(other.returncode, 0, other.stderr)
        wait_until(lambda: len(self.aws.status()["sites"]) == 2, "both are there")
        self.assertEqual({s["name"] for s in self.aws.status()["sites"]}, {"laptop", "second"})

    def test_state_survives_a_restart(self):
        port = self.http_server("laptop")
        self.dev.ok("expose", port, "as", "greeting")
        where = self.aws.bind("greeting")
        self.aws.wait_reachable("greeting")
        for profile in (self.dev, self.aws):
            profile.ok("agent", "restart")
        self.assertEqual(self.aws.stand_in("greeting"), where)
        self.aws.wait_reachable("greeting")
        self.assertEqual(get(where), b"hello from laptop\n")

    def test_joining_again_with_the_same_token_is_a_success(self):
        token = self.aws.token()
        self.dev.ok("join", token, "--as", "again")
        self.dev.ok("join", token)
        self.assertEqual(len(self.dev.status()["links"]), 2)
        self.dev.ok("leave", "again")
        self.assertEqual(len(self.dev.status()["links"]), 1)
        self.dev.ok("leave", "--all")
        wait_until(lambda: not self.aws.status()["sites"], "the laptop has left")

    def test_an_ipv6_target_and_unix_sockets_on_both_ends(self):
        import socket
        import threading
        path = os.path.join(self.folder, "server.sock")
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen()
        self.addCleanup(server.close)

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.sendall(connection.recv(100).upper())
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        self.dev.ok("expose", f"unix:{path}", "as", "shout")
        local = os.path.join(self.folder, "local.sock")
        self.aws.ok("bind", "shout", f"unix:{local}")
        self.aws.wait_reachable("shout")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(local)
            client.sendall(b"over sockets")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(client.recv(100), b"OVER SOCKETS")
        thread.join(20)
