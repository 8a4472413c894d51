#include "cli/command_line.h"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <map>

#include "tests/cli/fake_agent.h"
#include "tests/cli/fake_terminal.h"
#include "tests/cli/temporary_folder.h"
#include "tests/support/catch.h"

using namespace van;
using cli::Json;
using test::http_answer;

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStatus =
    R"({"version":"0.1.0","profile":"default","pid":7,"uptime_s":1.5,"site":{"id":"i","name":"laptop","role":"edge"},)"
    R"("sites":[{"id":"j","name":"aws","role":"interior","direct":true,"hops":1,"cost":1}],)"
    R"("links":[{"name":"aws","peer":"aws","role":"edge","direction":"outgoing","state":"up","cost":1,"remote":"r","since_s":1,"error":null}],)"
    R"("services":[]})";

/// vanctl in a folder of its own; with agent() somebody answers on its control socket.
struct Machine {
  explicit Machine(std::string executable_ = "/nonexistent/vanctl") : executable{std::move(executable_)} {
    fs::create_directories(folder.path() / "default");
  }

  fs::path socket() const { return folder.path() / "default" / "agent.sock"; }
  fs::path write(const std::string& name, std::string_view content) const {
    std::ofstream{folder.path() / name} << content;
    return folder.path() / name;
  }

  int run(const std::vector<std::string>& words) {
    terminal.output.clear();
    terminal.error.clear();
    const cli::Host host{.terminal = terminal,
                         .surroundings = {.variable = [this](std::string_view name) -> std::optional<std::string> {
                                            const auto found = variables.find(std::string{name});
                                            if (found != variables.end()) return found->second;
                                            if (name == "VANCTL_HOME") return folder.path().string();
                                            return std::nullopt;
                                          },
                                          .current_folder = folder.path()},
                         .executable = executable,
                         .run_agent = [this](const cli::AgentRun& run) {
                           ran = run;
                           return 5;
                         }};
    return cli::run_command_line(words, host);
  }
  Json json() const {
    const auto document = cli::parse_json(terminal.output);
    REQUIRE(document.has_value());  // one document, nothing else
    return *document;
  }

  test::TemporaryFolder folder;
  test::FakeTerminal terminal;
  std::map<std::string, std::string> variables;
  std::string executable;
  std::optional<cli::AgentRun> ran;
};

/// An agent that knows one answer for everything but the status.
test::FakeAgent::Respond answering(int status, std::string body) {
  return [status, body](const test::FakeAgent::Request& request) {
    return request.line.starts_with("GET /v1/status") ? http_answer(200, kStatus) : http_answer(status, body);
  };
}

/// The last request that was not for the status.
test::FakeAgent::Request last_request(const test::FakeAgent& agent) {
  test::FakeAgent::Request last;
  for (const auto& request : agent.requests())
    if (!request.line.starts_with("GET /v1/status")) last = request;
  return last;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("without an agent, commands that look end with 3 and say how to start one", "[cli][command]") {
  Machine machine;
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"status"},
                                                                                     {"sites"},
                                                                                     {"links"},
                                                                                     {"services"},
                                                                                     {"logs"},
                                                                                     {"logs", "-f"},
                                                                                     {"agent", "status"},
                                                                                     {"agent", "stop"},
                                                                                     {"token", "create"},
                                                                                     {"unexpose", "a"},
                                                                                     {"unbind", "a"}}) {
    CAPTURE(words);
    CHECK(machine.run(words) == 3);
    CHECK(machine.terminal.output.empty());
    CHECK(contains(machine.terminal.error,
                   ": no agent runs for profile 'default'\nhint: start one: vanctl agent start\n"));
  }
  CHECK(machine.run({"--profile", "x", "status"}) == 3);
  CHECK(contains(machine.terminal.error, "vanctl agent start --profile x"));
}

