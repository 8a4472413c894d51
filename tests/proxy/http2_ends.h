#pragma once

#include <map>
#include <set>

#include "core/base/limits.h"
#include "proxy/http2_connection.h"
#include "proxy/http2_exposure.h"
#include "proxy/http2_stand_in.h"
#include "tests/proxy/tunnel.h"

namespace van::proxy::test {

/// One stream at a local end, with what it heard.
struct H2Stream final : Http2Connection::StreamHandler {
  void on_head(http2::HeadReceived& head) override {
    heads.push_back(head.headers);
    end |= head.end;
  }
  void on_data(Slice octets) override {
    data += as_text(octets.view());
    if (takes && connection != nullptr) connection->taken(no, octets.size());
  }
  void on_end() override { end = true; }
  void on_sent(std::size_t octets) override { sent += octets; }
  void on_closed(const Http2Connection::StreamEnd& how) override {
    closed = how;
    connection = nullptr;
  }
  [[nodiscard]] std::string status() const { return heads.empty() ? "" : std::string{value_of(heads.front(), ":status")}; }

  Http2Connection* connection = nullptr;
  http2::StreamNo no;
  std::vector<http2::Headers> heads;
  std::string data;
  std::size_t sent = 0;
  bool end = false;
  bool takes = true;  ///< what came, at once
  std::optional<Http2Connection::StreamEnd> closed;
};

/// A local client's or server's connection. A server keeps what it is asked in `asked`.
struct H2End final : Http2Connection::Owner {
  H2End(io::Loop& loop, std::unique_ptr<io::Stream> socket, http2::Session::Side side)
      : connection{std::make_unique<Http2Connection>(loop, std::make_unique<SocketLink>(std::move(socket)), http2::Session::Config{side, 256 * 1024}, *this)} {}

  void request_came(Http2Connection&, http2::HeadReceived& head) override {
    H2Stream& stream = add();
    stream.no = head.stream;
    stream.on_head(head);
    connection->attach(head.stream, stream);
    if (on_request) on_request(stream);
  }
  void connection_over(Http2Connection&) override { over = true; }

  H2Stream& ask(http2::Headers more = {}, bool end = true) {
    http2::Headers lines{{":method", "POST"}, {":scheme", "http"}, {":path", "/grind"}, {":authority", "mill:80"}};
    lines.insert(lines.end(), more.begin(), more.end());
    H2Stream& stream = add();
    stream.no = connection->request(lines, end, stream).value();
    return stream;
  }

  std::unique_ptr<Http2Connection> connection;
  std::vector<std::unique_ptr<H2Stream>> asked;
  std::function<void(H2Stream&)> on_request;
  bool over = false;

 private:
  H2Stream& add() {
    asked.push_back(std::make_unique<H2Stream>());
    asked.back()->connection = connection.get();
    return *asked.back();
  }
};

/// A local HTTP/2 server that answers what on_request says.
class H2Server {
 public:
  explicit H2Server(io::Loop& loop, std::uint16_t port = 0) : loop_{loop} { listen(port); }
  void listen(std::uint16_t port) {
    listener_ = std::move(io::TcpListener::listen(loop_, "127.0.0.1", port, [this](std::unique_ptr<io::Stream> socket) {
                  connections.push_back(std::make_unique<H2End>(loop_, std::move(socket), http2::Session::Side::server));
                  connections.back()->on_request = [this](H2Stream& stream) {
                    requests.push_back(&stream);
                    if (on_request) on_request(stream);
                  };
                })).value();
    port_ = listener_->port();
  }
  void stop() {
    listener_.reset();
    requests.clear();
    connections.clear();
  }
  [[nodiscard]] Endpoint endpoint() const { return {.host = "127.0.0.1", .port = port_, .path = {}}; }

  std::vector<std::unique_ptr<H2End>> connections;
  std::vector<H2Stream*> requests;
  std::function<void(H2Stream&)> on_request;

 private:
  io::Loop& loop_;
  std::unique_ptr<io::TcpListener> listener_;
  std::uint16_t port_ = 0;
};

/// A server beside a site is put into the network, and a laptop on that site has an HTTP/2 stand-in for it.
struct H2Tunnel {
  spdlog::logger log{"proxy"};  // without sinks
  link::test::Pair pair;
  H2Server server{pair.loop};
  std::unique_ptr<Exposure> exposure;
  std::unique_ptr<StandIn> stand_in;

  explicit H2Tunnel(Protocol exposed = Protocol::http2) {
    exposure = expose(server, exposed);
    stand_in = std::move(open_stand_in({*pair.laptop, pair.loop, log}, {.address = "mill", .local = {.host = "127.0.0.1", .port = 0, .path = {}}, .protocol = Protocol::http2})).value();
    REQUIRE(run([this] { return stand_in->reachable(); }));
  }
  std::unique_ptr<Exposure> expose(const H2Server& at, Protocol protocol = Protocol::http2, std::uint32_t cost = 0) {
    return make_exposure({*pair.mill, pair.loop, log}, {.address = "mill", .target = at.endpoint(), .protocol = protocol, .cost = cost});
  }
  std::unique_ptr<H2End> connect() {
    std::unique_ptr<io::Stream> socket;
    const io::Dialer dialer{pair.loop, io::HostPort{"127.0.0.1", stand_in->local().port}, [&socket](io::Result<std::unique_ptr<io::Stream>> result) { socket = std::move(result).value(); }};
    REQUIRE(run([&socket] { return socket != nullptr; }));
    return std::make_unique<H2End>(pair.loop, std::move(socket), http2::Session::Side::client);
  }
  bool run(const std::function<bool()>& done) { return run_until(pair.loop, done); }
  /// The server has the request of a client's stream.
  H2Stream& await_request(std::size_t number = 1) {
    REQUIRE(run([this, number] { return server.requests.size() >= number; }));
    return *server.requests[number - 1];
  }
  bool run_until_idle() {
    return run([this] { return exposure->counters().in_flight + stand_in->counters().in_flight == 0; });
  }
};

inline void answer(H2Stream& stream, std::string_view words = "flour", const http2::Headers& trailers = {}) {
  stream.connection->respond(stream.no, {{":status", "200"}}, false);
  stream.connection->send(stream.no, text(words));
  stream.connection->finish(stream.no, trailers);
}

}  // namespace van::proxy::test
