"""MQTT: mosquitto and its clients as they are, through two sites."""

import os
import shutil
import subprocess
import unittest

from harness import EndToEnd, LIMIT, free_port, octets, wait_until

BROKER = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")


@unittest.skipUnless(BROKER and shutil.which("mosquitto_pub"), "mosquitto and its clients are not installed")
class Mqtt(EndToEnd):
    """The broker is at a laptop of one site; who publishes and who subscribes is at the one and at the other site."""

    def setUp(self):
        super().setUp()
        mill, cloud = self.site("mill"), self.site("cloud")
        cloud.ok("join", mill.token(), "--role", "interior")
        port = free_port()
        config = os.path.join(self.folder, "mosquitto.conf")
        with open(config, "w") as f:
            f.write(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_dest none\n")
        self.child(BROKER, "-c", config)
        self.laptop("laptop", mill).ok("expose", f"127.0.0.1:{port}", "as", "mqtt")
        self.here, self.there = mill.bind("mqtt"), cloud.bind("mqtt")
        cloud.wait_reachable("mqtt")
        wait_until(lambda: self.client("pub", self.here, "-t", "ready", "-n").returncode == 0, "the broker answers")

    def client(self, kind, where, *options, **more):
        return subprocess.run(self.command(kind, where, *options), capture_output=True, timeout=LIMIT, check=False, **more)

    def command(self, kind, where, *options):
        return [f"mosquitto_{kind}", "-h", where[0], "-p", str(where[1]), *options]

    def publish(self, *options, **more):
        done = self.client("pub", self.here, *options, **more)
        self.assertEqual(done.returncode, 0, done.stderr)

    def subscribe(self, *options):
        done = self.client("sub", self.there, "-W", str(LIMIT // 2), *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_retained_awaited_and_large_messages(self):
        self.a_retained_message()
        self.what_is_published_while_a_subscriber_is_away()
        self.a_large_message()

    def a_retained_message(self):
        for text in ("first", "second"):
            self.publish("-q", "1", "-r", "-t", "mill/state", "-m", text)
        self.assertEqual(self.subscribe("-C", "1", "-q", "1", "-t", "mill/+", "-F", "%t %q %r %p"), b"mill/state 1 1 second\n")

    def what_is_published_while_a_subscriber_is_away(self):
        session = ("-i", "away", "-c", "-q", "1", "-t", "orders")
        self.subscribe(*session, "-E")
        wanted = [f"order {number}" for number in range(1000)]
        self.publish("-q", "1", "-t", "orders", "-l", input="\n".join(wanted).encode())
        self.assertEqual(self.subscribe(*session, "-C", str(len(wanted))).decode().splitlines(), wanted)

    def a_large_message(self):
        path, value = os.path.join(self.folder, "large"), b"".join(octets(200_000))
        with open(path, "wb") as f:
            f.write(value)
        session = ("-i", "waits", "-c", "-q", "1", "-t", "large")
        self.subscribe(*session, "-E")
        waiting = self.child(*self.command("sub", self.there, "-W", str(LIMIT // 2), *session, "-C", "1", "-N"), stdout=subprocess.PIPE)
        self.publish("-q", "1", "-t", "large", "-f", path)
        self.assertTrue(waiting.communicate(timeout=LIMIT)[0] == value, "the message has changed")


if __name__ == "__main__":
    unittest.main()
