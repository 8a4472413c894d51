// What a client says to a router. The first octet picks the kind of router, whether the opening is there already, whether time passes
// between the pieces, and these: frames, or so many octets. A second client,
// which behaves, uses the same addresses, and local ends answer. Whatever comes, the router keeps its invariants after each piece; once
// the client is gone nothing of it is left, and the other one is served.
#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/amqp/connection.h"
#include "core/amqp/frame_decoder.h"
#include "core/amqp/message.h"
#include "core/amqp/performatives.h"
#include "core/base/assert.h"
#include "core/router/router.h"

namespace van::router {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kSaslAnonymous{"AMQP\3\1\0\0\0\0\0\x19\2\1\0\0\0\x53\x41\xc0\x0c\1\xa3\x09" "ANONYMOUS", 33};

Slice octets_of(SliceQueue& queue) { return queue.pop(queue.bytes()); }

/// A router with local ends of all kinds, which answer.
class Place {
 public:
  explicit Place(Mode mode) : router{Config{.mode = mode, .id = "router", .site_id = "site", .site_name = "site", .instance = 1}, Rng{1}, now} {
    router.add_local_endpoint("$management", now);
    router.add_receiver("news", 0, now);
    router.add_receiver("mc/all", 0, now);
    router.add_consumer("service", 0, now);
  }

  PeerId add_client() { return router.add_peer({.role = PeerRole::client, .direction = Direction::incoming, .external = false}, now); }

  void answer() {
    while (auto event = router.poll_event()) {
      if (const auto* closed = std::get_if<PeerClosed>(&*event)) VAN_ASSERT(closed_.emplace(closed->peer, closed->reason).second);
      if (auto* message = std::get_if<MessageReceived>(&*event)) reply(message->message);
      if (const auto* request = std::get_if<StreamRequested>(&*event)) router.accept_stream(request->stream, now, Slice::copy_of(as_bytes("welcome")));
      if (const auto* readable = std::get_if<StreamReadable>(&*event)) echo(readable->stream);
    }
  }
  [[nodiscard]] bool closed(PeerId peer) const { return closed_.contains(peer); }

  TimePoint now{};
  Router router;

 private:
  void reply(const amqp::Message& question) {
    if (!question.properties || !question.properties->reply_to) return;
    amqp::Message message;
    message.properties = amqp::Properties{};
    message.properties->to = question.properties->reply_to;
    message.body = amqp::Value{std::string{"answer"}};
    router.send_message(std::move(message), now);
  }
  void echo(StreamId stream) {
    if (SliceQueue* readable = router.readable(stream); readable != nullptr && !readable->empty()) {
      const Slice octets = octets_of(*readable);
      router.octets_taken(stream, octets.size(), now);
      if (router.writable(stream) > 0) router.write(stream, octets, now);
    }
    if (!router.finished(stream)) return;
    router.fin_passed_on(stream, now);
    router.finish(stream, now);
  }

  std::map<PeerId, std::string> closed_;
};

/// A client that takes what comes and sends a little.
class GoodClient {
 public:
  explicit GoodClient(Place& place) : place_{place}, peer_{place.add_client()}, engine_{{.container_id = "good"}, place.now} {
    session_ = engine_.begin_session();
    for (const char* address : {"jobs", "mc/all", "own"}) {
      engine_.attach(session_, {.role = amqp::LinkRole::receiver, .name = std::string{"from "} + address, .source = amqp::Terminus{.address = address}, .credit = 10});
      senders_[address] = engine_.attach(session_, {.role = amqp::LinkRole::sender, .name = std::string{"to "} + address, .target = amqp::Terminus{.address = address}});
    }
    settle();
  }

  void send(const std::string& address) {
    const auto delivery = engine_.begin_delivery(senders_.at(address), false);
    if (!delivery) return;
    amqp::Message message;
    message.body = amqp::Value{address};
    SliceQueue payload;
    payload.push_copy(amqp::encode_message(message));
    VAN_ASSERT(engine_.send(*delivery, payload, amqp::Connection::End::last).complete);
  }

  void settle() {
    for (bool moved = true; moved;) {
      moved = false;
      place_.answer();
      while (auto event = engine_.poll_event()) take(*event);
      if (!engine_.output().empty()) {
        place_.router.receive(peer_, octets_of(engine_.output()), place_.now);
        moved = true;
      }
      SliceQueue* output = place_.router.output(peer_);
      if (output != nullptr && !output->empty()) {
        engine_.receive(octets_of(*output), place_.now);
        place_.router.output_consumed(peer_, place_.now);
        moved = true;
      }
    }
  }
  /// Says something, so that it is not given up.
  void live() {
    engine_.handle_deadline(place_.now);
    settle();
  }

  std::size_t taken = 0;  ///< whole messages
  [[nodiscard]] bool closed() const { return place_.closed(peer_); }

