#include "proxy/http_conversation.h"

#include <algorithm>

#include "tests/support/catch.h"

namespace van::proxy {
namespace {

using State = HttpConversation::State;

std::string taken(SliceQueue& queue) {
  const Bytes bytes = queue.peek(queue.bytes());
  queue.clear();
  return std::string{as_text(bytes)};
}

/// A conversation with services that are whatever the test says.
struct Talk {
  HttpConversation conversation;
  std::string client, service;  ///< what they got

  void take() {
    client += taken(conversation.to_client());
    service += taken(conversation.to_service());
    conversation.service_took();
    service += taken(conversation.to_service());
  }
  void from_client(std::string_view text, std::size_t piece = 100'000) {
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
      conversation.from_client(Slice::copy_of(as_bytes(text.substr(0, piece))));
      if (conversation.state() == State::asking && conversation.ask().kind == HttpAsk::Kind::forward) conversation.opened();
      take();
    }
  }
  void from_service(std::string_view text, std::size_t piece = 100'000) {
    for (; !text.empty() && conversation.state() == State::exchanging; text.remove_prefix(std::min(piece, text.size()))) {
      conversation.from_service(Slice::copy_of(as_bytes(text.substr(0, piece))));
      if (conversation.state() == State::asking && conversation.ask().kind == HttpAsk::Kind::forward) conversation.opened();
      take();
    }
  }
};

HttpAsk ask_of(const std::string& request) {
  HttpConversation conversation;
  conversation.from_client(Slice::copy_of(as_bytes(request)));
  return conversation.ask();
}
HttpAsk ask_host(const std::string& host, const std::string& line = "GET /a?b HTTP/1.1") { return ask_of(line + "\r\nHost: " + host + "\r\n\r\n"); }

}  // namespace

TEST_CASE("what a request to the HTTP port wants", "[proxy][http]") {
  const HttpAsk tunnel = ask_of("CONNECT greeting:8080 HTTP/1.1\r\nHost: greeting:8080\r\n\r\n");
  CHECK(tunnel.kind == HttpAsk::Kind::tunnel);
  CHECK(tunnel.host == "greeting");
  CHECK(tunnel.port == 8080);
  for (const auto& [url, target] : {std::pair{"http://greeting:81/x?y", "/x?y"}, {"http://greeting:81", "/"}, {"http://greeting:81?y", "/?y"}}) {
    const HttpAsk forward = ask_host("other", "GET " + std::string{url} + " HTTP/1.1");
    CHECK(forward.kind == HttpAsk::Kind::forward);
    CHECK(forward.host == "greeting");
    CHECK(forward.port == 81);
    CHECK(forward.authority == "greeting:81");  // RFC 9112 §3.2.2
    CHECK(forward.target == target);
  }
  CHECK(ask_host("x", "OPTIONS http://greeting HTTP/1.1").target == "*");  // §3.2.4
  CHECK(ask_host("x", "GET https://greeting/ HTTP/1.1").status == 400);
  CHECK(ask_host("x", "GET http://greeting:70000/ HTTP/1.1").status == 400);
}

TEST_CASE("a path alone is for whom Host names, and nobody else", "[proxy][http]") {
  for (const char* const host : {"greeting.localhost:3128", "Greeting.LOCALHOST", "greeting.localhost."}) {
    const HttpAsk ask = ask_host(host);
    CHECK(ask.kind == HttpAsk::Kind::forward);
    CHECK(ask.port == 0);
    CHECK(ask.authority == host);
    CHECK(ask.target == "/a?b");
  }
  for (const char* const host : {"localhost:3128", "127.0.0.1:3128", "[::1]:3128", "LOCALHOST", "192.168.1.5:3128"}) {
    CHECK(ask_host(host, "GET / HTTP/1.1").kind == HttpAsk::Kind::start_page);
    CHECK(ask_host(host, "GET /proxy.pac?x HTTP/1.1").kind == HttpAsk::Kind::pac);
    CHECK(ask_host(host, "GET /other HTTP/1.1").status == 404);
    CHECK(ask_host(host, "POST / HTTP/1.1").status == 405);
  }
  for (const char* const host : {"evil.example", "greeting", "localhost.evil.example", "127.0.0.1.evil.example", ".localhost", "xlocalhost", ""})
    CHECK(ask_host(host).status == 421);  // DNS rebinding
}

