"""Requests a second through a stand-in of http beside one of tcp, and beside nginx's own proxy_pass over a TLS pair:

    http_requests.py VANCTL [SECONDS] [ROUNDS]

wrk with one thread and 32 connections kept alive, against nginx that answers 100 octets; a laptop and a site. Each round measures all ways
once, one after the other; the last line has the medians and their ratios. Beside the rate stand the microseconds of CPU that the programs
between client and server took for a request, which a machine that is shared with others moves less.
"""

import os
import re
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
os.environ["VANCTL"] = os.path.abspath(sys.argv[1])

import harness  # noqa: E402
from processes import Folder, free_port, processor_seconds, wait_listening  # noqa: E402
from servers import ANSWER, NGINX  # noqa: E402
from skupper_router import Authority  # noqa: E402

HTTP = NGINX.split("  server {{")[0]
FAR = HTTP + """  upstream back {{ server 127.0.0.1:{web}; keepalive 64; }}
  server {{ listen 127.0.0.1:{port} ssl backlog=4096; ssl_certificate {cert}; ssl_certificate_key {key};
    location / {{ proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
}}
"""
NEAR = HTTP + """  upstream back {{ server 127.0.0.1:{far}; keepalive 64; }}
  server {{ listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass https://back; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
}}
"""


class Ways:
    """Where wrk asks, by name."""

    def __init__(self, folder):
        self.folder = folder
        self.ports = {"direct": free_port()}
        self.between = {"direct": []}  # processes
        self.nginx("direct", NGINX, answer=ANSWER)
        site = harness.Profile(folder, "site").create_site()
        laptop = harness.Profile(folder, "laptop").join(site)
        for protocol in ("tcp", "http"):
            self.ports[protocol] = free_port()
            site.ok("expose", f"{protocol}://127.0.0.1:{self.ports['direct']}", "as", protocol)
            laptop.ok("bind", protocol, f"127.0.0.1:{self.ports[protocol]}", "--protocol", protocol)
            laptop.wait_reachable(protocol)
            self.between[protocol] = [site.pid(), laptop.pid()]
        authority = Authority(folder.folder)
        far, self.ports["nginx"] = free_port(), free_port()
        self.ports["far"] = far
        self.nginx("far", FAR, web=self.ports["direct"], cert=authority.path("server.crt"), key=authority.path("server.key"))
        self.nginx("nginx", NEAR, far=far)
        self.between["nginx"] = [child.pid for child in self.folder.children[-2:]]
        del self.ports["far"]

    def nginx(self, name, text, **values):
        port = self.ports[name]
        place = self.folder.path(name)
        os.mkdir(place)
        config = self.folder.write(f"{name}.conf", text.format(folder=place, port=port, **values))
        wait_listening(self.folder.start(name, "nginx", "-p", place, "-e", "stderr", "-c", config), port, name)


def requests_a_second(port, seconds):
    done = subprocess.run(["wrk", "-t1", "-c32", f"-d{seconds}s", f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True)
    if wrong := re.search(r"(Socket errors|Non-2xx).*", done.stdout):
        raise AssertionError(f"port {port}: {wrong.group()}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1)), int(re.search(r"(\d+) requests in", done.stdout).group(1))


def main():
    seconds, rounds = (int(word) for word in (sys.argv[2:] + ["3", "3"][len(sys.argv) - 2:])[:2])
    folder = Folder("http")
    try:
        ways = Ways(folder)
        found = {name: [] for name in ways.ports}
        spent = {name: [] for name in ways.ports}
        for _ in range(rounds):
            for name, port in ways.ports.items():
                before = processor_seconds(ways.between[name])
                rate, count = requests_a_second(port, seconds)
                found[name].append(rate)
                spent[name].append((processor_seconds(ways.between[name]) - before) / count * 1e6)
            print({name: f"{values[-1]:.0f}/s {spent[name][-1]:.0f} us" for name, values in found.items()}, flush=True)
        middle = {name: statistics.median(values) for name, values in found.items()}
        print(f"medians: {', '.join(f'{name} {value:,.0f}/s {statistics.median(spent[name]):.0f} us' for name, value in middle.items())}; "
              f"http/tcp {middle['http'] / middle['tcp']:.2f}, http/nginx {middle['http'] / middle['nginx']:.2f}")
    finally:
        for profile in folder.profiles:
            profile.close()
        folder.close()


if __name__ == "__main__":
    main()
