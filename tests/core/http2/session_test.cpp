#include "core/http2/session.h"

#include <map>

#include "core/base/limits.h"
#include "tests/core/http2/frames.h"
#include "tests/support/catch.h"

namespace van::http2 {
using namespace test;

namespace {

constexpr std::uint32_t kWindow = 100'000;

/// What one end heard of a stream, in short: heads as their lines, data as its text.
struct Heard {
  std::vector<std::pair<Head, Headers>> heads;
  std::string data;
  std::size_t sent = 0;
  bool end = false, too_large = false;
  std::optional<ErrorCode> closed;
};

struct End {
  Session session;
  std::map<std::uint32_t, Heard> heard{};
  StreamNo last{};

  explicit End(Session::Side side) : session{{side, kWindow}} {}
  Heard& of(StreamNo stream) {
    last = stream;
    return heard[stream.value];
  }
  void note(HeadReceived& head) {
    Heard& to = of(head.stream);
    to.heads.emplace_back(head.kind, std::move(head.headers));
    to.end |= head.end;
    to.too_large |= head.too_large;
  }
  void note(DataReceived& data) { of(data.stream).data += as_text(data.octets.view()); }
  void note(const EndReceived& end) { of(end.stream).end = true; }
  void note(const DataSent& sent) { of(sent.stream).sent += sent.octets; }
  void note(const StreamClosed& closed) { of(closed.stream).closed = closed.code; }
  void note(const PeerChanged&) {}
  void poll() {
    while (auto event = session.poll_event()) std::visit([this](auto& value) { note(value); }, *event);
  }
};

/// A client and a server with a wire that cuts what it carries into pieces.
struct Pair {
  End client{Session::Side::client}, server{Session::Side::server};
  std::size_t piece;

