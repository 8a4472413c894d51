"""wrk and h2load on a stand-in of --protocol http: no request fails, also when the server closes its connections now and then."""

import os
import re
import shutil
import subprocess
import unittest

from harness import EndToEnd, LIMIT, free_port, octets, wait_until
from skupper_router import connects

NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")


@unittest.skipUnless(NGINX, "nginx is not installed")
class HttpLoad(EndToEnd):
    def setUp(self):
        super().setUp()
        aws, dev = self.site("aws"), self.profile("laptop")
        dev.join(aws)
        aws.ok("expose", f"http://127.0.0.1:{self.nginx()}", "as", "web")
        dev.wait_reachable("web")
        host, port = dev.bind("web")
        self.dev, self.url = dev, f"http://{host}:{port}"

    def nginx(self):
        """Each of its connections takes 100 requests."""
        folder, port = os.path.join(self.folder, "nginx"), free_port()
        os.mkdir(folder)
        for name, count in (("small", 100), ("large", 100_000)):
            with open(os.path.join(folder, name), "wb") as f:
                f.writelines(octets(count))
        temporary = "".join(f" {kind}_temp_path {folder};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(os.path.join(folder, "nginx.conf"), "w") as f:
            f.write(f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.out; events {{}}\n"
                    f"http {{ access_log off;{temporary} keepalive_requests 100; server {{ listen 127.0.0.1:{port}; root {folder}; }} }}\n")
        self.child(NGINX, "-e", os.path.join(folder, "start.out"), "-c", os.path.join(folder, "nginx.conf"))
        wait_until(lambda: connects("127.0.0.1", port), "nginx listens")
        return port

    def run_program(self, *words):
        done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def idle(self):
        [service] = self.dev.status()["services"]
        return service["in_flight"] == 0

    @unittest.skipUnless(shutil.which("h2load"), "h2load is not installed")
    def test_h2load_one_after_the_other_and_in_pipelines(self):
        for file, count, pipelined in (("small", 4000, 1), ("small", 4000, 8), ("large", 500, 1)):
            with self.subTest(file=file, pipelined=pipelined):
                said = self.run_program("h2load", "--h1", "-n", str(count), "-c", "10", "-m", str(pipelined), f"{self.url}/{file}")
                self.assertIn(f"{count} succeeded, 0 failed, 0 errored, 0 timeout", said)
                self.assertIn(f"status codes: {count} 2xx, 0 3xx, 0 4xx, 0 5xx", said)
                size = os.path.getsize(os.path.join(self.folder, "nginx", file))
                self.assertIn(f"({count * size}) data", said)
        [service] = self.dev.status()["services"]
        self.assertEqual(service["connections"], 8500)  # of requests
        wait_until(self.idle, "nothing is in flight")

    @unittest.skipUnless(shutil.which("wrk"), "wrk is not installed")
    def test_wrk(self):
        said = self.run_program("wrk", "-t", "1", "-c", "10", "-d", "2", f"{self.url}/small")
        self.assertNotIn("Socket errors", said)
        self.assertNotIn("Non-2xx", said)
        self.assertGreater(int(re.search(r"(\d+) requests in", said)[1]), 100, said)
        wait_until(self.idle, "nothing is in flight")


if __name__ == "__main__":
    unittest.main()
