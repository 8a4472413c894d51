#pragma once

#include <memory>
#include <vector>

#include "proxy/name_routes.h"
#include "proxy/name_server.h"
#include "tests/proxy/tunnel.h"

namespace van::proxy::test {

struct FakeDirectory final : Directory {
  [[nodiscard]] std::vector<KnownService> services() const override {
    ++asked;
    return known;
  }
  std::vector<KnownService> known;
  mutable int asked = 0;
};

/// A server beside a site is put into the network as "greeting", and clients of a laptop on that site ask for it by name.
class Named {
 public:
  Named()
      : server{pair.loop, {.host = "127.0.0.1", .port = 0, .path = {}}},
        exposure{std::make_unique<TcpExposure>(Parts{*pair.mill, pair.loop, log}, ExposureConfig{.address = "greeting", .target = server.endpoint()})},
        routes{std::make_unique<NameRoutes>(Parts{*pair.laptop, pair.loop, log}, directory)} {
    directory.known = {{.address = "greeting", .port = 8080}};
  }

  struct Times {
    Duration word = limits::kNameWordTime, linger = limits::kNameLinger;
  };
  template <class Client>
  std::unique_ptr<NameServer> open(const Times& times = {}) {
    auto opened = NameServer::open(*routes, {.host = "127.0.0.1", .port = 0, .path = {}}, {}, [times](NameClient::Parts parts, std::unique_ptr<io::Stream> socket) {
      parts.word_time = times.word;
      parts.linger = times.linger;
      return std::make_unique<Client>(parts, std::move(socket));
    });
    REQUIRE(opened);
    return *std::move(opened);
  }
  bool run(const std::function<bool()>& done) { return run_until(pair.loop, done); }
  io::Loop& loop() { return pair.loop; }

  spdlog::logger log{"proxy"};  // without sinks
  link::test::Pair pair;
  Server server;
  std::unique_ptr<TcpExposure> exposure;
  FakeDirectory directory;
  std::unique_ptr<NameRoutes> routes;
};

}  // namespace van::proxy::test
