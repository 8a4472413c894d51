#include "proxy/tls_stream.h"

#include "tests/proxy/tls_ends.h"

namespace van::proxy {
using test::Authority;
using test::Server;
using test::TlsServer;
using test::TlsSocket;
using test::Tunnel;

namespace {

constexpr std::size_t kMuch = 6u << 20;

/// A tunnel whose ends are replaced by such of TLS.
struct TlsTunnel : Tunnel {
  void bind(const std::optional<TlsFiles>& tls) {
    stand_in.reset();
    auto opened = TcpStandIn::open({*pair.laptop, pair.loop, log}, {.address = "greeting", .local = {.host = "127.0.0.1", .port = 0, .path = {}}, .tls = tls});
    REQUIRE(opened);
    stand_in = *std::move(opened);
    REQUIRE(run([this] { return stand_in->reachable(); }));
  }
  void expose(const Endpoint& target, const TlsFiles& tls) {
    exposure.reset();
    REQUIRE(run([this] { return !stand_in->reachable(); }));
    exposure = std::make_unique<TcpExposure>(Parts{*pair.mill, pair.loop, log}, ExposureConfig{.address = "greeting", .target = target, .tls = tls});
  }
  /// A client of the stand-in that speaks TLS; null when it was dropped before it could.
  std::unique_ptr<TlsSocket> secure(const std::vector<std::string>& alpn = {}) {
    auto context = tls::Context::client({.ca_pem = authority.pem(), .alpn = alpn});
    REQUIRE(context);
    std::unique_ptr<TlsSocket> socket;
    bool dropped = false;
    const io::Dialer dialer{pair.loop, io::HostPort{"127.0.0.1", stand_in->local().port}, [&](io::Result<std::unique_ptr<io::Stream>> result) {
                              dropped = !result;
                              if (result) socket = std::make_unique<TlsSocket>(pair.loop, worker, *std::move(result), *std::move(context), "127.0.0.1");
                            }};
    REQUIRE(run([&] { return dropped || (socket != nullptr && (socket->stream != nullptr || socket->over())); }));
    return socket;
  }
  bool run_until_down() {
    return run([this] { return exposure->health() == HealthState::down; });
  }
  Authority authority{folder};
  io::Worker worker{pair.loop};
};

/// Octets that come in order, or not at all.
struct Counted {
  explicit Counted(test::Socket& at) : socket{at} {
    socket.heard.after_data = [this] {
      for (const char c : socket.heard.received) right = right && static_cast<std::uint8_t>(c) == next++;
      socket.heard.received.clear();
    };
  }
  test::Socket& socket;
  std::uint8_t next = 0;
  bool right = true;
};

Slice pattern(std::size_t count) {
  Bytes bytes(count);
  for (std::size_t at = 0; at < count; ++at) bytes[at] = static_cast<std::uint8_t>(at);
  return Slice::copy_of(bytes);
}

/// Both ends say something, and then end one after the other.
void talk_and_end(Tunnel& tunnel, test::Socket& client, test::Socket& server) {
  client.write("question");
  REQUIRE(tunnel.run([&] { return server.heard.received == "question"; }));
  client.stream->shutdown();
  REQUIRE(tunnel.run([&] { return server.heard.ends == 1; }));
  CHECK_FALSE(client.over());
  server.write("late answer");
  REQUIRE(tunnel.run([&] { return client.heard.received == "late answer"; }));
  server.stream->shutdown();
  REQUIRE(tunnel.run([&] { return client.heard.ends == 1; }));
  CHECK(client.heard.closes + server.heard.closes == 0);
  REQUIRE(tunnel.run_until_idle());
}

}  // namespace

TEST_CASE("a stand-in terminates TLS, and each direction ends for itself", "[proxy][tls]") {
  TlsTunnel tunnel;
  tunnel.bind(tunnel.authority.files("stand-in", {}));
  const auto client = tunnel.secure();
  REQUIRE(client->stream);
  REQUIRE(tunnel.run([&tunnel] { return tunnel.server.sockets.size() == 1; }));
  talk_and_end(tunnel, *client, *tunnel.server.sockets[0]);
}

TEST_CASE("a target of TLS is verified, and each direction ends for itself", "[proxy][tls]") {
  TlsTunnel tunnel;
  TlsServer target{tunnel.pair.loop, test::server_context(tunnel.authority.issue({}), tls::ServerOptions{.anonymous_clients = true})};
  tunnel.expose(target.endpoint(), {.authorities = tunnel.authority.file()});
  CHECK(tunnel.exposure->health() == HealthState::checking);
  REQUIRE(tunnel.run([&tunnel] { return tunnel.stand_in->reachable(); }));
  const std::size_t before = target.sockets.size();
  const auto client = tunnel.connect();
  REQUIRE(tunnel.run([&] { return target.sockets.size() > before && target.sockets.back()->stream != nullptr; }));
  talk_and_end(tunnel, *client, *target.sockets.back());
}

TEST_CASE("much goes both ways over TLS at both ends, and waits for a slow reader", "[proxy][tls]") {
  TlsTunnel tunnel;
  TlsServer target{tunnel.pair.loop, test::server_context(tunnel.authority.issue({}), tls::ServerOptions{.anonymous_clients = true})};
  tunnel.bind(tunnel.authority.files("stand-in", {}));
  tunnel.expose(target.endpoint(), {.authorities = tunnel.authority.file()});
  REQUIRE(tunnel.run([&tunnel] { return tunnel.stand_in->reachable(); }));
  const std::size_t before = target.sockets.size();
  const auto client = tunnel.secure();
  REQUIRE(tunnel.run([&] { return target.sockets.size() > before && target.sockets.back()->stream != nullptr; }));
  test::Socket& server = *target.sockets.back();
  server.stream->read_stop();
  const Counted to_client{*client};
  const Counted to_server{server};
  server.stream->write(pattern(kMuch));
  client->stream->write(pattern(4 * kMuch));
  REQUIRE(tunnel.run([&] { return client->heard.bytes == kMuch; }));
  test::run_turns(tunnel.pair.loop, 200);
  CHECK(server.heard.bytes == 0);
  CHECK(client->stream->queued_bytes() > 0);  // the sender waits: not everything has found a place
  server.stream->read_start();
  client->stream->shutdown();
  server.stream->shutdown();
  REQUIRE(tunnel.run([&] { return server.heard.ends == 1 && client->heard.ends == 1; }));
  CHECK(server.heard.bytes == 4 * kMuch);
  CHECK(to_client.right);
  CHECK(to_server.right);
  REQUIRE(tunnel.run_until_idle());
}

TEST_CASE("a target that can't be verified is not offered, and says why", "[proxy][tls]") {
  TlsTunnel tunnel;
  Authority other{tunnel.folder, "other"};
  SECTION("another authority") {
    TlsServer target{tunnel.pair.loop, test::server_context(other.issue({}), tls::ServerOptions{.anonymous_clients = true})};
    tunnel.expose(target.endpoint(), {.authorities = tunnel.authority.file()});
    REQUIRE(tunnel.run_until_down());
    CHECK(tunnel.exposure->trouble().find("not a trusted authority") != std::string::npos);
  }
  SECTION("another name") {
    TlsServer target{tunnel.pair.loop, test::server_context(tunnel.authority.issue({.host = "example.com"}), tls::ServerOptions{.anonymous_clients = true})};
    tunnel.expose(target.endpoint(), {.authorities = tunnel.authority.file()});
    REQUIRE(tunnel.run_until_down());
    CHECK(tunnel.exposure->trouble().find("is for example.com, not for 127.0.0.1") != std::string::npos);
  }
  SECTION("another authority, when the name does not matter") {
    TlsServer target{tunnel.pair.loop, test::server_context(other.issue({.host = "example.com"}), tls::ServerOptions{.anonymous_clients = true})};
    tunnel.expose(target.endpoint(), {.authorities = tunnel.authority.file(), .verify_host = false});
    REQUIRE(tunnel.run_until_down());
    CHECK(tunnel.exposure->trouble().find("not a trusted authority") != std::string::npos);
  }
  SECTION("no TLS") {
    Server plain{tunnel.pair.loop, {.host = "127.0.0.1", .port = 0, .path = {}}};
    plain.on_accept = [](test::Socket& socket) { socket.write("220 hello\r\n"); };
    tunnel.expose(plain.endpoint(), {.authorities = tunnel.authority.file()});
    REQUIRE(tunnel.run_until_down());
    CHECK(tunnel.exposure->trouble().find("does not seem to speak TLS") != std::string::npos);
  }
  SECTION("no certificate where one is asked for") {
    TlsServer target{tunnel.pair.loop, test::server_context(tunnel.authority.issue({}), tls::ServerOptions{.ca_pem = tunnel.authority.pem()})};
    tunnel.expose(target.endpoint(), {.authorities = tunnel.authority.file()});
    REQUIRE(tunnel.run_until_down());
    CHECK(tunnel.exposure->trouble().find("refused") != std::string::npos);
  }
  SECTION("a file that is gone") {
    TlsServer target{tunnel.pair.loop, test::server_context(tunnel.authority.issue({}), tls::ServerOptions{.anonymous_clients = true})};
    tunnel.expose(target.endpoint(), {.authorities = "/nowhere/ca.pem"});
    REQUIRE(tunnel.run_until_down());
    CHECK(tunnel.exposure->trouble().find("/nowhere/ca.pem") != std::string::npos);
  }
  CHECK_FALSE(tunnel.stand_in->reachable());
}

TEST_CASE("a target may be any of its authority's, when that is asked for", "[proxy][tls]") {
  TlsTunnel tunnel;
  TlsServer target{tunnel.pair.loop, test::server_context(tunnel.authority.issue({.host = "example.com"}), tls::ServerOptions{.anonymous_clients = true})};
  tunnel.expose(target.endpoint(), {.authorities = tunnel.authority.file(), .verify_host = false});
  REQUIRE(tunnel.run([&tunnel] { return tunnel.stand_in->reachable(); }));
}

TEST_CASE("a target that asks for a certificate gets ours", "[proxy][tls]") {
  TlsTunnel tunnel;
  TlsServer target{tunnel.pair.loop, test::server_context(tunnel.authority.issue({}), tls::ServerOptions{.ca_pem = tunnel.authority.pem()})};
  TlsFiles files = tunnel.authority.files("client", {.host = "ann", .use = tls::LeafOptions::Use::client});
  files.authorities = tunnel.authority.file();
  tunnel.expose(target.endpoint(), files);
  REQUIRE(tunnel.run([&tunnel] { return tunnel.stand_in->reachable(); }));
}

TEST_CASE("what client and stand-in agree on is what the target is offered", "[proxy][tls]") {
  TlsTunnel tunnel;
  TlsServer target{tunnel.pair.loop, test::server_context(tunnel.authority.issue({}), tls::ServerOptions{.anonymous_clients = true, .alpn = {"http/1.1", "h2"}})};
  tunnel.bind(tunnel.authority.files("stand-in", {}));
  tunnel.expose(target.endpoint(), {.authorities = tunnel.authority.file()});
  REQUIRE(tunnel.run([&tunnel] { return tunnel.stand_in->reachable(); }));
  for (const auto& [offered, agreed] : std::vector<std::pair<std::vector<std::string>, std::string>>{{{"h2"}, "h2"}, {{"h2", "http/1.1"}, "http/1.1"}, {{}, ""}}) {
    const std::size_t before = target.sockets.size();
    const auto client = tunnel.secure(offered);
    CHECK(client->alpn == agreed);
    REQUIRE(tunnel.run([&] { return target.sockets.size() > before && target.sockets.back()->stream != nullptr; }));
    CHECK(target.sockets.back()->alpn == agreed);
  }
  const auto stranger = tunnel.secure({"imap"});
  CHECK(stranger->heard.error->message.find("none of our application protocols") != std::string::npos);
}

TEST_CASE("a FIN without close_notify is an end, and the other direction goes on", "[proxy][tls]") {
  TlsTunnel tunnel;
  tunnel.bind(tunnel.authority.files("stand-in", {}));
  // The sockets below TLS are not ours to end: a relay of octets is, between the client and the stand-in.
  std::unique_ptr<io::Stream> from, to;
  test::Recorder at_from, at_to;
  const auto listener = std::move(io::TcpListener::listen(tunnel.pair.loop, "127.0.0.1", 0, [&](std::unique_ptr<io::Stream> stream) { from = std::move(stream); })).value();
  const io::Dialer dialer{tunnel.pair.loop, io::HostPort{"127.0.0.1", tunnel.stand_in->local().port}, [&](io::Result<std::unique_ptr<io::Stream>> result) { to = *std::move(result); }};
  auto context = tls::Context::client({.ca_pem = tunnel.authority.pem()});
  std::unique_ptr<TlsSocket> client;
  const io::Dialer second{tunnel.pair.loop, io::HostPort{"127.0.0.1", listener->port()}, [&](io::Result<std::unique_ptr<io::Stream>> result) {
                            client = std::make_unique<TlsSocket>(tunnel.pair.loop, tunnel.worker, *std::move(result), *std::move(context), "127.0.0.1");
                          }};
  REQUIRE(tunnel.run([&] { return from && to && client; }));
  at_from.after_data = [&] { to->write(test::text(std::exchange(at_from.received, {}))); };
  at_to.after_data = [&] { from->write(test::text(std::exchange(at_to.received, {}))); };
  from->set_handler(at_from);
  to->set_handler(at_to);
  from->read_start();
  to->read_start();
  REQUIRE(tunnel.run([&] { return client->stream != nullptr && tunnel.server.sockets.size() == 1; }));
  client->write("question");
  test::Socket& server = *tunnel.server.sockets[0];
  REQUIRE(tunnel.run([&] { return server.heard.received == "question"; }));
  to->shutdown();
  REQUIRE(tunnel.run([&] { return server.heard.ends == 1; }));
  CHECK(server.heard.closes == 0);
  server.write("answer");
  REQUIRE(tunnel.run([&] { return client->heard.received == "answer"; }));
}

TEST_CASE("a client that does not speak TLS gets nowhere", "[proxy][tls]") {
  TlsTunnel tunnel;
  tunnel.bind(tunnel.authority.files("stand-in", {}));
  const auto client = tunnel.connect();
  client->write("GET / HTTP/1.1\r\n\r\n");
  REQUIRE(tunnel.run([&client] { return client->over(); }));
  CHECK(tunnel.server.sockets.empty());
  CHECK(tunnel.stand_in->counters().connections == 0);
}

TEST_CASE("handshakes under way have a limit, and those above it are refused at once", "[proxy][tls]") {
  TlsTunnel tunnel;
  tunnel.bind(tunnel.authority.files("stand-in", {}));
  std::vector<std::unique_ptr<test::Socket>> silent;
  for (std::size_t at = 0; at < TlsEntrance::kHandshakesMax; ++at) silent.push_back(tunnel.connect());
  const auto above = tunnel.connect();
  REQUIRE(tunnel.run([&above] { return above->over(); }));
  CHECK(above->reset());
  for (const auto& socket : silent) CHECK_FALSE(socket->over());
  silent.clear();
  std::unique_ptr<TlsSocket> client;
  while (client == nullptr || client->over()) client = tunnel.secure();  // the stand-in hears of their end one after the other
  CHECK(client->stream != nullptr);
}

TEST_CASE("a certificate that is renewed is used from then on", "[proxy][tls]") {
  io::Loop loop;
  const van::test::TemporaryFolder folder;
  spdlog::logger log{"proxy"};
  Authority authority{folder};
  TlsContexts contexts{authority.files("own", {}), TlsSide::stand_in, log};
  const auto first = contexts.context({});
  REQUIRE(first);
  CHECK(*contexts.context({}) == *first);

  authority.write("own.pem", "half of it");
  const auto until_looked = [&](const std::function<bool()>& done) {
    io::Timer again{loop, [] {}};
    return test::run_until(loop, [&] {
      again.arm(std::chrono::milliseconds{50});
      return done();
    });
  };
  const TimePoint later = io::Loop::now() + std::chrono::milliseconds{1100};
  REQUIRE(until_looked([&] { return io::Loop::now() > later; }));
  CHECK(*contexts.context({}) == *first);  // what was read is kept

  authority.files("own", {});
  REQUIRE(until_looked([&] { return *contexts.context({}) != *first; }));
}

TEST_CASE("files that can't be used are an error that names them", "[proxy][tls]") {
  io::Loop loop;
  const van::test::TemporaryFolder folder;
  spdlog::logger log{"proxy"};
  Authority authority{folder};
  const TlsFiles good = authority.files("good", {});
  const auto message = [&log](const TlsFiles& files, TlsSide side) {
    const auto context = TlsContexts{files, side, log}.context({});
    return context ? std::string{} : context.error().message;
  };
  CHECK(message(good, TlsSide::stand_in).empty());
  TlsFiles files = good;
  files.certificate = "/nowhere/cert.pem";
  CHECK(message(files, TlsSide::stand_in).find("/nowhere/cert.pem") != std::string::npos);
  CHECK(TlsContexts{files, TlsSide::stand_in, log}.context({}).error().code == io::Error::Code::not_found);
  files = good;
  files.key = authority.files("other", {}).key;
  CHECK(message(files, TlsSide::stand_in) == files.key + ": the key does not belong to the certificate");
  files = authority.files("old", {.age = std::chrono::hours{48}});
  CHECK(message(files, TlsSide::stand_in) == files.certificate + ": the certificate has expired");
  files = authority.files("client", {.host = "ann", .use = tls::LeafOptions::Use::client});
  CHECK(message(files, TlsSide::stand_in).find("not made for a server") != std::string::npos);
  CHECK(message({.authorities = good.key}, TlsSide::target).find(good.key) != std::string::npos);
  authority.write("huge.pem", std::string(kTlsFileBytes + 1, 'x'));
  CHECK(message({.authorities = (folder / "huge.pem").string()}, TlsSide::target).find("too large") != std::string::npos);
  CHECK(message({.authorities = authority.file()}, TlsSide::target).empty());
}

}  // namespace van::proxy