TEST_CASE("errors are one JSON document when JSON is asked for", "[cli][command]") {
  Machine machine;
  CHECK(machine.run({"status", "-o", "json"}) == 3);
  CHECK(machine.terminal.error.empty());
  CHECK(machine.json() == Json{{"error", Json{{"code", "no_agent"},
                                              {"message", "no agent runs for profile 'default'"},
                                              {"hint", "start one: vanctl agent start"}}}});
  CHECK(machine.run({"stauts", "-o", "json"}) == 2);
  CHECK(machine.json()["error"]["code"] == "bad_request");
  CHECK(machine.json()["error"]["message"] == "stauts: unknown command");
  CHECK(machine.json()["error"]["hint"] == "did you mean 'status'?");
}

TEST_CASE("wrong usage ends with 2 and goes to standard error", "[cli][command]") {
  Machine machine;
  CHECK(machine.run({"stauts"}) == 2);
  CHECK(machine.terminal.output.empty());
  CHECK(machine.terminal.error == "vanctl: stauts: unknown command\nhint: did you mean 'status'?\n");
  CHECK(machine.run({"--profile", "../x", "status"}) == 2);
  CHECK(machine.run({"expose", "8080", "at", "greeting"}) == 2);
  CHECK(contains(machine.terminal.error, "expected 'as'"));
  CHECK(machine.run({"expose", "8080", "greeting"}) == 2);
  CHECK(machine.run({"leave", "aws", "--all"}) == 2);
  CHECK(machine.run({"site", "create", "hub", "--no-listen", "--listen", "1"}) == 2);
  CHECK(machine.run({"help", "frobnicate"}) == 2);
}

TEST_CASE("help and version need no agent, no profile and no home", "[cli][command]") {
  Machine machine;
  machine.variables["VANCTL_HOME"] = "";
  CHECK(machine.run({"--version"}) == 0);
  CHECK(machine.terminal.output == "vanctl " VAN_VERSION "\n");
  CHECK(machine.run({"--version", "-o", "json"}) == 0);
  CHECK(machine.json()["version"] == VAN_VERSION);
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{},
                                                                                     {"help"},
                                                                                     {"-h"},
                                                                                     {"help", "site"},
                                                                                     {"site", "-h"},
                                                                                     {"help", "site", "create"},
                                                                                     {"site", "create", "--help"}}) {
    CHECK(machine.run(words) == 0);
    CHECK(contains(machine.terminal.output, "usage: vanctl "));
  }
  CHECK(machine.run({"status"}) == 2);
  CHECK(contains(machine.terminal.error, "VANCTL_HOME"));
}

TEST_CASE("the status document is printed whole, its parts as arrays", "[cli][command]") {
  Machine machine;
  const test::FakeAgent agent{machine.socket(), answering(200, "{}")};
  CHECK(machine.run({"status", "-o", "json"}) == 0);
  CHECK(machine.json() == cli::parse_json(kStatus));
  for (const std::string part : {"sites", "links", "services"}) {
    CHECK(machine.run({part, "-o", "json"}) == 0);
    CHECK(machine.json() == cli::parse_json(kStatus).value()[part]);
  }
  CHECK(machine.run({"status"}) == 0);
  CHECK(contains(machine.terminal.output, "Site laptop (edge)"));
  CHECK(machine.run({"agent", "status", "-o", "json"}) == 0);
  CHECK(machine.json()["pid"] == 7);
  CHECK(machine.run({"agent", "status", "-q"}) == 0);
  CHECK(machine.terminal.output.empty());
}

TEST_CASE("colours are for terminals, unless NO_COLOR or --color says otherwise", "[cli][command]") {
  Machine machine;
  const test::FakeAgent agent{machine.socket(), answering(200, "{}")};
  const auto coloured = [&machine](const std::vector<std::string>& words) {
    REQUIRE(machine.run(words) == 0);
    return contains(machine.terminal.output, "\x1b[");
  };
  CHECK_FALSE(coloured({"status"}));
  CHECK(coloured({"status", "--color", "always"}));
  machine.terminal.terminal = true;
  CHECK(coloured({"status"}));
  CHECK_FALSE(coloured({"status", "--color=never"}));
  machine.variables["NO_COLOR"] = "1";
  CHECK_FALSE(coloured({"status"}));
}

