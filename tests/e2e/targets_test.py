"""What an exposure does with its target beyond connecting it."""

from harness import EndToEnd, HttpHandler, HttpServer, get, wait_until


class MoodyServer(HttpServer):
    """As HttpServer; /healthz is answered with `status`."""

    def __init__(self, name):
        super().__init__(("127.0.0.1", 0), name)
        self.RequestHandlerClass = MoodyHandler
        self.status = 200


class MoodyHandler(HttpHandler):
    def do_GET(self):
        if self.path != "/healthz":
            return super().do_GET()
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Health(EndToEnd):
    def provider(self, site, target):
        for service in site.ok("services", "-o", "json").json():
            for provider in service["providers"]:
                if provider["target"] == target:
                    return provider
        return None

    def test_a_target_is_offered_while_its_check_passes_and_the_reason_is_told(self):
        aws = self.site("aws")
        laptop = self.laptop("laptop", aws)
        first, second = MoodyServer("first"), MoodyServer("second")
        first.status = 503
        ports = [self.serve(first), self.serve(second)]
        check = ("--health", "http:/healthz", "--health-interval", "100ms")
        laptop.ok("expose", ports[0], "as", "greeting", *check)
        where = aws.bind("greeting")
        wait_until(lambda: self.provider(laptop, f"localhost:{ports[0]}")["state"] == "down", "the first is known to fail")
        provider = self.provider(laptop, f"localhost:{ports[0]}")
        self.assertEqual(provider["error"], "GET /healthz: it answers 503")
        self.assertIn("down: GET /healthz: it answers 503", laptop.ok("services").out)
        self.assertFalse(next(s for s in aws.status()["services"] if s["address"] == "greeting")["reachable"])

        laptop.ok("expose", ports[1], "as", "greeting", "--cost", "5", *check)
        aws.wait_reachable("greeting")
        self.assertEqual(get(where), b"hello from second\n")
        first.status = 204
        wait_until(lambda: self.provider(laptop, f"localhost:{ports[0]}")["state"] == "up", "the first is well")
        self.assertEqual(get(where), b"hello from first\n")
        self.assertIsNone(self.provider(laptop, f"localhost:{ports[0]}")["error"])

        laptop.ok("agent", "restart")
        wait_until(lambda: self.provider(laptop, f"localhost:{ports[0]}")["state"] == "up", "the check is remembered")
        first.status = 500
        wait_until(lambda: self.provider(laptop, f"localhost:{ports[0]}")["state"] == "down", "it fails again")

    def test_a_check_that_makes_no_sense_is_refused(self):
        laptop = self.profile("laptop")
        for options, words in ((("--health", "ping"), "http:/PATH"), (("--health", "http:x"), "http:/PATH"),
                               (("--health-interval", "5s"), "--health tcp"), (("--health", "tcp", "--health-interval", "1ms"), "0.1 seconds"),
                               (("--health", "tcp", "--health-failures", "0"), "health-failures")):
            refused = laptop.run("expose", "8080", "as", "greeting", *options)
            self.assertEqual(refused.code, 2, refused.err)
            self.assertIn(words, refused.err)
