"""Processes of a run: started in a folder of their own, ended by their ids; and what the system knows of them."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from harness import end, wait_until
from skupper_router import listening_port

TICKS = os.sysconf("SC_CLK_TCK")
taken = set()


def free_port():
    """As `listening_port`, and never the same twice: some ports are given out long before somebody listens."""
    while True:
        port = listening_port()
        if port not in taken:
            taken.add(port)
            return port


class Folder:
    """A folder and the processes that belong to it. Has what `harness.Profile` and `skupper_router.Router` want of a test."""

    def __init__(self, name):
        self.folder = tempfile.mkdtemp(prefix=f"vanctl-bench-{name}-")
        os.chmod(self.folder, 0o711)
        self.test = self
        self.profiles = []
        self.children = []

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def child(self, *command, **options):
        child = subprocess.Popen([str(word) for word in command], **options)
        self.children.append(child)
        return child

    def start(self, name, *command, **options):
        """A process whose output goes to a file that is shown when it does not get ready."""
        with open(self.path(f"{name}.out"), "ab") as output:
            return self.child(*command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=self.folder, **options)

    def started(self):
        """Ids of all processes, those that they have started included."""
        own = [child.pid for child in self.children if child.poll() is None]
        return sorted({pid for one in own for pid in with_descendants(one)} | {profile.pid() for profile in self.profiles})

    def end(self, child):
        end(child)
        self.children.remove(child)

    def close(self):
        for profile in reversed(self.profiles):
            profile.close()
        for child in reversed(list(self.children)):
            self.end(child)
        shutil.rmtree(self.folder, ignore_errors=True)

    def outputs(self):
        text = ""
        for name in sorted(os.listdir(self.folder)):
            if name.endswith((".out", ".err")):
                with open(self.path(name), errors="replace") as f:
                    text += f"--- {name}\n" + "".join(f.readlines()[-20:])
        return text + "".join(profile.log() for profile in self.profiles)


def with_descendants(pid):
    found = [pid]
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as f:
                for child in f.read().split():
                    found += with_descendants(int(child))
    return found


def processor_seconds(pids):
    """User and system time of all of them. One that has ended counts no more."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def busy_share(seconds):
    """Which part of all processors is in use during this interval, by whomever."""
    def times():
        with open("/proc/stat") as f:
            fields = [int(field) for field in f.readline().split()[1:9]]
        return sum(fields), fields[3] + fields[4]
    total, idle = times()
    pause(seconds)
    later_total, later_idle = times()
    return 1 - (later_idle - idle) / max(1, later_total - total)


def resident_bytes(pids):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, AttributeError):
            with open(f"/proc/{pid}/status") as f:
                total += 1024 * int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))
    return total


def listens(port):
    """Without connecting: some servers serve one client only."""
    with open("/proc/net/tcp") as f:
        return f":{port:04X} 00000000:0000 0A" in f.read()


def wait_listening(child, port, what):
    def ready():
        if child.poll() is not None:
            raise AssertionError(f"{what} ended with {child.returncode}")
        return listens(port)
    wait_until(ready, f"{what} listens", 30)


def echoes(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"?")
            return connection.recv(1) == b"?"
    except OSError:
        return False


def pause(seconds):
    """An interval that is measured, not a wait for something."""
    time.sleep(seconds)
