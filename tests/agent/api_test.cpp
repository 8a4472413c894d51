#include "agent/api.h"

#include <nlohmann/json.hpp>

#include "tests/agent/http_client.h"
#include "tests/agent/profile_fixture.h"
#include "tests/support/catch.h"

namespace van::agent {
namespace {

using nlohmann::json;
using test::HttpClient;
using test::Profile;

struct Answer {
  int status = 0;
  json body;
};

/// The API of one profile and a client of it.
struct Fixture {
  io::Loop& loop;
  Profile profile{loop};
  bool stopped = false;
  HttpServer server{loop, [this](ExchangeId exchange, const HttpRequest& request) { api.handle(exchange, request); }};
  Api api{{server, *profile, profile.logs(), "default", io::Loop::now(), [this] { stopped = true; }}};
  std::unique_ptr<HttpClient> client = connect();

  explicit Fixture(io::Loop& on) : loop{on} {}

  std::unique_ptr<HttpClient> connect() {
    auto [mine, theirs] = test::stream_pair(loop);
    server.accept(std::move(theirs));
    return std::make_unique<HttpClient>(std::move(mine));
  }
  Answer call(std::string_view method, std::string_view target, const json& body = {}) {
    client->request(method, target, body.is_null() ? std::string{} : body.dump());
    loop.run_until([&] { return client->answers() == 1; });
    const auto [status, text] = client->take();
    INFO(text);
    Answer answer{status, json::parse(text, nullptr, false)};
    REQUIRE(answer.body.is_object());
    return answer;
  }
  /// "STATUS CODE" of an error.
  std::string error(std::string_view method, std::string_view target, const json& body = {}) {
    const Answer answer = call(method, target, body);
    CHECK(answer.body.size() == 1);
    CHECK(answer.body["error"]["message"].is_string());
    return std::to_string(answer.status) + " " + answer.body["error"].value("code", "none");
  }
};
const json kSite{{"name", "mill"}, {"listen", "127.0.0.1:0"}, {"listen_edge", "127.0.0.1:0"}};

TEST_CASE("the status of an empty profile has every field", "[agent][api]") {
  io::Loop loop;
  Fixture f{loop};
  const Answer answer = f.call("GET", "/v1/status");
  CHECK(answer.status == 200);
  CHECK(answer.body["version"] == VAN_VERSION);
  CHECK(answer.body["profile"] == "default");
  CHECK(answer.body["pid"].is_number());
  CHECK(answer.body["uptime_s"].is_number());
  CHECK(answer.body["site"].is_null());
  for (const char* list : {"sites", "links", "services"}) CHECK(answer.body[list] == json::array());
}

TEST_CASE("unknown paths, methods, fields and parameters are refused", "[agent][api]") {
  io::Loop loop;
  Fixture f{loop};
  CHECK(f.error("GET", "/") == "404 not_found");
  CHECK(f.error("GET", "/v1/links/") == "404 not_found");
  CHECK(f.error("GET", "/v1/site") == "405 bad_request");
  CHECK(f.error("DELETE", "/v1/status") == "405 bad_request");
  CHECK(f.error("GET", "/v1/status?verbose=1") == "400 bad_request");
  CHECK(f.error("POST", "/v1/site", {{"name", "mill"}, {"listne", "1"}}) == "400 bad_request");
  CHECK(f.error("POST", "/v1/links", {{"token", "x"}, {"role", "star"}}) == "400 bad_request");
  CHECK(f.error("POST", "/v1/tokens", {{"format", "claim"}}) == "400 bad_request");
  CHECK(f.error("POST", "/v1/exposures", json::array()) == "400 bad_request");
  CHECK(f.error("DELETE", "/v1/exposures") == "400 bad_request");
  CHECK(f.error("GET", "/v1/logs?lines=x") == "400 bad_request");
  CHECK(f.error("GET", "/v1/logs?level=loud") == "400 bad_request");
}

TEST_CASE("errors of commands have the status of their code", "[agent][api]") {
  io::Loop loop;
  Fixture f{loop};
  CHECK(f.error("POST", "/v1/links", {{"token", "hello"}}) == "403 refused");
  CHECK(f.error("DELETE", "/v1/links/x") == "404 not_found");
  CHECK(f.error("POST", "/v1/tokens", json::object()) == "404 not_found");
  CHECK(f.call("POST", "/v1/site", kSite).status == 201);
  CHECK(f.error("POST", "/v1/site", kSite) == "409 conflict");
  f.profile.break_disk();
  CHECK(f.error("POST", "/v1/exposures", {{"address", "a"}, {"target", "1"}}) == "500 failed");
}

TEST_CASE("services are made and removed", "[agent][api]") {
  io::Loop loop;
  Fixture f{loop};
  const Answer exposed = f.call("POST", "/v1/exposures", {{"address", "greeting"}, {"target", "8080"}, {"cost", 3}});
  CHECK(exposed.status == 201);
  CHECK(exposed.body ==
        json{{"address", "greeting"}, {"target", "localhost:8080"}, {"protocol", "tcp"}, {"port", 8080}, {"cost", 3}, {"multicast", false}});
  const Answer bound = f.call("POST", "/v1/bindings", {{"address", "greeting"}, {"local", "127.0.0.1:0"}});
  CHECK(bound.status == 201);
  const std::string local = bound.body["local"];
  CHECK(f.call("POST", "/v1/bindings", {{"address", "greeting"}}).status == 200);

  const json service = f.call("GET", "/v1/status").body["services"].at(0);
  CHECK(service["address"] == "greeting");
  CHECK(service["port"] == 8080);
  CHECK(service["reachable"] == true);
  CHECK(service["stand_in"] == local);
  CHECK(service["providers"].at(0)["target"] == "localhost:8080");
  CHECK(service["providers"].at(0)["state"] == "up");
  CHECK(service["providers"].at(0)["cost"] == 3);
  for (const char* number : {"in_flight", "connections", "bytes_in", "bytes_out", "dropped"}) CHECK(service[number] == 0);

  CHECK(f.call("DELETE", "/v1/bindings?address=greeting&local=" + local).body ==
        json{{"removed", {{{"address", "greeting"}, {"local", local}}}}});
  CHECK(f.call("DELETE", "/v1/exposures?address=greeting").body ==
        json{{"removed", {{{"address", "greeting"}, {"target", "localhost:8080"}}}}});
  CHECK(f.error("DELETE", "/v1/exposures?address=greeting") == "404 not_found");
}

TEST_CASE("events are published and followed by the API", "[agent][api]") {
  io::Loop loop;
  Fixture f{loop};
  const auto reader = f.connect();
  reader->request("GET", "/v1/events?address=news", {});
  loop.run_until([&] { return reader->received.find("\r\n\r\n") != std::string::npos; });
  f.client->request("POST", "/v1/events?address=news&lines=1", "one\ntwo\n\nlast");
  loop.run_until([&] { return f.client->answers() == 1; });
  CHECK(json::parse(f.client->take().second) == json{{"published", 4}, {"dropped", 0}, {"known", true}});
  loop.run_until([&] { return reader->received.find("last") != std::string::npos; });
  for (const char* line : {"{\"text\":\"one\"}\n", "{\"text\":\"two\"}\n", "{\"text\":\"\"}\n", "{\"text\":\"last\"}\n"})
    CHECK(reader->received.find(line) != std::string::npos);
  CHECK(f.error("POST", "/v1/events") == "400 bad_request");
  CHECK(f.error("POST", "/v1/events?address=_topo/x") == "400 bad_request");
  CHECK(f.error("POST", "/v1/events?address=news&lines=2") == "400 bad_request");
  CHECK(f.error("GET", "/v1/events?address=mc/x") == "400 bad_request");
  f.client->request("POST", "/v1/events?address=news", std::string(256'001, 'x'));
  loop.run_until([&] { return f.client->answers() == 1; });
  CHECK(f.client->take().first == 400);
}

TEST_CASE("two profiles link by the API, and see each other", "[agent][api]") {
  io::Loop loop;
  Fixture mill{loop};
  Fixture laptop{loop};
  const Answer created = mill.call("POST", "/v1/site", kSite);
  REQUIRE(created.status == 201);
  CHECK(created.body["site"]["name"] == "mill");
  CHECK(created.body["site"]["role"] == "interior");
  const Answer token = mill.call("POST", "/v1/tokens", {{"name", "for-laptop"}, {"expires_s", 3600}});
  REQUIRE(token.status == 201);
  CHECK(token.body["name"] == "for-laptop");
  CHECK(token.body["format"] == "link");
  CHECK(token.body["expires"].get<std::string>().ends_with("Z"));

  const json body{{"token", token.body["token"]}, {"site_name", "laptop"}, {"wait", 30.5}};
  const Answer joined = laptop.call("POST", "/v1/links", body);
  INFO(joined.body.dump());
  REQUIRE(joined.status == 201);
  CHECK(joined.body["links"] == json{"for-laptop"});
  const json link = joined.body["status"]["links"].at(0);
  CHECK(link["state"] == "up");
  CHECK(link["role"] == "edge");
  CHECK(link["direction"] == "outgoing");
  CHECK(link["peer"] == "mill");
  CHECK(link["error"].is_null());
  CHECK(link["tls"]["version"].get<std::string>().starts_with("TLSv1."));
  CHECK(joined.body["status"]["sites"].at(0)["name"] == "mill");
  CHECK(laptop.call("POST", "/v1/links", body).status == 200);

  CHECK(mill.call("GET", "/v1/status").body["links"].at(0)["direction"] == "incoming");
  CHECK(laptop.call("DELETE", "/v1/links/for-laptop").status == 200);
  CHECK(laptop.call("DELETE", "/v1/links").status == 200);
  CHECK(laptop.call("GET", "/v1/status").body["site"].is_null());
}

TEST_CASE("a client that goes while it joins disturbs nobody", "[agent][api]") {
  io::Loop loop;
  Fixture mill{loop};
  Fixture laptop{loop};
  REQUIRE(mill.call("POST", "/v1/site", kSite).status == 201);
  const Answer token = mill.call("POST", "/v1/tokens", json::object());
  laptop.client->request("POST", "/v1/links", json{{"token", token.body["token"]}}.dump());
  loop.run_until([&] { return laptop.profile->state().site.has_value(); });
  laptop.client->hang_up();
  loop.run_until([&] { return laptop.server.connections() == 0; });
  laptop.client = laptop.connect();
  loop.run_until([&] { return laptop.call("GET", "/v1/status").body["links"].at(0)["state"] == "up"; });
}

TEST_CASE("the log is read, and followed until the client closes", "[agent][api]") {
  io::Loop loop;
  Fixture f{loop};
  REQUIRE(f.call("POST", "/v1/site", kSite).status == 201);
  const json lines = f.call("GET", "/v1/logs?lines=1&level=info").body["lines"];
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].get<std::string>().find("site created name=mill") != std::string::npos);

  const auto follower = f.connect();
  follower->request("GET", "/v1/logs?lines=1&level=info&follow=1");
  loop.run_until([&] { return follower->received.find("site created") != std::string::npos; });
  REQUIRE(f.call("POST", "/v1/exposures", {{"address", "greeting"}, {"target", "1"}}).status == 201);
  loop.run_until([&] { return follower->received.find("exposed address=greeting") != std::string::npos; });
  follower->hang_up();
  loop.run_until([&] { return f.server.connections() == 1; });
}

TEST_CASE("stopping and deleting are answered before the agent ends", "[agent][api]") {
  io::Loop loop;
  Fixture f{loop};
  CHECK(f.call("POST", "/v1/agent/stop").status == 200);
  CHECK(f.stopped);
  f.stopped = false;
  REQUIRE(f.call("POST", "/v1/site", kSite).status == 201);
  CHECK(f.call("DELETE", "/v1/site").status == 200);
  CHECK(f.stopped);
  CHECK_FALSE(std::filesystem::exists(f.profile.state_file()));
}

}  // namespace
}  // namespace van::agent
