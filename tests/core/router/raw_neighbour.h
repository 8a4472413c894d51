#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/amqp/connection.h"
#include "core/amqp/message.h"
#include "core/router/control_messages.h"
#include "core/router/names.h"
#include "core/router/router.h"
#include "tests/support/catch.h"

namespace van::router::test {

/// A neighbour of a Router that says what a test wants it to say: an AMQP engine without a routing core behind it, which
/// opened the connection to the router and its control links (or none: a data connection).
class RawNeighbour {
 public:
  enum class Connection { control, data };
  /// `credit` is what it gives on its control link, and again as messages come.
  RawNeighbour(Router& router, std::string id, Connection kind, TimePoint now, std::uint32_t credit = 100)
      : router_{router}, id_{std::move(id)}, engine_{config(id_, kind), now} {
    peer_ = router_.add_peer({.role = PeerRole::inter_router, .direction = Direction::incoming, .cost = 1, .hostname = {}, .external = false}, now);
    if (kind == Connection::control) {
      const auto session = engine_.begin_session();
      const amqp::Terminus terminus{.address = {}, .dynamic = false, .capabilities = {std::string{names::cap_router}}};
      control_in_ = attach(session, amqp::LinkRole::receiver, terminus, credit);
      control_out_ = attach(session, amqp::LinkRole::sender, terminus, credit);
    }
    pump(now);
  }

  /// Moves octets both ways until nothing happens, and notes what comes.
  void pump(TimePoint now) {
    for (bool moved = true; moved;) {
      moved = false;
      while (auto event = engine_.poll_event()) {
        std::visit([this](auto& value) { note(value); }, *event);
        moved = true;
      }
      if (!engine_.output().empty()) {
        router_.receive(peer_, engine_.output().pop(engine_.output().bytes()), now);
        moved = true;
      }
      SliceQueue* output = router_.output(peer_);
      if (output != nullptr && !output->empty()) {
        engine_.receive(output->pop(output->bytes()), now);
        router_.output_consumed(peer_, now);
        moved = true;
      }
    }
  }

  void say(const routing::Message& message, std::string_view to, TimePoint now) {
    say(encode_control_message(message, std::string{to}, "0/" + id_), now);
  }
  void say(const Bytes& message, TimePoint now) {
    const auto delivery = engine_.begin_delivery(control_out_, true);
    REQUIRE(delivery);
    SliceQueue payload;
    payload.push_copy(message);
    REQUIRE(engine_.send(*delivery, payload, amqp::Connection::End::last).complete);
    pump(now);
  }
  /// Becomes a neighbour: HELLO answered, link state told.
  void introduce(const std::string& router, TimePoint now) {
    say(routing::Hello{.id = id_, .instance = 1, .seen = {router}}, routing::destination::hello, now);
    say(routing::Lsu{.id = id_, .instance = 1, .ls_seq = 1, .peers = {{router, 1}}}, routing::destination::link_state_of(router), now);
    say(routing::Ra{.id = id_, .instance = 1, .ls_seq = 1, .mobile_seq = 0}, routing::destination::flood, now);
  }

  void hang_up(TimePoint now) { router_.transport_closed(peer_, now); }

  /// Opcodes of the control messages that came, of this sender.
  [[nodiscard]] std::size_t heard(std::string_view opcode, std::string_view sender) const {
    std::size_t count = 0;
    for (const routing::Message& message : control_) count += routing::opcode_of(message) == opcode && routing::sender_of(message) == sender ? 1u : 0u;
    return count;
  }
  std::size_t unreadable = 0;        ///< control messages
  std::vector<amqp::LinkId> opened;  ///< links that the router opened here
  std::size_t deliveries = 0;        ///< begun on these
  std::string octets;                ///< of them all

 private:
  static amqp::Connection::Config config(const std::string& id, Connection kind) {
    amqp::Connection::Config config;
    config.container_id = id;
    for (const std::string_view capability : {names::cap_streaming_links, names::cap_connection_trunking}) config.offered_capabilities.emplace_back(capability);
    if (kind == Connection::data) {
      config.properties.emplace_back(amqp::Symbol{std::string{names::prop_role}}, static_cast<std::int32_t>(names::data_connection_role));
    }
    return config;
  }
  amqp::LinkId attach(amqp::SessionId session, amqp::LinkRole role, const amqp::Terminus& terminus, std::uint32_t credit) {
    amqp::Connection::AttachOptions options;
    options.role = role;
    options.name = role == amqp::LinkRole::sender ? "out" : "in";
    options.source = options.target = terminus;
    options.credit = credit;
    return engine_.attach(session, options);
  }
  template <class Event>
  void note(const Event&) {}
  void note(const amqp::Attached& attached) {
    if (!attached.by_peer) return;
    opened.push_back(attached.link);
    engine_.accept_attach(attached.link, attached.source, attached.target, 100);
  }
  void note(const amqp::TransferReceived& transfer) {
    if (transfer.link != control_in_) {
      deliveries += transfer.first ? 1u : 0u;
      const ByteView payload = transfer.payload.view();
      octets.append(payload.begin(), payload.end());
      return;
    }
    incoming_.push(transfer.payload);
    if (transfer.more) return;
    const auto message = amqp::decode_message(incoming_.peek(incoming_.bytes()));
    incoming_.clear();
    const auto decoded = message ? decode_control_message(*message) : Expected<routing::Message, std::string>{Unexpected{std::string{"no message"}}};
    if (decoded) control_.push_back(*decoded);
    else ++unreadable;
  }

  Router& router_;
  std::string id_;
  amqp::Connection engine_;
  PeerId peer_;
  amqp::LinkId control_in_, control_out_;
  SliceQueue incoming_;
  std::vector<routing::Message> control_;
};

}  // namespace van::router::test
