"""Datagrams of 100 octets through two agents: datagrams.py VANCTL [SECONDS] [RATE]...

iperf3 sends at each rate (datagrams per second; 0: as fast as it can) from a laptop's stand-in to a server beside a site. A line each: what was
sent, what the site handed to the server, what both agents say that they or the system dropped before them, and the processor time of each
agent for a datagram that arrived.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))

OCTETS = 100


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def counted(profile, what):
    return sum(service[what] for service in profile.status()["services"] if service["address"] == "data")


def main(vanctl, seconds="4", *rates):
    os.environ["VANCTL"] = os.path.abspath(vanctl)
    from harness import Profile, end, free_port, wait_until  # reads VANCTL
    from types import SimpleNamespace
    folder = tempfile.mkdtemp(prefix="vanctl-datagrams-")
    network = SimpleNamespace(folder=folder, profiles=[])
    port, here = free_port(), free_port()
    server = subprocess.Popen(["iperf3", "-s", "-p", str(port), "-B", "127.0.0.1"], stdout=subprocess.DEVNULL)
    mill, laptop = Profile(network, "mill"), Profile(network, "laptop")
    try:
        mill.create_site()
        mill.ok("expose", f"127.0.0.1:{port}", "as", "control")
        mill.ok("expose", f"udp:127.0.0.1:{port}", "as", "data")
        laptop.join(mill)
        laptop.wait_reachable("data")
        laptop.ok("bind", "control", f"127.0.0.1:{here}", "--protocol", "tcp")
        laptop.ok("bind", "data", f"127.0.0.1:{here}", "--protocol", "udp")
        wait_until(lambda: laptop.status()["links"][0]["state"] == "up", "the link is up")
        print("asked/s  sent/s  arrived/s  lost %  dropped laptop, mill  µs laptop  µs mill")
        for rate in map(int, rates or ("50000", "100000", "0")):
            before = [processor_seconds(p.pid()) for p in (laptop, mill)]
            drops = [counted(p, "dropped") for p in (laptop, mill)]
            octets = counted(mill, "bytes_in")
            done = subprocess.run(["iperf3", "-u", "-c", "127.0.0.1", "-p", str(here), "-l", str(OCTETS), "-b", str(rate * OCTETS * 8), "-t", seconds, "-w", "4M", "-J"],
                                  capture_output=True, text=True, check=True)
            found = json.loads(done.stdout)["end"]["sum"]
            spent = [processor_seconds(p.pid()) - b for p, b in zip((laptop, mill), before)]
            drops = [counted(p, "dropped") - d for p, d in zip((laptop, mill), drops)]
            arrived = (counted(mill, "bytes_in") - octets) // OCTETS
            lost = 100 * max(0, 1 - arrived / found["packets"])
            print(f"{rate:7}  {found['packets'] / found['seconds']:6.0f}  {arrived / found['seconds']:9.0f}  {lost:6.2f}  "
                  f"{drops[0]:14}, {drops[1]:4}  {spent[0] / arrived * 1e6:9.2f}  {spent[1] / arrived * 1e6:7.2f}", flush=True)
    finally:
        end(server)
        for profile in reversed(network.profiles):
            profile.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
