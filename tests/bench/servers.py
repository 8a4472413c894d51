"""What is behind every path: an echo, a sink, a web server, and iperf3 for each measurement anew."""

import contextlib
import json
import os
import re
import shutil
import subprocess

from processes import Folder, free_port, wait_listening

SERVICES = ("echo", "sink", "iperf", "web")
ANSWER = "x" * 100

NGINX = """daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ return 200 "{answer}"; }}
  }}
}}
"""


class Servers:
    def __init__(self, programs):
        self.peer = os.path.join(programs, "bench_peer")
        self.processes = Folder("servers")
        self.ports = {name: free_port() for name in SERVICES}
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self):
        for name in ("echo", "sink"):
            wait_listening(self.processes.start(name, self.peer, name, self.ports[name]), self.ports[name], name)
        if shutil.which("nginx"):
            config = self.processes.write("nginx.conf", NGINX.format(folder=self.processes.folder, port=self.ports["web"], answer=ANSWER))
            web = self.processes.start("nginx", "nginx", "-p", self.processes.folder, "-e", "stderr", "-c", config)
            wait_listening(web, self.ports["web"], "nginx")

    def close(self):
        self.processes.close()

    def client(self, *words, limit=600):
        """Runs a client of bench_peer; its one line."""
        done = subprocess.run([self.peer, *map(str, words)], capture_output=True, text=True, timeout=limit, check=False)
        if done.returncode != 0:
            raise AssertionError(f"bench_peer {' '.join(map(str, words))}: {done.stderr}")
        return json.loads(done.stdout)

    @contextlib.contextmanager
    def bulk(self, port):
        """One stream as fast as it goes, meanwhile."""
        child = self.processes.start("bulk", self.peer, "bulk", port, 65536, 3_600_000)
        try:
            yield
        finally:
            self.processes.end(child)

    @contextlib.contextmanager
    def idle_connections(self, port, count):
        """Open and used once each; nothing passes any more."""
        child = self.processes.child(self.peer, "hold", port, count, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            if child.stdout.readline() != b"ready\n":
                raise AssertionError(f"not {count} connections at a time")
            yield
        finally:
            self.processes.end(child)

    @contextlib.contextmanager
    def iperf(self, port, streams, seconds, reverse=False, omit=0):
        """Starts server and client; gives a function that waits for the client and returns the octets received and the seconds."""
        server = self.processes.start("iperf-server", "iperf3", "-s", "-1", "-4", "-B", "127.0.0.1", "-p", self.ports["iperf"])
        try:
            wait_listening(server, self.ports["iperf"], "iperf3")
            client = self.processes.child("iperf3", "-c", "127.0.0.1", "-p", port, "-P", streams, "-t", seconds, "-J",
                                          *(["-R"] if reverse else []), *(["-O", omit] if omit else []),
                                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

            def result():
                output = client.communicate(timeout=seconds + omit + 60)[0]
                report = json.loads(output)
                if "error" in report:
                    raise AssertionError(f"iperf3: {report['error']}")
                received = report["end"]["sum_received"]
                return received["bytes"], received["seconds"]
            try:
                yield result
            finally:
                self.processes.end(client)
        finally:
            self.processes.end(server)

    def web_requests(self, port, seconds):
        done = subprocess.run(["wrk", "-t", "1", "-c", "32", "-d", f"{seconds}s", f"http://127.0.0.1:{port}/"], capture_output=True, text=True,
                              timeout=seconds + 60, check=True)
        if re.search(r"Non-2xx", done.stdout):
            raise AssertionError(done.stdout)
        return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))
