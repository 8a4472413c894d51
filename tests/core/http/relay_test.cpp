#include "core/http/relay.h"

#include <string>
#include <string_view>

#include "core/base/limits.h"
#include "tests/support/catch.h"

namespace van::http {
namespace {

constexpr std::size_t kRoom = 1 << 20;

std::string text_of(SliceQueue& queue) {
  const Bytes bytes = queue.peek(queue.bytes());
  queue.clear();
  return std::string{as_text(bytes)};
}

std::string_view name(Relay::Event event) {
  switch (event) {
    case Relay::Event::connect: return "connect";
    case Relay::Event::connect_again: return "connect_again";
    case Relay::Event::release: return "release";
    case Relay::Event::done: return "done";
    case Relay::Event::drop: return "drop";
    case Relay::Event::finish_server: return "finish_server";
    case Relay::Event::finish_client: return "finish_client";
    case Relay::Event::close_client: return "close_client";
    case Relay::Event::reset_client: return "reset_client";
  }
  return {};
}

/// A relay between a client and a server that are texts.
struct Between {
  explicit Between(RequestForwarding forwarding = {}) : relay{std::move(forwarding)} {}

  void go() {
    const std::size_t before = client.size() + server.size() + events.size();
    relay.advance({.client = &from_client, .client_ended = client_ended, .client_room = client_room, .server = connected ? &from_server : nullptr,
                   .server_ended = connected && server_ended, .server_room = server_room});
    take(relay.to_client(), client, client_room);
    take(relay.to_server(), server, server_room);
    while (const auto event = relay.poll_event()) {
      events += events.empty() ? "" : " ";
      events += name(*event);
      if (*event == Relay::Event::drop || *event == Relay::Event::done || *event == Relay::Event::release) connected = false;
    }
    if (client.size() + server.size() + events.size() != before) go();
  }
  void client_says(std::string_view words) { say(from_client, words); }
  void server_says(std::string_view words) { say(from_server, words); }
  void connect(bool reused = false) {
    from_server.clear();
    connected = true;
    server_ended = false;
    relay.attach(reused);
    go();
  }
  void client_ends() { client_ended = true, go(); }
  void server_ends() { server_ended = true, go(); }
  std::string took(std::string& what) { return std::exchange(what, {}); }

  Relay relay;
  SliceQueue from_client, from_server;
  bool client_ended = false, server_ended = false, connected = false;
  std::size_t client_room = kRoom, server_room = kRoom;
  std::size_t piece = std::string_view::npos;  ///< octets that come at a time
  std::string client, server, events;          ///< what each was sent, and what was asked for

