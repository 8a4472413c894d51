"""A network of the run's own: its loopback interface is nobody else's, and congestion control is the same wherever it runs."""

import ctypes
import os
import shutil
import subprocess

CLONE_NEWNET = 0x40000000
CONGESTION = "/proc/sys/net/ipv4/tcp_congestion_control"
WANTED = "reno"  # in every kernel; BBR, a default of some clouds, paces loopback to less than half of it


def enter():
    """Needs root; without, the run stays in the machine's network. Whether it worked."""
    if os.geteuid() != 0 or not shutil.which("ip") or ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        return False
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    try:
        with open(CONGESTION, "w") as f:
            f.write(WANTED)
    except OSError:  # /proc/sys is read-only in some containers; the report says what is in force
        pass
    return True


def congestion_control():
    with open(CONGESTION) as f:
        return f.read().strip()
