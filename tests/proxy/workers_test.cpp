#include "core/io/socket_pair.h"
#include "core/router/facts.h"
#include "tests/proxy/tunnel.h"
#include "core/tls/secure_random.h"
#include "tests/core/tls/session_pair.h"

namespace van::proxy::test {
namespace {

constexpr std::size_t kBulk = 3'000'000;

/// The nodes of one site's workers, all on one loop; each has an exposure of the one server, and a stand-in on the one port.
class Works final : public link::Colleagues {
 public:
  Works(io::Loop& loop, const std::string& name, std::uint32_t count) : loop_{loop}, log_{name} {
    for (std::uint32_t worker = 0; worker < count; ++worker) {
      const router::Config config{.mode = router::Mode::interior, .id = name + "-1", .site_id = "id-" + name, .site_name = name, .instance = 1, .worker = worker, .workers = count};
      nodes.push_back(std::make_unique<link::Node>(loop, config, Rng{worker + name.size()}, log_));
      for (std::uint32_t other = 0; other < worker; ++other) {
        auto ends = std::move(io::socket_pair()).value();
        nodes[worker]->add_sibling(std::move(io::Stream::adopt(loop, ends.first.release())).value(), other, router::Direction::outgoing);
        nodes[other]->add_sibling(std::move(io::Stream::adopt(loop, ends.second.release())).value(), worker, router::Direction::incoming);
      }
    }
    nodes[0]->share_with(*this);
  }
  ~Works() override {
    stand_ins.clear();
    exposures.clear();
    while (!nodes.empty()) nodes.pop_back();
  }
  void routes_changed(std::shared_ptr<const router::Routes> routes) override {
    for (std::size_t i = 1; i < nodes.size(); ++i) nodes[i]->set_routes(routes);
  }
  void connection_moves(std::uint32_t worker, std::shared_ptr<link::MovingConnection> connection) override {
    ++moved;
    loop_.post([this, worker, connection] { nodes[worker]->adopt(*connection); });
  }

  /// As a site does it: data connections of all workers, once there is a link.
  void connect(std::uint16_t port, const std::shared_ptr<tls::Context>& tls) {
    const link::ConnectorConfig config{.name = "link", .host = "127.0.0.1", .port = port, .role = router::PeerRole::inter_router, .cost = 1, .tls = tls};
    nodes[0]->add_connector(config);
    REQUIRE(run_until(loop_, [this] {
      const auto links = nodes[0]->links();
      return links.size() == 1 && links[0].state == link::LinkState::up;
    }));
    link::ConnectorConfig data = config;
    data.data = true;
    data.correlator = nodes[0]->links()[0].correlator;
    CHECK(data.correlator.size() == 15);
    for (const auto& node : nodes) node->add_connector(data);
  }
  void expose(const Endpoint& target) {
    for (const auto& node : nodes) exposures.push_back(std::make_unique<TcpExposure>(Parts{*node, loop_, log_}, ExposureConfig{.address = "greeting", .target = target}));
  }
  void bind() {
    Endpoint local{.host = "127.0.0.1", .port = 0, .path = {}};
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const auto sharing = nodes.size() == 1 ? io::Sharing::alone : i == 0 ? io::Sharing::first : io::Sharing::joins;
      auto opened = TcpStandIn::open({*nodes[i], loop_, log_}, {.address = "greeting", .local = local, .sharing = sharing});
      REQUIRE(opened);
      local = (*opened)->local();
      stand_ins.push_back(*std::move(opened));
    }
  }
  [[nodiscard]] bool reachable() const {
    return std::ranges::all_of(stand_ins, [](const auto& each) { return each->reachable(); });
  }
  [[nodiscard]] std::size_t data_connections(std::size_t worker) const {
    return static_cast<std::size_t>(std::ranges::count_if(nodes[worker]->router().connection_facts(), [](const auto& facts) { return facts.data && facts.opened; }));
  }
  [[nodiscard]] std::uint64_t connections(std::size_t worker) const {
    return stand_ins.empty() ? exposures[worker]->counters().connections : stand_ins[worker]->counters().connections;
  }

