#include "tests/simulation/hostile.h"

#include <chrono>
#include <utility>

#include "core/amqp/connection.h"
#include "core/amqp/message.h"
#include "core/router/control_messages.h"
#include "core/router/names.h"

namespace van::simulation {

using namespace std::chrono_literals;

namespace {

using amqp::LinkRole;
using amqp::Terminus;
namespace names = router::names;

Bytes random_octets(Rng& rng, std::size_t count) {
  Bytes octets(count);
  for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(rng.next());
  return octets;
}

class Garbage final : public Hostile {
 public:
  explicit Garbage(Rng rng) : rng_{rng} {}
  void receive(Slice, TimePoint) override {}
  void tick(TimePoint) override {
    if (rng_.below(3) == 0) output_.push_copy(random_octets(rng_, 1 + rng_.below(3000)));
  }
  SliceQueue& output() override { return output_; }

 private:
  Rng rng_;
  SliceQueue output_;
};

class Silent final : public Hostile {
 public:
  void receive(Slice, TimePoint) override {}
  void tick(TimePoint) override {}
  SliceQueue& output() override { return output_; }

 private:
  SliceQueue output_;
};

/// Opens a connection as real routers do, becomes a neighbour or an edge, and then does what its kind says.
class Neighbour final : public Hostile {
 public:
  Neighbour(HostileKind kind, router::PeerRole role, std::string id, HostileKnowledge knowledge, Rng rng, TimePoint now)
      : kind_{kind}, role_{role}, id_{std::move(id)}, knowledge_{std::move(knowledge)}, rng_{rng}, connection_{engine_config(id_), now} {}

  void receive(Slice bytes, TimePoint now) override {
    connection_.receive(std::move(bytes), now);
    drain(now);
  }

  void tick(TimePoint now) override {
    connection_.handle_deadline(now);
    drain(now);
    if (!control_out_ && !uplink_) return;
    if (++ticks_ % 10 == 0 && control_out_) {
      say(routing::Hello{.id = id_, .instance = 7, .seen = {victim_}}, std::string{names::to_hello});
    }
    if (kind_ == HostileKind::liar && rng_.below(5) == 0) lie(id_);
    if (kind_ == HostileKind::impostor && rng_.below(5) == 0 && !knowledge_.routers.empty()) lie(any(knowledge_.routers));
    if (kind_ == HostileKind::half_open && rng_.below(3) == 0) open_stream();
    if (kind_ == HostileKind::bad_frames) corrupt();
  }

  SliceQueue& output() override { return connection_.output(); }
  [[nodiscard]] bool reads() const override { return kind_ != HostileKind::never_reads || ticks_ < 30; }

 private:
  static amqp::Connection::Config engine_config(const std::string& id) {
    amqp::Connection::Config config;
    config.container_id = id;
    for (const std::string_view capability : {names::cap_anonymous_relay, names::cap_streaming_links, names::cap_connection_trunking}) {
      config.offered_capabilities.emplace_back(capability);
    }
    return config;
  }

  const std::string& any(const std::vector<std::string>& of) { return of[rng_.below(of.size())]; }

  void drain(TimePoint) {
    while (auto event = connection_.poll_event()) {
      if (const auto* opened = std::get_if<amqp::Opened>(&*event)) {
        victim_ = opened->peer.container_id;
        open_links();
      } else if (const auto* attached = std::get_if<amqp::Attached>(&*event)) {
        if (attached->by_peer) connection_.accept_attach(attached->link, attached->source, attached->target, credit());
      } else if (auto* transfer = std::get_if<amqp::TransferReceived>(&*event)) {
        // Asked for its link state or addresses, it lies; what comes to its addresses stays open for ever.
        if (transfer->link == control_in_ && kind_ == HostileKind::liar && rng_.below(4) == 0) lie(id_);
      }
    }
  }

  [[nodiscard]] std::uint32_t credit() const {
    if (kind_ == HostileKind::never_grants) return 0;
    return kind_ == HostileKind::never_reads ? 1'000'000 : 250;
  }

  amqp::LinkId attach(amqp::SessionId session, LinkRole role, Terminus source, Terminus target) {
    amqp::Connection::AttachOptions options;
    options.role = role;
    options.name = "hostile." + rng_.discriminator();
    options.source = std::move(source);
    options.target = std::move(target);
    options.credit = role == LinkRole::receiver ? credit() : 0;
    return connection_.attach(session, std::move(options));
  }

  void open_links() {
    const amqp::SessionId first = connection_.begin_session();
    if (role_ == router::PeerRole::edge) {
      const Terminus downlink{.address = id_, .capabilities = {std::string{names::cap_edge_downlink}}};
      uplink_ = attach(first, LinkRole::sender, {}, {});
      attach(first, LinkRole::receiver, downlink, {.capabilities = downlink.capabilities});
      for (int i = 0; i < 3 && !knowledge_.addresses.empty() && kind_ == HostileKind::liar; ++i) {
        attach(first, LinkRole::receiver, {.address = any(knowledge_.addresses)}, {});
      }
    } else {
      const Terminus control{.capabilities = {std::string{names::cap_router}}};
      const Terminus data{.capabilities = {std::string{names::cap_router_data}}};
      control_in_ = attach(first, LinkRole::receiver, control, control);
      control_out_ = attach(first, LinkRole::sender, control, control);
      for (int priority = 0; priority < 10; ++priority) {
        const amqp::SessionId session = connection_.begin_session();
        attach(session, LinkRole::receiver, data, data);
        attach(session, LinkRole::sender, data, data);
      }
    }
    streams_ = connection_.begin_session();
  }