 private:
  void take(const amqp::Event& event) {
    const auto* transfer = std::get_if<amqp::TransferReceived>(&event);
    if (transfer == nullptr || transfer->more || transfer->aborted) return;
    ++taken;
    if (!transfer->settled) engine_.update(transfer->delivery, amqp::Accepted{}, true);
  }

  Place& place_;
  PeerId peer_;
  amqp::Connection engine_;
  amqp::SessionId session_;
  std::map<std::string, amqp::LinkId> senders_;
};

/// SASL, open, a session, a sender and two receivers, one of which has an address that the router makes.
Bytes opening() {
  Bytes octets{kSaslAnonymous.begin(), kSaslAnonymous.end()};
  append(octets, as_bytes(std::string_view{"AMQP\0\1\0\0", 8}));
  const auto add = [&octets](const amqp::Performative& one) { append(octets, amqp::encode_frame(0, one)); };
  amqp::Open open;
  open.container_id = "client";
  add(open);
  amqp::Begin begin;
  begin.incoming_window = begin.outgoing_window = 1000;
  add(begin);
  const auto attach = [&add](std::uint32_t handle, amqp::LinkRole role, const amqp::Terminus& source, const amqp::Terminus& target) {
    amqp::Attach one;
    one.name = "link " + std::to_string(handle);
    one.handle = handle;
    one.role = role;
    one.source = source;
    one.target = target;
    if (role == amqp::LinkRole::sender) one.initial_delivery_count = 0;
    add(one);
    if (role == amqp::LinkRole::sender) return;
    amqp::Flow flow;
    flow.next_incoming_id = 0;
    flow.incoming_window = flow.outgoing_window = 1000;
    flow.handle = handle;
    flow.delivery_count = 0;
    flow.link_credit = 10;
    add(flow);
  };
  attach(0, amqp::LinkRole::sender, {}, {.address = "jobs"});
  attach(1, amqp::LinkRole::receiver, {.address = "jobs"}, {});
  attach(2, amqp::LinkRole::receiver, {.dynamic = true}, {});
  attach(3, amqp::LinkRole::sender, {}, {});  // its messages say where they go
  return octets;
}

class Trial {
 public:
  Trial(ByteView input, std::uint8_t how) : place_{(how & 1) != 0 ? Mode::edge : Mode::interior}, other_{place_}, peer_{place_.add_client()} {
    if ((how & 2) != 0) say(opening());
    while (!input.empty() && !place_.closed(peer_)) {
      const std::size_t piece = std::min(input.size(), (how & 8) != 0 ? std::size_t{1} << (how >> 4) : frame_bytes(input));
      say(input.first(piece));
      input = input.subspan(piece);
      if ((how & 4) != 0) pass(700ms);
    }
  }

  void end() {
    for (int i = 0; i < 4; ++i) pass(10s);
    if (!place_.closed(peer_)) place_.router.transport_closed(peer_, place_.now);
    settle();
    VAN_ASSERT(place_.closed(peer_));
    VAN_ASSERT(!other_.closed());
    const std::size_t before = other_.taken;
    other_.send("own");
    settle();
    VAN_ASSERT(other_.taken == before + 1);
    const Router::Held held = place_.router.held();
    VAN_ASSERT(held.peers == 1 && held.deliveries == 0 && held.streams == 0 && held.pending_bytes == 0 && held.queued == 0);
  }

 private:
  /// Of the protocol header or the frame in front; what is neither goes all at once.
  static std::size_t frame_bytes(ByteView octets) {
    if (as_text(octets).starts_with("AMQP")) return 8;
    std::size_t size = 0;
    for (const std::uint8_t octet : octets.first(std::min<std::size_t>(octets.size(), 4))) size = size << 8 | octet;
    return std::max<std::size_t>(size, 8);
  }
  void say(ByteView octets) {
    place_.router.receive(peer_, Slice::copy_of(octets), place_.now);
    settle();
    for (const char* address : {"jobs", "mc/all"}) other_.send(address);
    settle();
  }
  void pass(Duration time) {
    place_.now += time;
    if (place_.router.next_deadline() <= place_.now) place_.router.handle_deadline(place_.now);
    other_.live();
    settle();
  }
  void settle() {
    for (bool moved = true; moved;) {
      other_.settle();
      SliceQueue* output = place_.router.output(peer_);
      moved = output != nullptr && !output->empty();
      if (!moved) break;
      output->clear();
      place_.router.output_consumed(peer_, place_.now);
    }
    place_.router.check_invariants();
  }

  Place place_;
  GoodClient other_;
  PeerId peer_;
};

}  // namespace
}  // namespace van::router

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  van::router::Trial trial{{data + 1, size - 1}, data[0]};
  trial.end();
  return 0;
}