  std::vector<std::unique_ptr<link::Node>> nodes;
  std::vector<std::unique_ptr<TcpExposure>> exposures;
  std::vector<std::unique_ptr<TcpStandIn>> stand_ins;
  std::size_t moved = 0;

 private:
  io::Loop& loop_;
  spdlog::logger log_;  // without sinks
};

/// Clients at the mill, the server at the shop, and a link over mutual TLS that the mill has dialled.
struct Trade {
  Trade(std::uint32_t mill_workers, std::uint32_t shop_workers) : mill{loop, "mill", mill_workers}, shop{loop, "shop", shop_workers} {
    tls::ClientOptions client = identities.client_options();
    tls::ServerOptions serving = identities.server_options();
    client.tls13 = serving.tls13 = false;
    const auto listener = shop.nodes[0]->add_listener({.host = "127.0.0.1", .port = 0, .role = router::PeerRole::inter_router, .tls = van::test::server_context(serving)});
    REQUIRE(listener);
    mill.connect(shop.nodes[0]->port(*listener), van::test::client_context(client));
    shop.expose(server.endpoint());
    mill.bind();
    REQUIRE(run_until(loop, [&] {
      std::size_t dialled = 0;
      std::size_t taken = 0;
      for (std::size_t i = 0; i < mill.nodes.size(); ++i) dialled += mill.data_connections(i);
      for (std::size_t i = 0; i < shop.nodes.size(); ++i) taken += shop.data_connections(i);
      return dialled == mill.nodes.size() && taken == dialled && mill.reachable();
    }));
  }
  tls::SystemRandom random;
  van::test::Identities identities{random, {"127.0.0.1"}};
  io::Loop loop;
  Server server{loop, Endpoint{.host = "127.0.0.1", .port = 0, .path = {}}};
  Works mill, shop;
};

}  // namespace

TEST_CASE("clients of a site with workers are spread over them, and so are the streams at the other end", "[proxy][workers]") {
  const auto shop_workers = GENERATE(1u, 2u, 3u);
  CAPTURE(shop_workers);
  Trade trade{2, shop_workers};
  CHECK(trade.shop.moved == (shop_workers == 1 ? 0u : 1u + (shop_workers == 3)));
  const std::string bulk(kBulk, 'x');
  trade.server.on_accept = [&bulk](Socket& socket) { socket.write(bulk); };
  std::vector<std::unique_ptr<Socket>> clients;
  for (int i = 0; i < 24; ++i) {
    clients.push_back(connect(trade.loop, trade.mill.stand_ins[0]->local()));
    clients.back()->write(bulk);
  }
  REQUIRE(run_until(trade.loop, [&] {
    return trade.server.sockets.size() == 24 && std::ranges::all_of(clients, [](const auto& each) { return each->heard.bytes == kBulk; }) &&
           std::ranges::all_of(trade.server.sockets, [](const auto& each) { return each->heard.bytes == kBulk; });
  }));
  CHECK(trade.mill.connections(0) + trade.mill.connections(1) == 24);
  CHECK(trade.mill.connections(0) > 0);
  CHECK(trade.mill.connections(1) > 0);
  // Which connection a stream goes by decides who serves it; each of the mill's two has a worker of its own at the shop.
  for (std::uint32_t i = 0; i < std::min(shop_workers, 2u); ++i) {
    const std::size_t holder = shop_workers == 1 ? 0 : shop_workers == 2 ? i : i + 1;
    CHECK(trade.shop.connections(holder) > 0);
  }
  clients.clear();
  trade.server.sockets.clear();
  REQUIRE(run_until(trade.loop, [&] {
    return std::ranges::all_of(trade.shop.exposures, [](const auto& each) { return each->idle(); }) &&
           std::ranges::all_of(trade.mill.nodes, [](const auto& each) { return each->router().held().deliveries == 0; });
  }));
}

TEST_CASE("a site's links do not show the connections of its workers", "[proxy][workers]") {
  const Trade trade{2, 2};
  CHECK(trade.mill.nodes[0]->links().size() == 1);
  CHECK(trade.shop.nodes[0]->links().size() == 1);
}

}  // namespace van::proxy::test
