#pragma once

#include <optional>
#include <string>

#include "core/amqp/connection.h"
#include "core/amqp/message.h"
#include "core/router/names.h"
#include "tests/core/router/network.h"

namespace van::router::test {

/// An edge of a site that says what the test says: one link, and the state of what was sent on it last.
class ScriptedPeer {
 public:
  enum class Kind { stranger, ours };
  ScriptedPeer(Network& network, Network::Site& site, Kind kind = Kind::stranger) : network_{network}, site_{site}, connection_{config(kind), network.now} {
    peer_ = site.router->add_peer({.role = PeerRole::edge, .direction = Direction::incoming, .cost = 1, .hostname = {}, .external = false}, network.now);
    session_ = connection_.begin_session();
    attach();
  }

  /// A whole stream: its annotations, its header and its octets.
  void send_stream(const amqp::RouterAnnotations& annotations, const std::string& to, const std::string& reply_to, std::string_view octets) {
    send(annotations, to, reply_to, octets, amqp::Connection::End::last);
  }
  /// The same without its end.
  void begin_stream(const amqp::RouterAnnotations& annotations, const std::string& to, const std::string& reply_to, std::string_view octets) {
    send(annotations, to, reply_to, octets, amqp::Connection::End::more);
    attach();
  }

  void settle() {
    for (bool moved = true; moved;) {
      moved = false;
      while (!connection_.output().empty()) {
        site_.router->receive(peer_, connection_.output().pop(100'000), network_.now);
        moved = true;
      }
      network_.settle();
      for (SliceQueue* output = site_.router->output(peer_); output != nullptr && !output->empty(); output = site_.router->output(peer_)) {
        connection_.receive(output->pop(100'000), network_.now);
        moved = true;
      }
      while (auto event = connection_.poll_event()) {
        if (const auto* update = std::get_if<amqp::DeliveryUpdated>(&*event)) state = update->state;
      }
    }
  }

  std::optional<amqp::DeliveryState> state;

 private:
  static amqp::Connection::Config config(Kind kind) {
    amqp::Connection::Config config;
    config.container_id = "scripted";
    if (kind == Kind::ours) config.properties.emplace_back(amqp::Symbol{"product"}, names::product);
    return config;
  }
  void attach() {
    link_ = connection_.attach(session_, {.role = amqp::LinkRole::sender, .name = "anonymous" + std::to_string(++links_)});
    settle();
  }
  void send(amqp::RouterAnnotations annotations, const std::string& to, const std::string& reply_to, std::string_view octets, amqp::Connection::End end) {
    annotations.flags |= amqp::RouterAnnotations::kStreaming;
    SliceQueue message;
    message.push_copy(amqp::encode_annotations(annotations));
    message.push_copy(amqp::encode_stream_header({.to = to, .reply_to = reply_to}));
    message.push_copy(as_bytes(octets));
    state.reset();
    const auto delivery = connection_.begin_delivery(link_, false);
    connection_.send(delivery.value(), message, end);
    REQUIRE(message.empty());
    settle();
  }

  Network& network_;
  Network::Site& site_;
  amqp::Connection connection_;
  amqp::SessionId session_;
  amqp::LinkId link_;
  int links_ = 0;
  PeerId peer_;
};

}  // namespace van::router::test
