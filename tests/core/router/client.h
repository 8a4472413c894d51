#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/amqp/connection.h"
#include "core/amqp/message.h"
#include "tests/core/router/network.h"

namespace van::router::test {

/// An application at a router's port for clients: our engine as client, and what it has heard.
class Client {
 public:
  Client(Network& network, Network::Site& site)
      : network_{network},
        site_{site},
        peer_{site.router->add_peer({.role = PeerRole::client, .direction = Direction::incoming, .cost = 1, .hostname = {}, .external = false}, network.now)},
        engine_{{.container_id = "application"}, network.now} {
    session = engine_.begin_session();
    settle();
  }

  struct Message {
    amqp::LinkId link;
    amqp::DeliveryId delivery;
    Bytes octets{};
    bool settled = false, complete = false, aborted = false;
  };

  amqp::LinkId receiver(const std::string& address, std::uint32_t credit, amqp::SenderSettleMode mode = amqp::SenderSettleMode::mixed) {
    const amqp::LinkId link = engine_.attach(session, {.role = amqp::LinkRole::receiver,
                                                       .name = "r" + std::to_string(++names_),
                                                       .source = amqp::Terminus{.address = address},
                                                       .sender_settle_mode = mode,
                                                       .credit = credit});
    settle();
    return link;
  }
  amqp::LinkId sender(const std::string& address) {
    const amqp::LinkId link = engine_.attach(session, {.role = amqp::LinkRole::sender,
                                                       .name = "s" + std::to_string(++names_),
                                                       .target = amqp::Terminus{.address = address}});
    settle();
    return link;
  }
  /// None without credit. `more`: it is not whole yet.
  std::optional<amqp::DeliveryId> send(amqp::LinkId link, std::size_t octets, bool settled = false, bool more = false) {
    const auto delivery = engine_.begin_delivery(link, settled);
    if (!delivery) return std::nullopt;
    Bytes body(octets, std::uint8_t{'x'});
    amqp::Message message;
    message.body = amqp::Value{amqp::Binary{body.begin(), body.end()}};
    payload_[*delivery].push(Slice::copy_of(amqp::encode_message(message)));
    if (!more) ends_.push_back(*delivery);
    go_on(*delivery);
    settle();
    return delivery;
  }
  void update(amqp::DeliveryId delivery, amqp::DeliveryState state) {
    engine_.update(delivery, std::move(state), true);
    settle();
  }
  void break_connection() { site_.router->transport_closed(peer_, network_.now); }

  /// Until nothing happens any more at this moment, here and in the network.
  void settle() {
    for (bool moved = true; moved;) {
      moved = false;
      network_.settle();
      while (auto event = engine_.poll_event()) take(*event);
      for (auto& [delivery, payload] : payload_) go_on(delivery);
      if (!engine_.output().empty()) {
        moved = true;
        site_.router->receive(peer_, engine_.output().pop(engine_.output().bytes()), network_.now);
      }
      SliceQueue* output = site_.router->output(peer_);
      while (output != nullptr && !output->empty()) {
        moved = true;
        engine_.receive(output->pop(output->bytes()), network_.now);
        site_.router->output_consumed(peer_, network_.now);
        output = site_.router->output(peer_);
      }
    }
  }

  [[nodiscard]] std::size_t count(std::string_view outcome) const {
    return static_cast<std::size_t>(std::ranges::count_if(outcomes, [&](const auto& each) { return name_of(each.second) == outcome; }));
  }
  static std::string_view name_of(const amqp::DeliveryState& state) {
    if (std::holds_alternative<amqp::Accepted>(state)) return "accepted";
    if (std::holds_alternative<amqp::Rejected>(state)) return "rejected";
    if (std::holds_alternative<amqp::Released>(state)) return "released";
    return std::holds_alternative<amqp::Modified>(state) ? "modified" : "received";
  }

  amqp::Connection& engine() { return engine_; }
  amqp::SessionId session;
  std::vector<Message> messages;
  std::map<amqp::DeliveryId, amqp::DeliveryState> outcomes;
  std::map<amqp::LinkId, std::string> errors;  ///< of links that ended
  std::size_t sessions_ended = 0;

 private:
  void go_on(amqp::DeliveryId delivery) {
    const bool last = std::ranges::find(ends_, delivery) != ends_.end();
    engine_.send(delivery, payload_[delivery], last ? amqp::Connection::End::last : amqp::Connection::End::more);
  }
  void take(amqp::Event& event) {
    if (auto* transfer = std::get_if<amqp::TransferReceived>(&event)) {
      if (transfer->first) messages.push_back({.link = transfer->link, .delivery = transfer->delivery});
      const auto of = std::ranges::find(messages, transfer->delivery, &Message::delivery);
      append(of->octets, transfer->payload.view());
      of->settled = transfer->settled;
      of->complete = !transfer->more;
      of->aborted = transfer->aborted;
    } else if (const auto* update = std::get_if<amqp::DeliveryUpdated>(&event)) {
      if (update->state && update->settled) outcomes.emplace(update->delivery, *update->state);
    } else if (const auto* detached = std::get_if<amqp::Detached>(&event)) {
      errors[detached->link] = detached->error ? detached->error->condition : "";
    } else if (std::holds_alternative<amqp::SessionEnded>(event)) {
      ++sessions_ended;
    }
  }

  Network& network_;
  Network::Site& site_;
  PeerId peer_;
  amqp::Connection engine_;
  int names_ = 0;
  std::map<amqp::DeliveryId, SliceQueue> payload_;
  std::vector<amqp::DeliveryId> ends_;
};

}  // namespace van::router::test