TEST_CASE("join sends the token and its options, and prints the network", "[cli][command]") {
  Machine machine;
  const std::string body = R"({"links": ["aws"], "status": )" + std::string{kStatus} + "}";
  const test::FakeAgent agent{machine.socket(), answering(201, body)};
  const std::string file = machine.write("token.yaml", "kind: Link\n").string();
  CHECK(machine.run(
            {"join", file, "--name", "laptop", "--role", "edge", "--cost", "3", "--as", "aws", "--wait", "5"}) == 0);
  CHECK(last_request(agent).line == "POST /v1/links HTTP/1.1");
  CHECK(cli::parse_json(last_request(agent).body) == Json{{"token", "kind: Link\n"},
                                                          {"site_name", "laptop"},
                                                          {"role", "edge"},
                                                          {"cost", 3},
                                                          {"link_name", "aws"},
                                                          {"wait", 5}});
  CHECK(machine.terminal.output.starts_with("joined: link 'aws' is up\n"));
  CHECK(contains(machine.terminal.output, "aws   interior"));

  machine.terminal.input = "kind: Link\n";
  CHECK(machine.run({"join", "-", "-q"}) == 0);
  CHECK(machine.terminal.output.empty());
  CHECK(cli::parse_json(last_request(agent).body) == Json{{"token", "kind: Link\n"}, {"wait", 30}});
  CHECK(machine.run({"join", "-", "-o", "json"}) == 0);
  CHECK(machine.json() == cli::parse_json(body));
}

TEST_CASE("the time-out of join bounds how long the agent waits", "[cli][command]") {
  Machine machine;
  const test::FakeAgent agent{machine.socket(), answering(200, R"({"links": ["aws"], "status": {}})")};
  machine.terminal.input = "x";
  CHECK(machine.run({"join", "-", "--timeout", "10", "--wait", "60"}) == 0);
  const double wait = cli::parse_json(last_request(agent).body).value()["wait"].get<double>();
  CHECK(wait <= 10);
  CHECK(machine.terminal.output.starts_with("joined already: link 'aws'\n"));
}

TEST_CASE("a token that can't be read or is none is refused before an agent is started", "[cli][command]") {
  Machine machine;
  CHECK(machine.run({"join", (machine.folder.path() / "none.yaml").string()}) == 5);
  CHECK(contains(machine.terminal.error, "hint: "));
  CHECK(machine.run({"join", machine.folder.path().string()}) == 1);
  CHECK(machine.run({"join", machine.write("large", std::string((1u << 20) + 1, 'x')).string()}) == 7);
  CHECK(machine.run({"join", machine.write("empty", " \n").string()}) == 7);
  CHECK(machine.run({"join", machine.write("binary", "\xff\xfe").string()}) == 7);
  CHECK(machine.run({"join", "https://example.com/token"}) == 1);
  CHECK(contains(machine.terminal.error, "not supported in this version"));
  CHECK_FALSE(fs::exists(machine.folder.path() / "default" / "start.log"));
}

