#include "proxy/name_server.h"

#include <utility>

namespace van::proxy {

io::Result<std::unique_ptr<NameServer>> NameServer::open(NameRoutes& routes, const Endpoint& local, std::string_view twin, MakeClient make) {
  std::unique_ptr<NameServer> server{new NameServer{routes, std::move(make)}};
  auto entrance = Entrance::open(
      routes.parts().loop, local, [raw = server.get()](std::unique_ptr<io::Stream> socket) { raw->accepted(std::move(socket)); }, twin);
  if (!entrance) return Unexpected{entrance.error()};
  server->entrance_ = *std::move(entrance);
  return server;
}

NameServer::NameServer(NameRoutes& routes, MakeClient make)
    : routes_{routes}, make_{std::move(make)}, reap_{routes.parts().loop, [this] {
        for (NameClient* client : std::exchange(over_, {})) clients_.erase(client);
      }} {}

NameServer::~NameServer() {
  entrance_.reset();
  clients_.clear();
}

void NameServer::accepted(std::unique_ptr<io::Stream> socket) {
  if (clients_.size() >= limits::kNameClients) return socket->reset();
  auto client = make_(NameClient::Parts{routes_, counters_, *this}, std::move(socket));
  NameClient* key = client.get();
  clients_[key] = std::move(client);
}

void NameServer::client_over(NameClient& client) {
  over_.push_back(&client);
  reap_.schedule();
}

}  // namespace van::proxy
