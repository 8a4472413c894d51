#include "agent/name_ports.h"

#include <utility>

#include "agent/local_endpoint.h"
#include "agent/presence.h"
#include "proxy/entrance.h"
#include "proxy/http_client.h"
#include "proxy/socks_client.h"

namespace van::agent {
namespace {

template <class Client>
std::unique_ptr<proxy::NameClient> make(const proxy::NameClient::Parts& parts, std::unique_ptr<io::Stream> socket) {
  return std::make_unique<Client>(parts, std::move(socket));
}

}  // namespace

const std::array<NamePort, kNamePorts>& name_ports() {
  static const std::array<NamePort, kNamePorts> ports{
      NamePort{.name = "socks", .default_port = 1080, .place = &ProxyState::socks, .make = make<proxy::SocksClient>},
      NamePort{.name = "http", .default_port = 3128, .place = &ProxyState::http, .make = make<proxy::HttpClient>},
  };
  return ports;
}

struct NamePorts::Services final : proxy::Directory {
  explicit Services(Known known) : tell{std::move(known)} {}
  [[nodiscard]] std::vector<proxy::KnownService> services() const override { return tell(); }
  Known tell;
};

NamePorts::NamePorts(const proxy::Parts& parts, Known known)
    : services_{std::make_unique<Services>(std::move(known))}, routes_{parts, *services_} {}
NamePorts::~NamePorts() = default;

Result<std::string> NamePorts::open(const NamePort& port, const std::string& place) {
  auto local = read_local_endpoint(place);
  if (!local) return Unexpected{local.error()};
  if (local->endpoint.is_path()) return Unexpected{Error{Error::Code::bad_request, "'" + place + "' is no port", "give [HOST:]PORT"}};
  servers_.erase(port.name);  // its port may be the same
  auto opened = proxy::NameServer::open(routes_, local->endpoint, local->both_loopbacks ? proxy::Entrance::kIpv6Loopback : "", port.make);
  if (!opened) return Unexpected{from_io(opened.error(), std::string{port.name} + " port")};
  local->endpoint = (*opened)->local();
  servers_[port.name] = *std::move(opened);
  return local->text();
}

void NamePorts::close(const NamePort& port) { servers_.erase(port.name); }

const proxy::NameServer* NamePorts::find(const NamePort& port) const {
  const auto found = servers_.find(port.name);
  return found == servers_.end() ? nullptr : found->second.get();
}

}  // namespace van::agent