TEST_CASE("the agent's refusal of a token is the command's", "[cli][command]") {
  Machine machine;
  const test::FakeAgent agent{
      machine.socket(),
      answering(403, R"({"error": {"code": "refused", "message": "expired\u001b[2J", "hint": "make another"}})")};
  machine.terminal.input = "x";
  CHECK(machine.run({"join", "-"}) == 7);
  CHECK(machine.terminal.error == "vanctl: join: expired\\x1b[2J\nhint: make another\n");
  CHECK(machine.run({"join", "-", "-o", "json"}) == 7);
  CHECK(machine.json()["error"]["code"] == "refused");
}

TEST_CASE("leave without a name removes the only link", "[cli][command]") {
  Machine machine;
  const test::FakeAgent agent{machine.socket(), answering(200, "{}")};
  CHECK(machine.run({"leave"}) == 0);
  CHECK(last_request(agent).line == "DELETE /v1/links/aws HTTP/1.1");
  CHECK(machine.run({"leave", "a/b"}) == 0);
  CHECK(last_request(agent).line == "DELETE /v1/links/a%2Fb HTTP/1.1");
  CHECK(machine.run({"leave", "--all"}) == 0);
  CHECK(last_request(agent).line == "DELETE /v1/links HTTP/1.1");
}

TEST_CASE("leave without a name refuses to choose among several links", "[cli][command]") {
  Machine machine;
  std::string links = R"({"links": []})";
  const test::FakeAgent agent{machine.socket(), [&links](const auto&) { return http_answer(200, links); }};
  CHECK(machine.run({"leave"}) == 5);
  links = R"({"links": [{"name": "a", "direction": "outgoing"}, {"name": "b", "direction": "outgoing"}]})";
  CHECK(machine.run({"leave"}) == 2);
  CHECK(contains(machine.terminal.error, "a, b"));
}

TEST_CASE("site create sends what was given and nothing else", "[cli][command]") {
  Machine machine;
  const test::FakeAgent agent{machine.socket(), answering(201, std::string{kStatus})};
  CHECK(machine.run({"site", "create", "hub"}) == 0);
  CHECK(last_request(agent).line == "POST /v1/site HTTP/1.1");
  CHECK(last_request(agent).body == R"({"name":"hub"})");
  CHECK(machine.run({"site", "create", "hub", "--listen", "0", "--listen-edge", "[::1]:0", "--public-host", "a",
                     "--public-host", "b"}) == 0);
  CHECK(last_request(agent).body == R"({"name":"hub","listen":"0","listen_edge":"[::1]:0","public_hosts":["a","b"]})");
  CHECK(machine.run({"site", "create", "hub", "--no-listen", "-o", "json"}) == 0);
  CHECK(last_request(agent).body == R"({"name":"hub","no_listen":true})");
  CHECK(machine.json() == cli::parse_json(kStatus));
}

TEST_CASE("site delete asks on a terminal, and needs --yes elsewhere", "[cli][command]") {
  Machine machine;
  const test::FakeAgent agent{machine.socket(),
                              answering(404, R"({"error": {"code": "not_found", "message": "no site"}})")};
  CHECK(machine.run({"site", "delete"}) == 2);
  CHECK(contains(machine.terminal.error, "--yes"));
  machine.terminal.terminal = true;
  machine.terminal.input = "n\n";
  CHECK(machine.run({"site", "delete"}) == 1);
  CHECK(agent.requests().empty());
  machine.terminal.input = "y\n";
  CHECK(machine.run({"site", "delete"}) == 5);
  CHECK(last_request(agent).line == "DELETE /v1/site HTTP/1.1");
  machine.terminal.terminal = false;
  CHECK(machine.run({"site", "delete", "--yes"}) == 5);
}

TEST_CASE("a token goes to standard output as it is, or to a private file", "[cli][command]") {
  Machine machine;
  const test::FakeAgent agent{
      machine.socket(),
      answering(201,
                R"({"token": "kind: Link\n---\n", "name": "t", "format": "link", "expires": "2030-01-01T00:00:00Z"})")};
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"token", "create"}, {"token", "create", "-"}}) {
    CHECK(machine.run(words) == 0);
    CHECK(machine.terminal.output == "kind: Link\n---\n");
  }
  CHECK(machine.run(
            {"token", "create", "t.yaml", "--expires", "15m", "--cost", "2", "--name", "t", "--format", "link"}) == 0);
  CHECK(last_request(agent).body == R"({"format":"link","cost":2,"name":"t","expires_s":900})");
  CHECK(machine.terminal.output == "wrote token 't' to 't.yaml', good until 2030-01-01T00:00:00Z\n");
  std::ifstream file{machine.folder.path() / "t.yaml"};
  CHECK(std::string{std::istreambuf_iterator<char>{file}, {}} == "kind: Link\n---\n");

  CHECK(machine.run({"token", "create", "t.yaml", "-o", "json"}) == 0);
  CHECK(machine.json() ==
        Json{{"name", "t"}, {"format", "link"}, {"expires", "2030-01-01T00:00:00Z"}, {"file", "t.yaml"}});
  CHECK(machine.run({"token", "create", "none/t.yaml"}) == 1);
  CHECK(machine.run({"token", "create", "--format", "claim"}) == 1);
  CHECK(machine.run({"token", "create", "--expires", "0"}) == 2);
}

