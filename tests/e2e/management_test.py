"""Stock management tools ask vanctl through a real router: runs where skrouterd is on the PATH, and says so where it is not."""

import csv
import json
import shutil
import subprocess
import unittest

from harness import LIMIT, free_port, wait_until
from real_site import RealSite


@unittest.skipUnless(shutil.which("skstat") and shutil.which("skmanage"), "skstat and skmanage are not on the PATH")
class Management(RealSite):
    def setUp(self):
        super().setUp()
        self.ports["tools"] = free_port()
        self.token = self.real_site(("listener", {"role": "normal", "host": "127.0.0.1", "port": self.ports["tools"],
                                                  "saslMechanisms": "ANONYMOUS", "authenticatePeer": "no"}))
        wait_until(lambda: self.connects(self.ports["tools"]), "the router listens for tools")

    def tool(self, name, *args):
        return subprocess.run([name, "-b", f"127.0.0.1:{self.ports['tools']}", "-t", "60", *args], capture_output=True, text=True, timeout=LIMIT)

    def skstat(self, *args):
        """The rows of a view, each a dictionary by heading."""
        done = self.tool("skstat", "--csv", *args)
        self.assertEqual(done.returncode, 0, f"skstat {args}: {done.stdout}{done.stderr}")
        lines = done.stdout.splitlines()
        table = [number for number, line in enumerate(lines) if line.startswith('"')]
        return list(csv.DictReader(lines[table[0]:])) if table else []

    def entities(self, where, kind):
        done = self.tool("skmanage", *where, "query", "--type", kind)
        self.assertEqual(done.returncode, 0, f"skmanage {where} {kind}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def general(self, *where):
        return {row["attr"]: row["value"] for row in self.skstat("-g", *where)}

    @staticmethod
    def find(rows, **fields):
        return [row for row in rows if all(row.get(name) == value for name, value in fields.items())]

    def row(self, rows, **fields):
        found = self.find(rows, **fields)
        self.assertEqual(len(found), 1, f"{fields} in {rows}")
        return found[0]

    def wait_for(self, view, *where, **fields):
        wait_until(lambda: self.find(self.skstat(view, *where), **fields), f"{fields} in skstat {view} {where}")

    def other_routers(self):
        return [row["router-id"] for row in self.skstat("-n") if row["router-id"] != "REAL"]

    def edges_of(self, *where):
        return [row["container"] for row in self.skstat("-c", *where) if row["role"] == "edge" and row["dir"] == "in"]

    def refuses_changes(self, where):
        done = self.tool("skmanage", *where, "create", "--type", "tcpListener", "--name", "x", "port=1", "host=127.0.0.1", "address=x")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("read-only", done.stdout + done.stderr)
        done = self.tool("skmanage", *where, "delete", "--type", "router", "--name", "x")
        self.assertIn("read-only", done.stdout + done.stderr)
        done = self.tool("skmanage", *where, "query", "--type", "nonsense")
        self.assertIn("no entity type", done.stdout + done.stderr)
        done = self.tool("skmanage", *where, "GET-LOG")
        self.assertIn("Not Implemented", done.stdout + done.stderr)

    def test_a_site_of_ours_and_its_laptop_answer_the_stock_tools(self):
        ours = self.site("ours")
        ours.ok("join", self.token, "--role", "interior", "--cost", "2")
        laptop = self.laptop("laptop", ours)
        target = self.http_server("ours")
        laptop.ok("expose", target, "as", "greeting")
        stand_in = ours.bind("web")
        ours.wait_reachable("web")
        site_id = wait_until(self.other_routers, "the real router knows our site")[0]
        site = ("-r", site_id)
        laptop_id = wait_until(lambda: self.edges_of(*site), "our laptop is there")[0]
        edge = ("-d", laptop_id)

        # The site, an interior.
        general = self.general(*site)
        self.assertEqual((general["Router Id"], general["Mode"], general["Area"], general["Nodes"], general["Total Connections"]),
                         (site_id, "interior", "0", "1", str(len(self.skstat("-c", *site)))))
        nodes = self.skstat("-n", "-v", *site)
        self.row(nodes, **{"router-id": site_id, "next-hop": "(self)", "neighbors": "['REAL']"})
        self.row(nodes, **{"router-id": "REAL", "next-hop": "-", "cost": "2", "neighbors": f"['{site_id}']"})
        connections = self.skstat("-c", *site)
        real = self.row(connections, container="REAL", role="inter-router", dir="out")
        self.assertEqual(real["host"], f"127.0.0.1:{self.ports['inter-router']}")
        self.assertTrue(real["security"].startswith("TLSv1."), real)
        self.assertIn("(x.509)", real["authentication"])
        self.row(connections, container=laptop_id, role="edge", dir="in")
        addresses = self.skstat("-a", "-v", *site)
        self.row(addresses, addr="greeting", **{"class": "mobile", "distrib": "balanced", "local": "1", "remote": "0"})
        self.row(addresses, addr="web", **{"class": "mobile", "local": "0", "remote": "1", "watch": "Y"})
        self.row(addresses, addr=laptop_id, **{"class": "edge", "local": "1"})
        self.row(addresses, addr="REAL", **{"class": "router", "remote": "1"})
        links = self.skstat("-l", "-v", *site)
        self.row(links, type="router-control", dir="in", oper="up")
        self.row(links, type="edge-downlink", dir="out", addr=laptop_id, oper="up")
        self.row(links, addr="greeting", dir="out", **{"class": "mobile"})
        listener = self.row(self.entities(site, "tcpListener"), address="web")
        self.assertEqual((listener["host"], listener["port"], listener["operStatus"]), (stand_in[0], str(stand_in[1]), "up"))
        self.assertEqual({row["role"] for row in self.entities(site, "listener")}, {"edge", "inter-router"})
        connector = self.row(self.entities(site, "connector"), connectionStatus="SUCCESS")
        self.assertEqual((connector["role"], connector["port"], connector["cost"]), ("inter-router", str(self.ports["inter-router"]), 2))
        self.assertNotIn("certFile", json.dumps(self.entities(site, "sslProfile")))
        self.refuses_changes(site)
        everything = self.tool("skstat", "--all-entities", *site)
        self.assertEqual(everything.returncode, 0, everything.stderr)

        # The laptop, an edge.
        general = self.general(*edge)
        self.assertEqual((general["Router Id"], general["Mode"]), (laptop_id, "edge"))
        self.assertEqual(self.skstat("-n", *edge), [])
        self.row(self.skstat("-c", *edge), container=site_id, role="edge", dir="out")
        self.row(self.skstat("-a", *edge), addr="greeting", local="1")
        self.row(self.skstat("-l", *edge), addr="greeting", dir="in")
        self.assertEqual(self.row(self.entities(edge, "tcpConnector"), address="greeting")["port"], str(target))
        self.refuses_changes(edge)

        # The real router shows ours, and a walk over all routers finds both.
        self.row(self.skstat("-n", "-v"), **{"router-id": site_id, "cost": "2", "neighbors": "['REAL']"})
        self.wait_for("-a", addr="greeting", remote="1")
        everywhere = self.tool("skstat", "--all-routers", "-c")
        self.assertEqual(everywhere.returncode, 0, everywhere.stderr)
        self.assertIn(laptop_id, everywhere.stdout)

    def test_a_laptop_at_a_real_site_answers_the_stock_tools(self):
        laptop = self.profile("laptop")
        laptop.ok("join", self.token)
        laptop.ok("expose", self.http_server("ours"), "as", "greeting")
        laptop.bind("web")
        laptop.wait_reachable("web")
        laptop_id = wait_until(self.edges_of, "our laptop is there")[0]
        edge = ("-d", laptop_id)
        self.assertEqual(self.general(*edge)["Router Id"], laptop_id)
        connection = self.row(self.skstat("-c", *edge), container="REAL", role="edge", dir="out")
        self.assertEqual(connection["host"], f"127.0.0.1:{self.ports['edge']}")
        addresses = self.skstat("-a", "-v", *edge)
        self.row(addresses, addr="greeting", local="1", watch="")
        self.row(addresses, addr="web", local="0", watch="Y")
        self.assertEqual(self.row(self.entities(edge, "tcpListener"), address="web")["operStatus"], "up")
        self.row(self.skstat("-l", *edge), addr="web", dir="out")
        self.wait_for("-a", addr="greeting", local="1")  # on the real router


if __name__ == "__main__":
    unittest.main()
