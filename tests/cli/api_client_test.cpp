#include "cli/api_client.h"

#include <array>

#include "tests/cli/fake_agent.h"
#include "tests/cli/temporary_folder.h"
#include "tests/support/catch.h"

using namespace van;
using namespace std::chrono_literals;
using cli::ExitCode;
using cli::Json;

namespace {

cli::Deadline soon() { return std::chrono::steady_clock::now() + 20s; }

/// What a client makes of an agent that answers with `bytes`.
cli::Result<cli::ApiAnswer> call(const std::string& bytes, const cli::ApiRequest& request = {"GET", "/v1/status", {}}) {
  const test::TemporaryFolder folder;
  const test::FakeAgent agent{folder.path() / "s", [&bytes](const auto&) { return bytes; }};
  auto client = cli::ApiClient::connect(folder.path() / "s", soon());
  REQUIRE(client);
  return client->call(request, soon());
}

}  // namespace

TEST_CASE("a request arrives as it was made, and its answer comes back", "[cli][api]") {
  const test::TemporaryFolder folder;
  const test::FakeAgent agent{folder.path() / "s", [](const auto&) { return test::http_answer(201, R"({"a": 1})"); }};
  auto client = cli::ApiClient::connect(folder.path() / "s", soon());
  REQUIRE(client);
  const auto answer = client->call({.method = "POST", .target = "/v1/site", .body = Json{{"name", "hüb"}}}, soon());
  REQUIRE(answer);
  CHECK(answer->status == 201);
  CHECK(answer->document == Json{{"a", 1}});
  REQUIRE(agent.requests().size() == 1);
  CHECK(agent.requests()[0].line == "POST /v1/site HTTP/1.1");
  CHECK(agent.requests()[0].body == R"({"name":"hüb"})");
}

TEST_CASE("the agent's error codes become exit codes, with message and hint", "[cli][api]") {
  const std::array<std::pair<const char*, ExitCode>, 7> codes{{{"bad_request", ExitCode::usage},
                                                               {"failed", ExitCode::failed},
                                                               {"timeout", ExitCode::timeout},
                                                               {"not_found", ExitCode::not_found},
                                                               {"conflict", ExitCode::conflict},
                                                               {"refused", ExitCode::refused},
                                                               {"of a later version", ExitCode::failed}}};
  for (const auto& [code, exit] : codes) {
    const auto answer = call(
        test::http_answer(400, R"({"error": {"code": ")" + std::string{code} + R"(", "message": "m", "hint": "h"}})"));
    REQUIRE_FALSE(answer);
    CHECK(answer.error().exit == exit);
    CHECK(answer.error().message == "m");
    CHECK(answer.error().hint == "h");
  }
}

TEST_CASE("an answer that is none is a failure with a reason", "[cli][api]") {
  for (const std::string& bytes :
       {std::string{}, std::string{"hello\r\n"}, std::string{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}"},
        test::http_answer(200, "no json"), test::http_answer(500, ""), test::http_answer(500, "[]"),
        test::http_answer(500, R"({"error": 5})"), test::http_answer(500, R"({"error": {"code": 1}})")}) {
    CAPTURE(bytes);
    const auto answer = call(bytes);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().exit == ExitCode::failed);
    CHECK_FALSE(answer.error().message.empty());
  }
}

TEST_CASE("text that JSON can't carry is refused before anything is sent", "[cli][api]") {
  const auto answer = call("", {.method = "POST", .target = "/", .body = Json{{"name", "\xff"}}});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().exit == ExitCode::usage);
}

TEST_CASE("an agent that is silent is a timeout, nobody is no agent", "[cli][api]") {
  const test::TemporaryFolder folder;
  const auto nobody = cli::ApiClient::connect(folder.path() / "s", soon());
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().exit == ExitCode::no_agent);

  std::mutex silence;
  silence.lock();
  const test::FakeAgent agent{folder.path() / "s", [&silence](const auto&) {
                                const std::lock_guard wait{silence};
                                return std::string{};
                              }};
  auto client = cli::ApiClient::connect(folder.path() / "s", soon());
  REQUIRE(client);
  const auto answer = client->call({"GET", "/v1/status", {}}, std::chrono::steady_clock::now());
  silence.unlock();
  REQUIRE_FALSE(answer);
  CHECK(answer.error().exit == ExitCode::timeout);
}

TEST_CASE("a stream is handed over in pieces, until its end or until no more is wanted", "[cli][api]") {
  const std::string chunks =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n4\r\ntwo\n\r\n0\r\n\r\n";
  const test::TemporaryFolder folder;
  const test::FakeAgent agent{folder.path() / "s", [&chunks](const auto&) { return chunks; }};
  const auto follow = [&folder](bool go_on) {
    auto client = cli::ApiClient::connect(folder.path() / "s", soon());
    REQUIRE(client);
    std::string text;
    const auto followed =
        client->follow({"GET", "/v1/logs?follow=1", {}}, soon(), [&text, go_on](std::string_view piece) {
          text += piece;
          return go_on;
        });
    CHECK(followed);
    return text;
  };
  CHECK(follow(true) == "one\ntwo\n");
  CHECK(std::string{"one\ntwo\n"}.starts_with(follow(false)));
}

TEST_CASE("a stream that is refused is a failure", "[cli][api]") {
  const test::TemporaryFolder folder;
  const test::FakeAgent agent{folder.path() / "s", [](const auto&) {
                                return test::http_answer(400, R"({"error": {"code": "bad_request", "message": "m"}})");
                              }};
  auto client = cli::ApiClient::connect(folder.path() / "s", soon());
  REQUIRE(client);
  const auto followed = client->follow({"GET", "/v1/logs", {}}, soon(), [](std::string_view) { return true; });
  REQUIRE_FALSE(followed);
  CHECK(followed.error().exit == ExitCode::usage);
}

TEST_CASE("values in a request's target are encoded, and empty ones left out", "[cli][api]") {
  CHECK(cli::percent_encoded("aZ09-._~") == "aZ09-._~");
  CHECK(cli::percent_encoded("a/b c&d?#%ü") == "a%2Fb%20c%26d%3F%23%25%C3%BC");
  const std::array<std::pair<std::string_view, std::string>, 3> query{{{"address", "a b"}, {"target", ""}, {"x", "1"}}};
  CHECK(cli::api_query("/v1/exposures", query) == "/v1/exposures?address=a%20b&x=1");
}