TEST_CASE("requests to several services share a connection, in any split", "[proxy][http]") {
  const std::string first =
      "POST http://one/form HTTP/1.1\r\nHost: ignored\r\nContent-Length: 4\r\nProxy-Authorization: Basic x\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nX-Kept: 2\r\n\r\nbody";
  const std::string second = "GET http://two:81/ HTTP/1.1\r\nHost: two:81\r\n\r\n";
  const std::string answer_one = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\none";
  const std::string answer_two = "HTTP/1.1 404 Nowhere\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n";
  for (std::size_t piece = 1; piece < first.size() + 2; ++piece) {
    CAPTURE(piece);
    Talk talk;
    talk.from_client(first, piece);
    CHECK(talk.service == "POST /form HTTP/1.1\r\nHost: one\r\nContent-Length: 4\r\nX-Kept: 2\r\nVia: 1.1 vanctl\r\nConnection: close\r\n\r\nbody");
    CHECK(talk.conversation.request_complete());
    talk.service.clear();
    talk.from_service(answer_one, piece);
    CHECK(talk.client == "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nVia: 1.1 vanctl\r\n\r\none");
    talk.client.clear();
    CHECK(talk.conversation.state() == State::reading);
    talk.from_client(second, piece);
    CHECK(talk.service == "GET / HTTP/1.1\r\nHost: two:81\r\nVia: 1.1 vanctl\r\nConnection: close\r\n\r\n");
    talk.from_service(answer_two, piece);
    CHECK(talk.client == "HTTP/1.1 404 Nowhere\r\nTransfer-Encoding: chunked\r\nVia: 1.1 vanctl\r\n\r\n3\r\ntwo\r\n0\r\n\r\n");
    CHECK(talk.conversation.state() == State::reading);
  }
}

TEST_CASE("pipelined requests are answered in their order", "[proxy][http]") {
  Talk talk;
  talk.from_client("GET http://one/ HTTP/1.1\r\nHost: one\r\n\r\nGET http://two/ HTTP/1.1\r\nHost: two\r\n\r\n");
  CHECK(talk.service.find("Host: two") == std::string::npos);
  talk.from_service("HTTP/1.1 204 No Content\r\n\r\nGARBAGE");  // what comes behind is dropped
  CHECK(talk.service.find("Host: two") != std::string::npos);
  CHECK(talk.conversation.ask().host == "two");
  CHECK(talk.client.find("GARBAGE") == std::string::npos);
}

TEST_CASE("a response that ends with its connection ends the client's, too", "[proxy][http]") {
  Talk talk;
  talk.from_client("GET http://one/ HTTP/1.1\r\nHost: one\r\n\r\n");
  talk.from_service("HTTP/1.0 200 OK\r\n\r\nto the end");
  talk.conversation.service_ended();
  CHECK(talk.client == "HTTP/1.1 200 OK\r\nVia: 1.1 vanctl\r\nConnection: close\r\n\r\nto the end");
  CHECK(talk.conversation.state() == State::closing);
}

