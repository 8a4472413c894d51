"""An idle agent costs next to nothing."""

import os
import re
import threading
import unittest

from harness import EndToEnd, SANITIZED, free_port, wait_until


def resident_kb(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wake_ups(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", f.read(), re.M).group(1))


@unittest.skipIf(SANITIZED, "measures the release build")
class Idle(EndToEnd):
    alone = True
    SECONDS = 20

    def measure(self, pid, wake_ups_max):
        before, woken = processor_seconds(pid), wake_ups(pid)
        threading.Event().wait(self.SECONDS)  # the interval that is measured, not a wait for something
        used, woken = processor_seconds(pid) - before, wake_ups(pid) - woken
        self.assertLess(resident_kb(pid), 12 * 1024, "resident kB")
        self.assertLessEqual(used, max(0.02, self.SECONDS * 0.001), f"processor seconds in {self.SECONDS} s")
        self.assertLessEqual(woken, wake_ups_max, f"wake-ups in {self.SECONDS} s")

    def test_with_a_link_up(self):
        aws = self.site("aws")
        dev = self.laptop("laptop", aws)
        dev.ok("expose", "localhost:8080", "as", "greeting")
        wait_until(lambda: aws.status()["services"], "the site knows the service")
        # Telemetry: a heartbeat each way every two seconds, which are the keep-alives too, and a beacon each way every ten.
        self.measure(dev.pid(), 60)

    def test_with_the_site_unreachable(self):
        aws = self.site("aws")
        dev = self.laptop("laptop", aws)
        aws.ok("agent", "stop")
        wait_until(lambda: all(l["state"] != "up" for l in dev.status()["links"]), "the link is down")
        # Attempts become rare; each is a few wake-ups.
        self.measure(dev.pid(), 100)