 private:
  static void take(SliceQueue& from, std::string& to, std::size_t& room) {
    room -= std::min(room, from.bytes());
    to += text_of(from);
  }
  void say(SliceQueue& from, std::string_view words) {
    for (; !words.empty(); words.remove_prefix(std::min(piece, words.size()))) {
      from.push_copy(as_bytes(words.substr(0, piece)));
      go();
    }
  }
};

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

TEST_CASE("a client's requests go to a server each, and the answers come back in order", "[http][relay]") {
  Between between;
  between.piece = GENERATE(std::string_view::npos, std::size_t{1}, std::size_t{3});
  between.client_says(std::string{kGet} + "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nxy");
  CHECK(between.took(between.events) == "connect");
  between.connect();
  CHECK(between.took(between.server) == kGet);
  between.server_says(kHello);
  CHECK(between.took(between.events) == "release connect");
  CHECK(between.took(between.client) == kHello);
  between.connect(true);
  CHECK(between.took(between.server) == "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nxy");
  between.server_says("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n");
  CHECK(between.took(between.client) == "HTTP/1.1 204 No Content\r\n\r\n");
  CHECK(between.took(between.events) == "release");
  CHECK(between.relay.idle());
  between.client_ends();
  CHECK(between.events == "close_client");
}

TEST_CASE("what is for one connection stays there", "[http][relay]") {
  Between between{{.close_server = true}};
  between.client_says(
      "GET http://other:81?q HTTP/1.1\r\nHost: h\r\nConnection: X-Own, close\r\nX-Own: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: gzip, trailers\r\n"
      "Cookie: a\r\ncookie: b\r\n\r\n");
  between.connect();
  CHECK(between.server == "GET /?q HTTP/1.1\r\nHost: other:81\r\nCookie: a\r\ncookie: b\r\nTE: trailers\r\nConnection: TE, close\r\n\r\n");
  between.server_says("HTTP/1.1 200 OK\r\nConnection: X-Own\r\nX-Own: 1\r\nKeep-Alive: 5\r\nUpgrade: h2\r\nX-Two: 2\r\nContent-Length: 0\r\n\r\n");
  CHECK(between.client == "HTTP/1.1 200 OK\r\nX-Two: 2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  CHECK(between.events == "connect done close_client");
}

TEST_CASE("a request says where it came from as configured", "[http][relay]") {
  const auto sent = [](RequestForwarding how, std::string_view fields) {
    Between between{std::move(how)};
    between.client_says("GET / HTTP/1.1\r\nHost: h:1\r\n" + std::string{fields} + "\r\n");
    return between.server.substr(std::string_view{"GET / HTTP/1.1\r\nHost: h:1\r\n"}.size());
  };
  CHECK(sent({}, "X-Forwarded-For: 1.2.3.4\r\nVia: 1.1 x\r\n") == "X-Forwarded-For: 1.2.3.4\r\nVia: 1.1 x\r\n\r\n");
  CHECK(sent({.forwarded = Forwarded::x_forwarded, .client = "::1"}, "") ==
        "Via: 1.1 vanctl\r\nX-Forwarded-For: ::1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h:1\r\n\r\n");
  CHECK(sent({.forwarded = Forwarded::x_forwarded, .client = "1.1.1.1"},
             "x-forwarded-for: 2.2.2.2\r\nX-Forwarded-For: 3.3.3.3\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: www\r\nVia: 2 y\r\n") ==
        "X-Forwarded-Proto: https\r\nX-Forwarded-Host: www\r\nVia: 2 y, 1.1 vanctl\r\nX-Forwarded-For: 2.2.2.2, 3.3.3.3, 1.1.1.1\r\n\r\n");
  CHECK(sent({.forwarded = Forwarded::standard, .client = "::1"}, "Forwarded: for=x\r\n") ==
        "Via: 1.1 vanctl\r\nForwarded: for=x, for=\"[::1]\";proto=http;host=\"h:1\"\r\n\r\n");
  CHECK(sent({.forwarded = Forwarded::standard}, "") == "Via: 1.1 vanctl\r\nForwarded: for=unknown;proto=http;host=\"h:1\"\r\n\r\n");
}

TEST_CASE("chunks and trailers pass in both directions as they come", "[http][relay]") {
  Between between;
  between.piece = GENERATE(std::string_view::npos, std::size_t{1});
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  between.client_says(head + "3\r\nab");
  between.connect();
  CHECK(between.took(between.server) == head + "3\r\nab");
  between.server_says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
  CHECK(between.took(between.client) == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");  // before the request has ended
  between.client_says("c\r\n0\r\nX: y\r\n\r\n");
  CHECK(between.took(between.server) == "c\r\n0\r\nX: y\r\n\r\n");
  between.server_says("0\r\nSum: 1\r\n\r\n");
  CHECK(between.took(between.client) == "0\r\nSum: 1\r\n\r\n");
  CHECK(between.events == "connect release");
}

TEST_CASE("an answer that ends with its connection is chunked, and 1.0 gets no chunks", "[http][relay]") {
  Between between;
  SECTION("into chunks") {
    between.client_says(kGet);
    between.connect();
    between.server_says("HTTP/1.0 200 OK\r\n\r\nhello, this is me");
    between.server_ends();
    CHECK(between.client == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11\r\nhello, this is me\r\n0\r\n\r\n");
    CHECK(between.events == "connect done");
    CHECK(between.relay.idle());
  }
  SECTION("out of chunks") {
    between.client_says("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    between.connect();
    between.server_says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nab\r\n1\r\nc\r\n0\r\nX: y\r\n\r\n");
    CHECK(between.client == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc");
    CHECK(between.events == "connect release close_client");
  }
  SECTION("1.0 with a length") {
    between.client_says("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    between.connect();
    between.server_says(kHello);
    CHECK(between.client == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello");
    CHECK(between.relay.idle());
  }
}

TEST_CASE("HTTP/1.0 may leave Host out; the server is given one", "[http][relay]") {
  Between between{{.host = "greeting"}};
  between.client_says("GET / HTTP/1.0\r\n\r\n");
  CHECK(between.server == "GET / HTTP/1.1\r\nHost: greeting\r\n\r\n");
}

TEST_CASE("HEAD's answer has no content whatever its length says", "[http][relay]") {
  Between between;
  between.client_says("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" + std::string{kGet});
  between.connect();
  between.server_says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  CHECK(between.client == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  CHECK(between.events == "connect release connect");
}

TEST_CASE("100 Continue and other interim answers pass", "[http][relay]") {
  Between between;
  const std::string head = "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  between.client_says(head);
  between.connect();
  CHECK(between.took(between.server) == head);
  SECTION("the server agrees") {
    between.server_says("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
    CHECK(between.took(between.client) == "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
    between.client_says("ab");
    CHECK(between.server == "ab");
    between.server_says(kHello);
    CHECK(between.client == kHello);
    CHECK(between.events == "connect release");
  }
  SECTION("the server refuses: where the client's next request begins is not known") {
    between.server_says("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n");
    CHECK(between.client == "HTTP/1.1 413 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    CHECK(between.events == "connect drop close_client");
    between.client_says("abGET / HTTP/1.1\r\n\r\n");
    CHECK(between.from_client.empty());
    CHECK(between.server.empty());
  }
}

TEST_CASE("a protocol that both agree on is a tunnel, with two ends", "[http][relay]") {
  Between between;
  between.client_says("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\nearly");
  between.connect();
  CHECK(between.took(between.server) == "GET /ws HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Key: k\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  between.server_says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nframe");
  CHECK(between.took(between.client) == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nframe");
  CHECK(between.took(between.server) == "early");
  between.client_says("GET / HTTP/1.1\r\n\r\n");
  CHECK(between.took(between.server) == "GET / HTTP/1.1\r\n\r\n");
  between.client_ends();
  CHECK(between.took(between.events) == "connect finish_server");
  between.server_says("rest");
  CHECK(between.took(between.client) == "rest");
  between.server_ends();
  CHECK(between.events == "finish_client done close_client");
}

TEST_CASE("a server that declines an upgrade is answered for like any other", "[http][relay]") {
  Between between;
  between.client_says("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  between.connect();
  between.server_says(kHello);
  CHECK(between.client == kHello);
  CHECK(between.relay.idle());
}

TEST_CASE("nobody can switch protocols unasked, and h2c is not asked for", "[http][relay]") {
  Between between;
  between.client_says("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n");
  CHECK(between.server == "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  Between other;
  other.client_says(kGet);
  other.connect();
  other.server_says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n");
  CHECK(other.client.starts_with("HTTP/1.1 502 "));
}

TEST_CASE("who sends what is no request is told so and heard no more", "[http][relay]") {
  Between between;
  between.client_says("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(between.client.starts_with("HTTP/1.1 400 Bad Request\r\n"));
  CHECK(between.client.find("Connection: close\r\n") != std::string::npos);
  CHECK(between.events == "close_client");
  CHECK(between.server.empty());
}

TEST_CASE("a chunk that is none ends the request at the server, too", "[http][relay]") {
  Between between;
  between.client_says("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabX");
  between.connect();
  between.client_says("Y\r\n");
  CHECK(between.client.starts_with("HTTP/1.1 400 "));
  CHECK(between.events == "connect drop close_client");
}

TEST_CASE("a service does not CONNECT, and a request that may go no further is answered here", "[http][relay]") {
  Between between;
  SECTION("CONNECT") {
    between.client_says("CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(between.client.starts_with("HTTP/1.1 501 "));
  }
  SECTION("Max-Forwards") {
    between.client_says("OPTIONS / HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n");
    CHECK(between.client.starts_with("HTTP/1.1 200 "));
    CHECK(between.relay.idle());
    between.client_says("OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 2\r\n\r\n");
    CHECK(between.server == "OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 1\r\n\r\n");
  }
}

TEST_CASE("a server that fails before it answers is a 502, and the client goes on", "[http][relay]") {
  Between between;
  between.client_says(kGet);
  SECTION("without a connection") {
    between.relay.fail(503, "nobody provides it");
    between.go();
    CHECK(between.client.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    CHECK(between.client.ends_with("\r\n\r\n503 Service Unavailable: nobody provides it\n"));
  }
  SECTION("it ends") {
    between.connect();
    between.server_ends();
    CHECK(between.client.starts_with("HTTP/1.1 502 Bad Gateway\r\n"));
  }
  SECTION("it speaks something else") {
    between.connect();
    between.server_says("SSH-2.0-x\r\n");
    CHECK(between.client.starts_with("HTTP/1.1 502 "));
  }
  CHECK(between.relay.idle());
  CHECK(between.events == "connect drop");
}

TEST_CASE("an answer that breaks off breaks the client's connection", "[http][relay]") {
  Between between;
  between.client_says(kGet);
  between.connect();
  between.server_says(kHello.substr(0, kHello.size() - 1));
  between.server_ends();
  CHECK(between.client == kHello.substr(0, kHello.size() - 1));
  CHECK(between.events == "connect drop reset_client");
}

TEST_CASE("what follows an answer on the server's connection belongs to nobody", "[http][relay]") {
  Between between;
  between.client_says(std::string{kGet} + std::string{kGet});
  between.connect();
  between.server_says(std::string{kHello} + std::string{kHello});
  CHECK(between.client == kHello);
  CHECK(between.events == "connect done connect");
}

TEST_CASE("a request is sent again only when that can do no harm", "[http][relay]") {
  Between between;
  SECTION("an idempotent one on a connection that was used before") {
    between.client_says(kGet);
    between.connect(true);
    CHECK(between.took(between.server) == kGet);
    between.server_ends();
    CHECK(between.took(between.events) == "connect drop connect_again");
    between.connect(false);
    CHECK(between.server == kGet);
    between.server_says(kHello);
    CHECK(between.client == kHello);
  }
  SECTION("once") {
    between.client_says(kGet);
    between.connect(true);
    between.server_ends();
    between.connect(false);
    between.server_ends();
    CHECK(between.client.starts_with("HTTP/1.1 502 "));
  }
  SECTION("with its content, of which the rest comes later") {
    const std::string head = "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n";
    between.client_says(head + "ab");
    between.connect(true);
    between.server.clear();
    between.server_ends();
    between.connect(false);
    between.client_says("cd");
    CHECK(between.server == head + "abcd");
  }
  SECTION("not one that does something each time") {
    between.client_says("POST / HTTP/1.1\r\nHost: h\r\n\r\n");
    between.connect(true);
    between.server_ends();
    CHECK(between.client.starts_with("HTTP/1.1 502 "));
  }
  SECTION("not when an answer has begun") {
    between.client_says(kGet);
    between.connect(true);
    between.server_says("HTTP");
    between.server_ends();
    CHECK(between.client.starts_with("HTTP/1.1 502 "));
  }
  SECTION("not when it is too long to be kept") {
    // A request's size with its head is what counts.
    const std::string head = "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 16000\r\nX: " + std::string(limits::kHttpRepeatBytes - 16000, 'h');
    const std::string rest = "\r\n\r\n" + std::string(16000, 'x');
    const std::size_t over = head.size() + rest.size() - limits::kHttpRepeatBytes;
    for (const std::size_t less : {over, over - 1}) {
      Between one;
      one.client_says(head.substr(0, head.size() - less) + rest);
      one.connect(true);
      one.server_ends();
      CHECK(one.took(one.events) == (less == over ? "connect drop connect_again" : "connect drop"));
    }
  }
}

TEST_CASE("no more is taken than there is room for", "[http][relay]") {
  Between between;
  between.server_room = 100;
  between.client_says("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x'));
  CHECK(between.server.size() <= 100 + 16);
  CHECK(between.from_client.bytes() > 900);
  between.connect();
  between.server_room = kRoom;
  between.go();
  CHECK(between.from_client.empty());

  between.client_room = 100;
  between.server_says("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'y'));
  CHECK(between.client.size() <= 100);
  CHECK(between.from_server.bytes() >= 900);
  between.go();
  const std::size_t held = between.from_server.bytes();
  between.go();
  CHECK(between.from_server.bytes() == held);
  between.client_room = kRoom;
  between.go();
  CHECK(between.relay.idle());
}

TEST_CASE("an answer may end before its request", "[http][relay]") {
  Between between;
  between.client_says("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nab");
  between.connect();
  between.server_says(kHello);
  CHECK(between.client == kHello);
  CHECK(between.events == "connect");
  SECTION("which goes on") {
    between.client_says("cdefghij");
    CHECK(between.server.ends_with("\r\n\r\nabcdefghij"));
    CHECK(between.events == "connect release");
  }
  SECTION("which the server does not want") {
    between.server_ends();
    CHECK(between.events == "connect drop close_client");
  }
  SECTION("which breaks off at the server") {
    between.relay.fail(502, "broken");
    between.go();
    CHECK(between.events == "connect drop close_client");
  }
  CHECK(between.client == kHello);
}

TEST_CASE("a client that goes away in the middle of its request takes it along", "[http][relay]") {
  Between between;
  SECTION("in the head") {
    between.client_says("GET / HT");
    between.client_ends();
    CHECK(between.events == "close_client");
  }
  SECTION("in the content") {
    between.client_says("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nab");
    between.connect();
    between.client_ends();
    CHECK(between.events == "connect drop close_client");
  }
  CHECK(between.client.empty());
}

TEST_CASE("a client that has said all is still answered", "[http][relay]") {
  Between between;
  between.client_says(std::string{kGet} + std::string{kGet});
  between.client_ends();
  between.connect();
  between.server_says(kHello);
  between.connect();
  between.server_says(kHello);
  CHECK(between.client == std::string{kHello} + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
  CHECK(between.events == "connect release connect release close_client");
}

TEST_CASE("a head that takes too long is a 408", "[http][relay]") {
  Between between;
  between.client_says("GET / HT");
  CHECK(between.relay.reading_head());
  between.relay.time_out();
  between.go();
  CHECK(between.client.starts_with("HTTP/1.1 408 "));
  CHECK(between.events == "close_client");
}

}  // namespace
}  // namespace van::http
