#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/amqp/connection.h"
#include "tests/support/catch.h"

// Performatives have many fields, of which a test names those that matter.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

namespace van::test {

using namespace std::chrono_literals;

/// Where a test's clock begins: not zero, so that a forgotten time shows.
inline constexpr TimePoint kStart{std::chrono::hours{1000}};

inline amqp::Connection::Config with_side(amqp::Connection::Config config, amqp::Connection::Side side) {
  config.side = side;
  if (config.container_id.empty()) config.container_id = side == amqp::Connection::Side::client ? "a" : "b";
  return config;
}

/// Two engines, a wire, and a clock we turn. `a` is the client.
class Pair {
 public:
  explicit Pair(amqp::Connection::Config both = {}) : Pair{both, both} {}
  Pair(amqp::Connection::Config a_config, amqp::Connection::Config b_config)
      : a{with_side(std::move(a_config), amqp::Connection::Side::client), kStart},
        b{with_side(std::move(b_config), amqp::Connection::Side::server), kStart} {}

  amqp::Connection a;
  amqp::Connection b;
  TimePoint now = kStart;
  std::size_t piece = SIZE_MAX;  ///< bytes that the wire hands over at a time
  bool a_silent = false;         ///< its bytes are lost
  bool b_silent = false;
  std::size_t wakes = 0;         ///< deadlines that came in advance()

  /// Moves bytes until there are none.
  void settle() {
    while (move(a, b, a_silent) || move(b, a, b_silent)) {
    }
  }
  /// Turns the clock, stopping at each deadline on the way.
  void advance(Duration by) {
    const TimePoint end = now + by;
    settle();
    while (std::min(a.next_deadline(), b.next_deadline()) <= end) {
      now = std::max(now, std::min(a.next_deadline(), b.next_deadline()));
      ++wakes;
      if (a.next_deadline() <= now) a.handle_deadline(now);
      if (b.next_deadline() <= now) b.handle_deadline(now);
      settle();
    }
    now = end;
  }
  /// Both Opened events taken.
  void open() {
    settle();
    REQUIRE(std::holds_alternative<amqp::Opened>(a.poll_event().value()));
    REQUIRE(std::holds_alternative<amqp::Opened>(b.poll_event().value()));
  }

 private:
  bool move(amqp::Connection& from, amqp::Connection& to, bool lost) {
    bool moved = false;
    while (!from.output().empty()) {
      Slice slice = from.output().pop(piece);
      if (!lost) to.receive(std::move(slice), now);
      moved = true;
    }
    from.check_invariants();
    to.check_invariants();
    return moved;
  }
};

/// The next event, which must be an E.
template <class E>
E next(amqp::Connection& connection) {
  auto event = connection.poll_event();
  REQUIRE(event.has_value());
  REQUIRE(std::holds_alternative<E>(*event));
  return std::get<E>(std::move(*event));
}

/// All events that wait.
inline std::vector<amqp::Event> drain(amqp::Connection& connection) {
  std::vector<amqp::Event> events;
  while (auto event = connection.poll_event()) events.push_back(std::move(*event));
  return events;
}

/// Those events of type E among all that wait; the others are dropped.
template <class E>
std::vector<E> all(amqp::Connection& connection) {
  std::vector<E> found;
  for (auto& event : drain(connection)) {
    if (auto* wanted = std::get_if<E>(&event)) found.push_back(std::move(*wanted));
  }
  return found;
}

/// An opened pair with one session from `a` and one link on it, both known to both ends.
class LinkedPair : public Pair {
 public:
  /// `credit`: what the receiving end grants. `a_sends`: the role of `a`.
  explicit LinkedPair(std::uint32_t credit = 10, bool a_sends = true, amqp::Connection::Config both = {})
      : LinkedPair{credit, a_sends, both, both} {}
  LinkedPair(std::uint32_t credit, bool a_sends, amqp::Connection::Config a_config, amqp::Connection::Config b_config)
      : Pair{std::move(a_config), std::move(b_config)} {
    open();
    a_session = a.begin_session();
    const auto [on_a, on_b] = add_link(credit, a_sends, "link");
    a_link = on_a;
    b_link = on_b;
  }
  /// One more link on the session.
  std::pair<amqp::LinkId, amqp::LinkId> add_link(std::uint32_t credit, bool a_sends, std::string name) {
    const auto role = a_sends ? amqp::LinkRole::sender : amqp::LinkRole::receiver;
    const auto on_a = a.attach(a_session, {.role = role, .name = std::move(name), .credit = a_sends ? 0 : credit});
    REQUIRE(on_a);
    settle();
    const auto attached = all<amqp::Attached>(b);
    REQUIRE(attached.size() == 1);
    b_session = attached[0].session;
    REQUIRE(b.accept_attach(attached[0].link, attached[0].source, attached[0].target, a_sends ? credit : 0));
    settle();
    drain(a);
    drain(b);
    return {on_a, attached[0].link};
  }

  amqp::SessionId a_session;
  amqp::SessionId b_session;
  amqp::LinkId a_link;
  amqp::LinkId b_link;
};

/// `size` octets that tell their place, in slices of at most `slice` octets.
inline SliceQueue payload_of(std::size_t size, std::size_t slice = 5000) {
  SliceQueue queue;
  for (std::size_t start = 0; start < size; start += slice) {
    Bytes bytes(std::min(slice, size - start));
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>((start + i) * 31 >> 3);
    queue.push_copy(bytes);
  }
  return queue;
}
inline Bytes bytes_of(std::size_t size) { return payload_of(size).peek(size); }

/// A whole delivery; nullopt when it could not begin or not be sent to its end.
inline std::optional<amqp::DeliveryId> send_whole(amqp::Connection& from, amqp::LinkId link, std::size_t size,
                                                  bool settled = false) {
  const auto delivery = from.begin_delivery(link, settled);
  if (!delivery) return std::nullopt;
  SliceQueue payload = payload_of(size);
  if (!from.send(*delivery, payload, amqp::Connection::End::last).complete) return std::nullopt;
  return delivery;
}

/// The octets of transfers, one after the other.
inline Bytes joined(const std::vector<amqp::TransferReceived>& transfers) {
  Bytes bytes;
  for (const auto& transfer : transfers) append(bytes, transfer.payload.view());
  return bytes;
}

}  // namespace van::test
