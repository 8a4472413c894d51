#pragma once

#include <list>
#include <string>

#include "core/io/loop.h"
#include "proxy/name_routes.h"
#include "proxy/named_stream.h"

namespace van::proxy {

/// A service that is used, with those who wait for a provider. For NameRoutes and NamedStream only.
struct NameRoutes::Route final : link::ProducerHandler {
  Route(link::Node& at, const std::string& to) : node{at}, address{to}, producer{at.add_producer(to, *this)} {}
  ~Route() override { node.remove_producer(producer); }

  void on_reachability(bool reachable) override {
    if (!reachable) return;
    // Who is told may give up others that wait, and new ones may come: only those that were there, one by one.
    for (std::size_t left = waiting.size(); left > 0 && !waiting.empty(); --left) waiting.front()->provided();
  }

  link::Node& node;
  std::string address;
  router::ProducerId producer;
  std::uint16_t port = 0;  ///< as it was known when somebody asked last, as the protocol
  Protocol protocol = Protocol::tcp;
  std::list<NamedStream*> waiting;
  std::size_t uses = 0;
  TimePoint idle_since{};
};

}  // namespace van::proxy