TEST_CASE("a client of HTTP/1.0 gets no chunks", "[proxy][http]") {
  Talk talk;
  talk.from_client("GET http://one/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  talk.from_service("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n4\r\n two\r\n0\r\n\r\n", 7);
  CHECK(talk.client == "HTTP/1.1 200 OK\r\nVia: 1.1 vanctl\r\nConnection: close\r\n\r\none two");
  CHECK(talk.conversation.state() == State::closing);
}

TEST_CASE("a response that is cut is never taken for whole", "[proxy][http]") {
  for (const char* const answer : {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"}) {
    Talk ended;
    ended.from_client("GET http://one/ HTTP/1.1\r\nHost: one\r\n\r\n");
    ended.from_service(answer);
    ended.conversation.service_ended();
    CHECK(ended.conversation.state() == State::broken);
    Talk failed;
    failed.from_client("GET http://one/ HTTP/1.1\r\nHost: one\r\n\r\n");
    failed.from_service(answer);
    failed.conversation.service_failed(502, "x");
    CHECK(failed.conversation.state() == State::broken);
  }
}

TEST_CASE("no answer, and one that is none, are a 502", "[proxy][http]") {
  for (const char* const answer : {"", "HTTP/1.1 2", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"}) {
    Talk talk;
    talk.from_client("GET http://one/ HTTP/1.1\r\nHost: one\r\n\r\n");
    talk.from_service(answer);
    if (talk.conversation.state() == State::exchanging) talk.conversation.service_ended();
    talk.take();
    CHECK(talk.client.starts_with("HTTP/1.1 502 Bad Gateway\r\n"));
    CHECK(talk.conversation.state() == State::closing);
  }
}

TEST_CASE("a WebSocket is handed over with what came behind the heads", "[proxy][http]") {
  Talk talk;
  talk.from_client("GET /chat HTTP/1.1\r\nHost: one.localhost:3128\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\nearly");
  CHECK(talk.service == "GET /chat HTTP/1.1\r\nHost: one.localhost:3128\r\nSec-WebSocket-Key: k\r\nVia: 1.1 vanctl\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  talk.from_service("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello");
  CHECK(talk.conversation.state() == State::tunnel);
  CHECK(talk.client == "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello");
  CHECK(taken(talk.conversation.from_client_behind()) == "early");
}

TEST_CASE("CONNECT is a tunnel once the service is there", "[proxy][http]") {
  Talk talk;
  talk.from_client("CONNECT one:443 HTTP/1.1\r\nHost: one:443\r\n\r\n\x16\x03");
  CHECK(talk.conversation.state() == State::asking);
  CHECK(talk.client.empty());
  talk.conversation.opened();
  talk.take();
  CHECK(talk.conversation.state() == State::tunnel);
  CHECK(talk.client == "HTTP/1.1 200 Connection established\r\n\r\n");
  CHECK(taken(talk.conversation.from_client_behind()) == "\x16\x03");
}

TEST_CASE("after a refusal the next request is read where it begins", "[proxy][http]") {
  Talk talk;
  talk.from_client("POST / HTTP/1.1\r\nHost: evil\r\nContent-Length: 19\r\n\r\nGET / HTT");
  CHECK(talk.client.starts_with("HTTP/1.1 421 "));
  CHECK(talk.conversation.state() == State::skipping);
  talk.from_client("P/1.1 no\r\nGET http://one/ HTTP/1.1\r\nHost: one\r\n\r\n");
  CHECK(talk.service.starts_with("GET / HTTP/1.1\r\nHost: one\r\n"));

  Talk waits;  // nobody could tell whether the content comes
  waits.from_client("POST / HTTP/1.1\r\nHost: evil\r\nExpect: 100-continue\r\nContent-Length: 20\r\n\r\n");
  CHECK(waits.client.find("Connection: close") != std::string::npos);
  CHECK(waits.conversation.state() == State::closing);

  Talk endless;
  endless.from_client("POST / HTTP/1.1\r\nHost: evil\r\nContent-Length: 99999999\r\n\r\n");
  for (std::size_t sent = 0; sent <= HttpConversation::kSkippedMax && endless.conversation.state() == State::skipping; sent += 1000) endless.from_client(std::string(1000, 'x'));
  CHECK(endless.conversation.state() == State::closing);
}

TEST_CASE("octets that are no HTTP are refused, and the connection ends", "[proxy][http]") {
  for (const char* const said : {"\x05\x01\x00\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    Talk talk;
    talk.from_client(said);
    CHECK(talk.client.starts_with("HTTP/1.1 400 "));
    CHECK(talk.conversation.state() == State::closing);
  }
}

TEST_CASE("a client that says nothing is closed, one that does not end its head is told", "[proxy][http]") {
  Talk silent;
  silent.conversation.timed_out();
  CHECK(silent.conversation.state() == State::closing);
  CHECK(silent.client.empty());
  Talk slow;
  slow.from_client("GET / HTTP/1.1\r\n");
  slow.conversation.timed_out();
  slow.take();
  CHECK(slow.client.starts_with("HTTP/1.1 408 "));
}

TEST_CASE("a service that does not take a request stops its client", "[proxy][http]") {
  HttpConversation conversation;
  conversation.from_client(Slice::copy_of(as_bytes("POST http://one/ HTTP/1.1\r\nHost: one\r\nContent-Length: 99999999\r\n\r\n")));
  conversation.opened();
  std::size_t sent = 0;
  const std::string some(1000, 'x');
  while (conversation.wants_client() && sent < 10'000'000) {
    conversation.from_client(Slice::copy_of(as_bytes(some)));
    sent += some.size();
  }
  CHECK(sent < 3 * HttpConversation::kBacklog);
  taken(conversation.to_service());
  conversation.service_took();
  CHECK(conversation.wants_client());
}

}  // namespace van::proxy