TEST_CASE("expose and bind send their words; relative Unix sockets are made absolute", "[cli][command]") {
  Machine machine;
  const test::FakeAgent agent{
      machine.socket(),
      answering(
          201,
          R"({"address": "greeting", "target": "localhost:8080", "local": "127.0.0.1:1", "protocol": "tcp", "port": 8080})")};
  CHECK(machine.run({"expose", "8080", "as", "greeting", "--cost", "5", "--port", "80", "--protocol", "tcp"}) == 0);
  CHECK(last_request(agent).line == "POST /v1/exposures HTTP/1.1");
  CHECK(last_request(agent).body == R"({"target":"8080","address":"greeting","protocol":"tcp","cost":5,"port":80})");
  CHECK(machine.terminal.output == "exposed localhost:8080 as greeting (tcp, port 8080)\n");
  CHECK(machine.run({"expose", "unix:app.sock", "as", "app"}) == 0);
  CHECK(contains(last_request(agent).body, "unix:" + (machine.folder.path() / "app.sock").string()));

  CHECK(machine.run({"bind", "greeting"}) == 0);
  CHECK(last_request(agent).line == "POST /v1/bindings HTTP/1.1");
  CHECK(last_request(agent).body == R"({"address":"greeting"})");
  CHECK(machine.terminal.output == "127.0.0.1:1 stands in for greeting\n");
  CHECK(machine.run({"bind", "greeting", "5432"}) == 0);
  CHECK(last_request(agent).body == R"({"address":"greeting","local":"5432"})");
}

TEST_CASE("unexpose and unbind name what was removed", "[cli][command]") {
  Machine machine;
  const test::FakeAgent agent{machine.socket(),
                              answering(200, R"({"removed": [{"address": "a b", "target": "t:1", "local": "l:1"}]})")};
  CHECK(machine.run({"unexpose", "a b"}) == 0);
  CHECK(last_request(agent).line == "DELETE /v1/exposures?address=a%20b HTTP/1.1");
  CHECK(machine.terminal.output == "t:1 is no longer exposed as a b\n");
  CHECK(machine.run({"unexpose", "a b", "t:1"}) == 0);
  CHECK(last_request(agent).line == "DELETE /v1/exposures?address=a%20b&target=t%3A1 HTTP/1.1");
  CHECK(machine.run({"unbind", "a b", "l:1"}) == 0);
  CHECK(last_request(agent).line == "DELETE /v1/bindings?address=a%20b&local=l%3A1 HTTP/1.1");
  CHECK(machine.terminal.output == "l:1 no longer stands in for a b\n");
}

TEST_CASE("logs prints lines, or follows them until their end", "[cli][command]") {
  Machine machine;
  {
    const test::FakeAgent agent{machine.socket(), answering(200, R"({"lines": ["one", "two\u0007"]})")};
    CHECK(machine.run({"logs", "-n", "2", "--level", "warn"}) == 0);
    CHECK(last_request(agent).line == "GET /v1/logs?lines=2&level=warn HTTP/1.1");
    CHECK(machine.terminal.output == "one\ntwo\\x07\n");
    CHECK(machine.run({"logs", "-f", "-o", "json"}) == 2);
  }
  fs::remove(machine.socket());
  const test::FakeAgent agent{
      machine.socket(), [](const auto&) {
        return std::string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n0\r\n\r\n"};
      }};
  CHECK(machine.run({"logs", "-f"}) == 0);
  CHECK(last_request(agent).line == "GET /v1/logs?lines=100&follow=1 HTTP/1.1");
  CHECK(machine.terminal.output == "one\n");
}

TEST_CASE("output that nobody reads is no error, a full disk is one", "[cli][command]") {
  Machine machine;
  machine.terminal.output_result = cli::Terminal::Written::closed;
  CHECK(machine.run({"help"}) == 0);
  machine.terminal.output_result = cli::Terminal::Written::failed;
  CHECK(machine.run({"help"}) == 1);
  CHECK(machine.terminal.error == "vanctl: standard output: can't write\n");
}

