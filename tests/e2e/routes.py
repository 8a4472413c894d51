"""The paths that every router of a network has computed, asked by management, and those that it should have by its links and their costs."""

from proton import Message, Timeout
from proton.utils import BlockingConnection, SendException, SyncRequestResponse

NODE = "io.skupper.router.router.node"
ATTRIBUTES = ["id", "cost", "validOrigins"]


def tree(root, links):
    """id -> (cost, the router before it on the path from `root`); the lowest id first among equal costs, a path gives way only to a cheaper one."""
    found, open_nodes = {}, {root: (0, None)}
    while open_nodes:
        node = min(open_nodes, key=lambda n: (open_nodes[n][0], n))
        cost, before = found[node] = open_nodes.pop(node)
        for neighbour, step in links[node].items():
            if neighbour not in found and (neighbour not in open_nodes or cost + step < open_nodes[neighbour][0]):
                open_nodes[neighbour] = (cost + step, node)
    return found


def expected(links):
    """For `links`, id -> {neighbour: cost}: router -> {destination: (cost, valid origins)}, as `Routes.computed` gives it."""
    trees = {root: tree(root, links) for root in links}
    routes = {}
    for here in links:
        routes[here] = {}
        for destination in links:
            origins = set()
            for origin in links:
                at = trees[origin][destination][1]
                while at not in (None, here):
                    at = trees[origin][at][1]
                if at == here and origin != here:
                    origins.add(origin)
            if destination != here:
                routes[here][destination] = (trees[here][destination][0], origins)
    return routes


class Routes:
    """Asks through the client port of one router."""

    def __init__(self, port):
        self.connection = BlockingConnection(f"amqp://127.0.0.1:{port}", allowed_mechs="ANONYMOUS", timeout=3)
        self.clients = {}

    def close(self):
        self.connection.close()

    def of(self, router):
        """destination -> (cost, valid origins) at `router`, or None when it does not answer."""
        if router not in self.clients:
            self.clients[router] = SyncRequestResponse(self.connection, f"_topo/0/{router}/$management")
        try:
            reply = self.clients[router].call(Message(
                properties={"operation": "QUERY", "entityType": NODE, "type": "org.amqp.management", "name": "self"},
                body={"attributeNames": ATTRIBUTES}))
        except (SendException, Timeout):
            return None
        names = reply.body["attributeNames"]
        rows = [dict(zip(names, row)) for row in reply.body["results"]]
        return {row["id"]: (row["cost"], set(row["validOrigins"] or ())) for row in rows if row["id"] != router}