  explicit Pair(std::size_t piece_bytes = 1u << 20) : piece{piece_bytes} {}
  bool carry(End& from, End& to) {
    const std::string output = output_of(from.session);
    for (std::size_t at = 0; at < output.size(); at += piece) receive(to.session, std::string_view{output}.substr(at, piece));
    from.poll();
    to.poll();
    return !output.empty();
  }
  void settle() {
    for (bool moved = true; moved;) {
      moved = carry(client, server);
      moved |= carry(server, client);
    }
  }
};

Slice text(std::string_view words) { return Slice::copy_of(as_bytes(words)); }

std::string opening(std::string_view more = {}) { return std::string{kPreface} + frame(settings, 0, 0) + std::string{more}; }
std::string get(std::uint32_t stream, const Headers& lines = kGet, std::uint8_t flags = kEnd | kEndHeaders) { return frame(headers, flags, stream, literals(lines)); }
Headers with(Header line) {
  Headers lines = kGet;
  lines.push_back(std::move(line));
  return lines;
}

}  // namespace

TEST_CASE("heads, data, trailers and interim responses arrive as they were sent, however the octets are cut", "[http2]") {
  Pair pair{GENERATE(std::size_t{1}, std::size_t{7}, std::size_t{1000}, std::size_t{1} << 20)};
  const Headers request{{":method", "POST"}, {":scheme", "http"}, {":authority", "mill:80"}, {":path", "/grind?fine"}, {"te", "trailers"},
                        {"cookie", "a=1", true}, {"cookie", "b=2", true}, {"authorization", "secret", true}};
  const Headers response{{":status", "200"}, {"content-type", "application/grpc"}}, trailers{{"grpc-status", "0"}};
  const auto stream = pair.client.session.request(request, false);
  REQUIRE(stream);
  pair.client.session.send(*stream, text("grain"));
  pair.client.session.finish(*stream, {{"x-sum", "5"}});
  pair.settle();
  Heard& asked = pair.server.heard[stream->value];
  REQUIRE(asked.heads.size() == 2);
  CHECK(asked.heads[0] == std::pair{Head::request, request});
  CHECK(asked.heads[1] == std::pair{Head::trailers, Headers{{"x-sum", "5"}}});
  CHECK((asked.data == "grain" && asked.end && !asked.closed));

  pair.server.session.interim(*stream, {{":status", "103"}, {"link", "</style.css>"}});
  pair.server.session.respond(*stream, response, false);
  pair.settle();
  const std::string flour(250'000, 'f');
  pair.server.session.send(*stream, text(flour));
  pair.server.session.finish(*stream, trailers);
  Heard& answer = pair.client.heard[stream->value];
  for (std::size_t taken = 0; !answer.closed; taken = answer.data.size()) {
    pair.settle();
    pair.client.session.taken(*stream, answer.data.size() - taken);
  }
  REQUIRE(answer.heads.size() == 3);
  CHECK(answer.heads[0] == std::pair{Head::interim, Headers{{":status", "103"}, {"link", "</style.css>"}}});
  CHECK(answer.heads[1] == std::pair{Head::response, response});
  CHECK(answer.heads[2] == std::pair{Head::trailers, trailers});
  CHECK((answer.data == flour));
  CHECK(asked.sent == flour.size());
  CHECK(answer.closed == ErrorCode::no_error);
  CHECK(asked.closed == ErrorCode::no_error);
  CHECK(pair.client.session.streams() + pair.server.session.streams() == 0);
}

TEST_CASE("a stream's window opens by what was taken, and holds up no other stream", "[http2]") {
  Pair pair;
  const auto slow = *pair.client.session.request({{":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}}, false);
  pair.settle();
  pair.client.session.send(slow, text(std::string(3 * kWindow, 's')));
  pair.settle();
  CHECK(pair.server.heard[slow.value].data.size() == kWindow);
  CHECK(pair.client.heard[slow.value].sent == kWindow);

  const auto fast = *pair.client.session.request({{":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}}, false);
  pair.client.session.send(fast, text(std::string(kWindow, 'f')));
  pair.settle();
  CHECK(pair.server.heard[fast.value].data.size() == kWindow);

  pair.server.session.taken(slow, kWindow / 2);
  pair.settle();
  CHECK(pair.server.heard[slow.value].data.size() == kWindow + kWindow / 2);
}

TEST_CASE("output is given out as asked for", "[http2]") {
  Pair pair;
  const auto stream = *pair.client.session.request({{":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}}, false);
  pair.settle();
  pair.client.session.send(stream, text(std::string(kWindow, 'x')));
  const std::size_t first = output_of(pair.client.session, 20'000).size();
  CHECK((first >= 20'000 && first <= 20'000 + 16'384 + 9));
  CHECK(pair.client.session.wants_output());
}

TEST_CASE("a small request is whole within the first octets of a stream", "[http2]") {
  Session client{{Session::Side::client, limits::kHttp2FarWindow}};
  const auto stream = *client.request({{":method", "POST"}, {":scheme", "http"}, {":path", "/test.Octets/Unary"}, {":authority", "mill"}}, false);
  client.send(stream, text("hello"));
  client.finish(stream);
  const auto sent = frames_of(output_of(client));
  std::vector<int> types;
  for (const Frame& each : sent) types.push_back(each.type);
  CHECK(types == std::vector<int>{settings, window_update, headers, data});
  CHECK(sent.back().payload == "hello");
  CHECK(sent.back().flags == kEnd);
}

TEST_CASE("a reset ends its stream with its code on both sides", "[http2]") {
  Pair pair;
  const auto one = *pair.client.session.request(kGet, true);
  const auto two = *pair.client.session.request(kGet, true);
  pair.settle();
  pair.client.session.reset(one, ErrorCode::cancel);
  pair.server.session.reset(two, static_cast<ErrorCode>(4711));
  pair.settle();
  CHECK(pair.server.heard[one.value].closed == ErrorCode::cancel);
  CHECK(pair.client.heard[two.value].closed == static_cast<ErrorCode>(4711));
  CHECK_FALSE(pair.client.session.over());
}

TEST_CASE("a response that wants no more of the request is whole before the reset", "[http2]") {
  Pair pair;
  const auto stream = *pair.client.session.request({{":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}}, false);
  pair.settle();
  pair.server.session.respond(stream, {{":status", "413"}}, false);
  pair.server.session.want_no_more(stream);
  pair.server.session.send(stream, text("too much"));
  pair.server.session.finish(stream);
  pair.settle();
  const Heard& answer = pair.client.heard[stream.value];
  CHECK((answer.data == "too much" && answer.end));
  CHECK(answer.closed == ErrorCode::no_error);
}

TEST_CASE("after a GOAWAY what it leaves out was refused, and the rest finishes", "[http2]") {
  Session client{{Session::Side::client, kWindow}};
  const auto one = *client.request(kGet, true), two = *client.request(kGet, true);
  static_cast<void>(output_of(client));
  receive(client, frame(settings, 0, 0) + frame(goaway, 0, 0, u32(one.value) + u32(0)));
  CHECK_FALSE(client.can_open());
  CHECK_FALSE(client.over());
  std::optional<StreamClosed> refused;
  for (const Event& event : events_of(client))
    if (const auto* closed = std::get_if<StreamClosed>(&event)) refused = *closed;
  REQUIRE(refused);
  CHECK((refused->stream == two && refused->code == ErrorCode::refused_stream));
  receive(client, frame(headers, kEnd | kEndHeaders, one.value, literals({{":status", "200"}})));
  static_cast<void>(output_of(client));
  CHECK(client.over());
  CHECK(client.trouble().empty());
}

TEST_CASE("who goes away lets what runs finish", "[http2]") {
  Pair pair;
  const auto stream = *pair.client.session.request(kGet, true);
  pair.settle();
  pair.server.session.go_away();
  pair.settle();
  CHECK_FALSE(pair.client.session.can_open());
  CHECK_FALSE(pair.server.session.over());
  pair.server.session.respond(stream, {{":status", "204"}}, true);
  pair.settle();
  CHECK(pair.client.heard[stream.value].closed == ErrorCode::no_error);
  CHECK(pair.server.session.over());
  CHECK(pair.client.session.over());
}

TEST_CASE("what breaks a rule of the connection ends it with that rule's code", "[http2]") {
  struct Row {
    std::string_view what;
    std::string bytes;
    std::uint32_t code;  // RFC 9113 §7
  };
  const std::vector<Row> rows{
      {"DATA on stream 0 (§6.1)", frame(data, 0, 0, "x"), 1},
      {"DATA on an idle stream (§5.1)", frame(data, 0, 1, "x"), 1},
      {"DATA whose padding is too long (§6.1)", get(1, kGet, kEndHeaders) + frame(data, 8, 1, std::string("\x05xx")), 1},
      {"a frame above the size announced (§4.2)", get(1, kGet, kEndHeaders) + frame(data, 0, 1, std::string(16'385, 'x')), 6},
      {"HEADERS on stream 0 (§6.2)", get(0), 1},
      {"HEADERS on an even stream (§5.1.1)", get(2), 1},
      {"HEADERS on a stream whose client has ended it (§5.1)", get(1) + get(1), 5},
      {"HEADERS cut short by another frame (§6.2)", get(1, kGet, kEnd) + frame(ping, 0, 0, std::string(8, 'p')), 1},
      {"no header compression (§4.3)", frame(headers, kEnd | kEndHeaders, 1, "\x80"), 9},
      {"PRIORITY on stream 0 (§6.3)", frame(priority, 0, 0, std::string(5, '\0')), 1},
      {"RST_STREAM on an idle stream (§6.4)", frame(rst_stream, 0, 1, u32(8)), 1},
      {"RST_STREAM of another size (§6.4)", get(1, kGet, kEndHeaders) + frame(rst_stream, 0, 1, "xxx"), 6},
      {"SETTINGS on a stream (§6.5)", frame(settings, 0, 1), 1},
      {"SETTINGS of another size (§6.5)", frame(settings, 0, 0, "xxx"), 6},
      {"an acknowledgement with content (§6.5)", frame(settings, kAck, 0, std::string(6, '\0')), 6},
      {"ENABLE_PUSH of 2 (§6.5.2)", frame(settings, 0, 0, std::string("\0\2\0\0\0\2", 6)), 1},
      {"INITIAL_WINDOW_SIZE of 2^31 (§6.5.2)", frame(settings, 0, 0, std::string("\0\4\x80\0\0\0", 6)), 3},
      {"MAX_FRAME_SIZE of 1 (§6.5.2)", frame(settings, 0, 0, std::string("\0\5\0\0\0\1", 6)), 1},
      {"PUSH_PROMISE by a client (§8.4)", get(1, kGet, kEndHeaders) + frame(push_promise, kEndHeaders, 1, u32(2)), 1},
      {"PING on a stream (§6.7)", frame(ping, 0, 1, std::string(8, 'p')), 1},
      {"PING of another size (§6.7)", frame(ping, 0, 0, "ppp"), 6},
      {"GOAWAY on a stream (§6.8)", frame(goaway, 0, 1, std::string(8, '\0')), 1},
      {"WINDOW_UPDATE by 0 (§6.9)", frame(window_update, 0, 0, u32(0)), 1},
      {"WINDOW_UPDATE of another size (§6.9)", frame(window_update, 0, 0, "xxx"), 6},
      {"a connection's window above 2^31-1 (§6.9.1)", frame(window_update, 0, 0, u32(0x7fffffff)), 3},
      {"CONTINUATION of nothing (§6.10)", frame(continuation, kEndHeaders, 1, literals(kGet)), 1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Session server{{Session::Side::server, kWindow}};
    receive(server, opening(row.bytes));
    CHECK(goaway_in(frames_of(output_of(server))) == row.code);
    CHECK(server.over());
  }
}

TEST_CASE("what breaks a rule of a stream ends that stream, and no other", "[http2]") {
  struct Row {
    std::string_view what;
    std::string bytes;
    std::uint32_t code;
  };
  const std::vector<Row> rows{
      {"an upper-case name (§8.2.1)", get(1, with({"X-Y", "z"})), 1},
      {"a line of the connection (§8.2.2)", get(1, with({"connection", "close"})), 1},
      {"transfer-encoding (§8.2.2)", get(1, with({"transfer-encoding", "chunked"})), 1},
      {"TE of something else (§8.2.2)", get(1, with({"te", "gzip"})), 1},
      {"a line break in a value (§8.2.1)", get(1, with({"x", "a\r\nb: c"})), 1},
      {"an unknown pseudo-header (§8.3)", get(1, with({":weather", "fine"})), 1},
      {"a pseudo-header of responses (§8.3)", get(1, with({":status", "200"})), 1},
      {"a pseudo-header behind others (§8.3)", get(1, {{":method", "GET"}, {":scheme", "http"}, {"x", "y"}, {":path", "/"}}), 1},
      {"no path (§8.3.1)", get(1, {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}}), 1},
      {"an empty path (§8.3.1)", get(1, {{":method", "GET"}, {":scheme", "http"}, {":path", ""}, {":authority", "a"}}), 1},
      {"two methods (§8.3)", get(1, with({":method", "PUT"})), 1},
      {"extended CONNECT, which is not announced (RFC 8441)", get(1, {{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}}), 1},
      {"less content than announced (§8.1.1)", get(1, with({"content-length", "2"}), kEndHeaders) + frame(data, kEnd, 1, "x"), 1},
      {"more content than announced (§8.1.1)", get(1, with({"content-length", "1"}), kEndHeaders) + frame(data, 0, 1, "xx"), 1},
      {"trailers with pseudo-headers (§8.1)", get(1, kGet, kEndHeaders) + get(1, {{":path", "/"}}), 1},
      {"trailers that do not end (§8.1)", get(1, kGet, kEndHeaders) + get(1, {{"x", "y"}}, kEndHeaders), 1},
      {"a stream's window above 2^31-1 (§6.9.1)", get(1, kGet, kEndHeaders) + frame(window_update, 0, 1, u32(0x7fffffff)), 3},
      {"a stream's WINDOW_UPDATE by 0 (§6.9)", get(1, kGet, kEndHeaders) + frame(window_update, 0, 1, u32(0)), 1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Session server{{Session::Side::server, kWindow}};
    receive(server, opening(row.bytes));
    const auto answered = frames_of(output_of(server));
    // nghttp2 takes some of them for a fault of the connection, as RFC 9113 §5.4.2 lets it.
    const auto goaway = goaway_in(answered);
    CHECK((goaway ? goaway : reset_in(answered, 1)) == row.code);
    if (goaway) continue;
    static_cast<void>(events_of(server));
    receive(server, get(3));
    const auto next = events_of(server);
    REQUIRE(next.size() == 1);
    CHECK(std::get<HeadReceived>(next[0]).stream == StreamNo{3});
  }
}

TEST_CASE("data after the end of a stream is refused with STREAM_CLOSED", "[http2]") {
  Session server{{Session::Side::server, kWindow}};
  receive(server, opening(get(1) + frame(data, 0, 1, "x")));
  const auto answered = frames_of(output_of(server));
  CHECK((goaway_in(answered) == 5u || reset_in(answered, 1) == 5u));
}

TEST_CASE("what comes above a stream's window is a fault", "[http2]") {
  Session server{{Session::Side::server, 100}};
  receive(server, opening(get(1, kGet, kEndHeaders)));
  static_cast<void>(output_of(server));
  receive(server, frame(settings, kAck, 0) + frame(data, 0, 1, std::string(101, 'x')));
  const auto answered = frames_of(output_of(server));
  CHECK((goaway_in(answered) == 3u || reset_in(answered, 1) == 3u));
}

TEST_CASE("HTTP/1 is answered in HTTP/1, other noise too", "[http2]") {
  for (const std::string_view words : {"GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.1\r\n", "\x16\x03\x01"}) {
    Session server{{Session::Side::server, kWindow}};
    CHECK_FALSE(server.wants_output());
    receive(server, words.substr(0, 1));
    receive(server, words.substr(1));
    CHECK(output_of(server).starts_with("HTTP/1.1 505 "));
    CHECK(server.over());
    CHECK_FALSE(server.trouble().empty());
  }
}

TEST_CASE("a server that speaks no HTTP/2 is found out", "[http2]") {
  Session client{{Session::Side::client, kWindow}};
  REQUIRE(client.request(kGet, true));
  receive(client, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  CHECK(goaway_in(frames_of(output_of(client))).has_value());
  CHECK(client.over());
}

TEST_CASE("a header list above the limit is told, and its excess is not kept", "[http2][limits]") {
  Pair pair;
  Headers lines = kGet;
  for (int i = 0; i < 60; ++i) lines.push_back({"x-" + std::to_string(i), std::string(1000, 'y')});
  const auto large = *pair.client.session.request(lines, true);
  const auto small = *pair.client.session.request(kGet, true);
  pair.settle();
  CHECK(pair.server.heard[large.value].too_large);
  CHECK_FALSE(pair.server.heard[small.value].too_large);
  std::size_t kept = 0;
  for (const Header& line : pair.server.heard[large.value].heads.at(0).second) kept += line.name.size() + line.value.size() + 32;
  CHECK(kept <= limits::kHttp2HeaderListBytes);
}

TEST_CASE("a header list that unpacks without end closes the connection", "[http2][limits]") {
  Session server{{Session::Side::server, kWindow}};
  // One line of 4000 octets into the table (RFC 7541 §6.2.1), then one octet for each use of it.
  std::string block = "\x40\x01x\x7f" + std::string("\xa1\x1e") + std::string(4000, 'y');
  block.append(1000, '\xbe');
  receive(server, opening(frame(headers, kEnd | kEndHeaders, 1, block)));
  CHECK(goaway_in(frames_of(output_of(server))) == 11u);
  CHECK(server.over());
  for (const Event& event : events_of(server)) CHECK_FALSE(std::holds_alternative<HeadReceived>(event));
}

TEST_CASE("more streams than announced are not opened", "[http2][limits]") {
  Session server{{Session::Side::server, kWindow}};
  receive(server, opening());
  static_cast<void>(output_of(server));
  std::string bytes = frame(settings, kAck, 0);
  for (std::uint32_t i = 0; i < limits::kHttp2Streams + 5; ++i) bytes += get(2 * i + 1, kGet, kEndHeaders);
  receive(server, bytes);
  CHECK(server.streams() <= limits::kHttp2Streams + 1);
  std::size_t heads = 0;
  for (const Event& event : events_of(server))
    if (std::holds_alternative<HeadReceived>(event)) ++heads;
  CHECK(heads == limits::kHttp2Streams);

  Pair pair;
  std::size_t opened = 1;
  REQUIRE(pair.client.session.can_open());
  REQUIRE(pair.client.session.request(kGet, true));
  CHECK_FALSE(pair.client.session.can_open());  // before the server has told what it takes
  pair.settle();
  while (pair.client.session.can_open()) {
    REQUIRE(pair.client.session.request(kGet, true));
    ++opened;
  }
  CHECK(opened == limits::kHttp2Streams);
}

TEST_CASE("streams that are opened and reset again and again end the connection", "[http2][limits]") {
  const std::string_view kind = GENERATE("reset by the client", "reset because of the client");
  Session server{{Session::Side::server, kWindow}};
  receive(server, opening());
  std::uint32_t rounds = 0;
  std::vector<Frame> answered;
  for (; rounds < 10'000 && !server.over(); ++rounds) {
    const std::uint32_t stream = 2 * rounds + 1;
    receive(server, get(stream, with({"content-length", "1"}), kEndHeaders) + (kind == "reset by the client" ? frame(rst_stream, 0, stream, u32(8)) : frame(data, 0, stream, "xx")));
    for (Frame& each : frames_of(output_of(server))) answered.push_back(std::move(each));
    static_cast<void>(events_of(server));
  }
  CAPTURE(kind);
  CHECK(goaway_in(answered) == 11u);
  CHECK(rounds <= static_cast<std::uint32_t>(limits::kHttp2Resets) + 2);
  CHECK(rounds > 100);

  SECTION("but not when they come one by one") {
    Session patient{{Session::Side::server, kWindow}};
    receive(patient, opening());
    TimePoint now{};
    for (std::uint32_t i = 0; i < 900; ++i, now += std::chrono::milliseconds{40}) {
      receive(patient, get(2 * i + 1, kGet, kEndHeaders) + frame(rst_stream, 0, 2 * i + 1, u32(8)), now);
      static_cast<void>(output_of(patient));
      static_cast<void>(events_of(patient));
    }
    CHECK_FALSE(patient.over());
  }
}

TEST_CASE("frames that carry nothing end the connection when they come too fast", "[http2][limits]") {
  const std::string one = GENERATE(frame(ping, 0, 0, std::string(8, 'p')), frame(settings, 0, 0), frame(priority, 0, 3, std::string(5, '\0')), frame(data, 0, 1));
  Session server{{Session::Side::server, kWindow}};
  receive(server, opening(get(1, kGet, kEndHeaders)));
  std::vector<Frame> answered;
  int rounds = 0;
  for (; rounds < 20'000 && !server.over(); ++rounds) {
    receive(server, one);
    for (Frame& each : frames_of(output_of(server))) answered.push_back(std::move(each));
    static_cast<void>(events_of(server));
  }
  CHECK(goaway_in(answered) == 11u);
  CHECK(rounds <= static_cast<int>(limits::kHttp2IdleFrames) + 1);
}

TEST_CASE("who asks and does not read the answers is not answered without end", "[http2][limits]") {
  Session server{{Session::Side::server, kWindow}};
  receive(server, opening());
  for (int i = 0; i < 4000; ++i) receive(server, frame(ping, 0, 0, std::string(8, 'p')));
  const std::string output = output_of(server);
  CHECK(output.size() < 64 * 1024);
  CHECK(goaway_in(frames_of(output)) == 11u);
  CHECK(server.over());
}

}  // namespace van::http2