TEST_CASE("agent run hands over to the agent and ends with its exit code", "[cli][command]") {
  Machine machine;
  CHECK(machine.run({"agent", "run", "--profile", "x", "-v"}) == 5);
  REQUIRE(machine.ran.has_value());
  CHECK(machine.ran->paths.profile == "x");
  CHECK(machine.ran->paths.state_folder == machine.folder.path() / "x");
  CHECK(machine.ran->verbose);
}

TEST_CASE("publish sends a message, all of the input, or its lines as they come", "[cli][command]") {
  Machine machine;
  const test::FakeAgent agent{machine.socket(), answering(200, R"({"published":2,"dropped":0,"known":true})")};
  CHECK(machine.run({"publish", "news", "hello"}) == 0);
  CHECK(last_request(agent).line.starts_with("POST /v1/events?address=news HTTP"));
  CHECK(last_request(agent).body == "hello");

  machine.terminal.input = "all\nof it";
  CHECK(machine.run({"publish", "news"}) == 0);
  CHECK(last_request(agent).body == "all\nof it");

  machine.terminal.input = "one\ntwo\nthree";
  machine.terminal.piece = 6;
  const std::size_t before = agent.requests().size();
  CHECK(machine.run({"publish", "news", "--lines", "-o", "json"}) == 0);
  CHECK(machine.json() == Json{{"published", 6}, {"dropped", 0}, {"known", true}});
  std::vector<std::string> bodies;
  for (std::size_t i = before; i < agent.requests().size(); ++i) {
    CHECK(agent.requests()[i].line.starts_with("POST /v1/events?address=news&lines=1 HTTP"));
    bodies.push_back(agent.requests()[i].body);
  }
  CHECK(bodies == std::vector<std::string>{"one\n", "two\n", "three"});

  CHECK(machine.run({"publish", "news", "hello", "--lines"}) == 2);
  machine.terminal.input = std::string(256'001, 'x');
  CHECK(machine.run({"publish", "news"}) == 2);
  machine.terminal.read = 0;
  machine.terminal.piece = 100'000;
  CHECK(machine.run({"publish", "news", "--lines"}) == 2);
}

TEST_CASE("publish says when nobody listens, and that is no failure", "[cli][command]") {
  Machine machine;
  const test::FakeAgent agent{machine.socket(), answering(200, R"({"published":1,"dropped":1,"known":false})")};
  CHECK(machine.run({"publish", "news", "hello"}) == 0);
  const std::string said = machine.terminal.output + machine.terminal.error;
  CHECK(contains(said, "nobody is known who subscribes"));
  CHECK(contains(said, "1 did not reach everybody"));
}

TEST_CASE("subscribe prints what comes, and what was lost", "[cli][command]") {
  const std::string body = "{\"text\":\"one\"}\n{\"lost\":7}\n{\"base64\":\"/wA=\"}\n{\"text\":\"\\u001b[2J\"}\nnonsense\n{\"text\":\"last\"}\n";
  Machine machine;
  const test::FakeAgent agent{machine.socket(), answering(200, body)};
  CHECK(machine.run({"subscribe", "news"}) == 0);
  CHECK(last_request(agent).line.starts_with("GET /v1/events?address=news HTTP"));
  CHECK(machine.terminal.output == std::string{"one\n\xff\0\n\x1b[2J\nlast\n", 17});
  CHECK(contains(machine.terminal.error, "7 messages were lost"));

  CHECK(machine.run({"subscribe", "news", "-o", "json", "-n", "2"}) == 0);
  CHECK(machine.terminal.output == "{\"text\":\"one\"}\n{\"lost\":7}\n{\"base64\":\"/wA=\"}\n");

  machine.terminal.terminal = true;
  CHECK(machine.run({"subscribe", "news"}) == 0);
  CHECK_FALSE(contains(machine.terminal.output, "\x1b[2J"));
}