  void send(amqp::LinkId link, const Bytes& message, bool ends) {
    const auto delivery = connection_.begin_delivery(link, ends);
    if (!delivery) return;
    SliceQueue payload;
    payload.push_copy(message);
    connection_.send(*delivery, payload, ends ? amqp::Connection::End::last : amqp::Connection::End::more);
  }

  void say(const routing::Message& message, const std::string& to) {
    if (control_out_) send(control_out_, router::encode_control_message(message, to, "0/" + routing::sender_of(message)), true);
  }

  /// Something about `whom`, in its name, well formed and untrue.
  void lie(const std::string& whom) {
    if (knowledge_.routers.empty() || knowledge_.addresses.empty()) return;
    const std::int64_t instance = rng_.below(3) == 0 ? 1 + static_cast<std::int64_t>(rng_.below(1000)) : 7;
    const std::int64_t sequence = static_cast<std::int64_t>(rng_.below(2) == 0 ? rng_.below(1000) : rng_.next() >> 12);
    const std::string to_one = "_topo/0/" + any(knowledge_.routers) + "/qdrouter";
    switch (rng_.below(5)) {
      case 0:
        return say(routing::Ra{.id = whom, .instance = instance, .ls_seq = sequence, .mobile_seq = sequence + 1}, std::string{names::to_all});
      case 1: {
        routing::Lsu update{.id = whom, .instance = instance, .ls_seq = sequence, .peers = {}};
        for (int i = 0; i < 4; ++i) update.peers[any(knowledge_.routers)] = 1 + static_cast<std::uint32_t>(rng_.below(3));
        update.peers["ghost" + std::to_string(rng_.below(1000))] = 1;
        update.peers.erase(whom);
        return say(update, "amqp:/" + to_one);
      }
      case 2: {
        routing::Mau::Absolute all;
        for (int i = 0; i < 3; ++i) all.exist.push_back({.key = *routing::AddressKey::mobile(any(knowledge_.addresses)), .treatment = routing::Treatment::closest});
        all.exist.push_back({.key = *routing::AddressKey::mobile("ghost" + std::to_string(rng_.below(1000)))});
        return say(routing::Mau{.id = whom, .mobile_seq = sequence, .content = std::move(all)}, to_one + ".ma");
      }
      case 3: {
        routing::Mau::Differential change;
        change.add.push_back({.key = *routing::AddressKey::mobile(any(knowledge_.addresses))});
        return say(routing::Mau{.id = whom, .mobile_seq = sequence, .content = std::move(change)}, std::string{names::to_all_mobile});
      }
      default:
        return say(routing::Lsr{.id = whom}, "amqp:/" + to_one);
    }
  }

  void open_stream() {
    if (knowledge_.addresses.empty()) return;
    Terminus terminus;
    if (role_ == router::PeerRole::inter_router) terminus.capabilities = {std::string{names::cap_router_data}};
    const amqp::LinkId link = attach(streams_, LinkRole::sender, terminus, terminus);
    opening_.push_back(link);
    // The oldest one has its credit by now.
    if (opening_.size() < 5) return;
    amqp::StreamHeader header{.to = any(knowledge_.addresses), .reply_to = "_topo/0/" + victim_ + "/temp.nobody"};
    Bytes message = amqp::encode_annotations({.flags = 5, .ingress = "0/" + id_, .trace = {"0/" + id_}});
    append(message, amqp::encode_stream_header(header));
    append(message, random_octets(rng_, rng_.below(2000)));
    send(opening_.front(), message, false);
    opening_.erase(opening_.begin());
  }

  void corrupt() {
    if (ticks_ < 30 || rng_.below(10) != 0) return;
    Bytes octets = random_octets(rng_, 8 + rng_.below(100));
    octets[0] = octets[1] = octets[2] = 0;  // a plausible size, so that something is in the frame
    octets[3] = static_cast<std::uint8_t>(octets.size());
    if (rng_.below(2) == 0) octets[4] = 2;
    connection_.output().push_copy(octets);
  }

  HostileKind kind_;
  router::PeerRole role_;
  std::string id_, victim_;
  HostileKnowledge knowledge_;
  Rng rng_;
  amqp::Connection connection_;
  std::uint64_t ticks_ = 0;
  amqp::LinkId control_in_, control_out_, uplink_;
  amqp::SessionId streams_;
  std::vector<amqp::LinkId> opening_;
};

}  // namespace

const char* name_of(HostileKind kind) {
  switch (kind) {
    case HostileKind::garbage: return "garbage";
    case HostileKind::bad_frames: return "bad-frames";
    case HostileKind::silent: return "silent";
    case HostileKind::half_open: return "half-open";
    case HostileKind::never_grants: return "never-grants";
    case HostileKind::never_reads: return "never-reads";
    case HostileKind::liar: return "liar";
    case HostileKind::impostor: return "impostor";
  }
  return "";
}

std::unique_ptr<Hostile> make_hostile(HostileKind kind, router::PeerRole role, std::string id, HostileKnowledge knowledge, Rng rng, TimePoint now) {
  if (kind == HostileKind::garbage) return std::make_unique<Garbage>(rng);
  if (kind == HostileKind::silent) return std::make_unique<Silent>();
  return std::make_unique<Neighbour>(kind, role, std::move(id), std::move(knowledge), rng, now);
}

}  // namespace van::simulation
