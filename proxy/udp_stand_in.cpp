#include "proxy/udp_stand_in.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <optional>
#include <unordered_map>

#include "core/amqp/datagram.h"
#include "core/base/datagram_limits.h"
#include "core/io/timer.h"
#include "core/io/udp_socket.h"
#include "core/link/log.h"
#include "proxy/flow_table.h"
#include "proxy/udp_flow.h"

namespace van::proxy {
namespace {

using Sent = router::Router::Sent;

constexpr std::chrono::milliseconds kTick{100};          // while datagrams wait
constexpr std::chrono::milliseconds kOpenAgain{500};     // for the provider's word, before the next datagram asks for one
constexpr std::chrono::seconds kHeldMax{2};              // what waits for longer is dropped
constexpr std::chrono::seconds kSilenceBeforeAsking{1};  // of a provider to whom datagrams go
constexpr std::chrono::milliseconds kAskAgain{500};      // a question is a datagram, too: it may be lost
constexpr std::chrono::seconds kPatience{2};             // with a provider that was asked
constexpr int kPicks = 16;                               // ports tried that are free on the first address only

std::string flow_name(std::uint64_t number) {
  char text[16];
  const auto end = std::to_chars(std::begin(text), std::end(text), number, 16).ptr;
  return {text, end};
}

std::optional<std::uint64_t> flow_number(std::string_view name) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number, 16);
  return error == std::errc{} && end == name.data() + name.size() ? std::optional{number} : std::nullopt;
}

}  // namespace

class UdpStandIn::Impl final : public link::ProducerHandler, public link::DatagramHandler, public io::UdpHandler {
 public:
  Impl(const Parts& parts, const StandInConfig& config, Duration idle)
      : node_{parts.node},
        local_{config.local},
        loop_{parts.loop},
        log_{parts.log},
        address_{config.address},
        multicast_{config.multicast},
        both_loopbacks_{config.both_loopbacks},
        idle_{idle},
        timer_{parts.loop, [this] { tick(); }} {}

  ~Impl() override {
    if (producer_) node_.remove_producer(producer_);
    if (receiver_.endpoint) node_.remove_endpoint(receiver_.endpoint);
  }

  Expected<void, io::Error> listen() {
    for (int left = local_.port == 0 ? kPicks : 1; left > 0; --left) {
      auto socket = io::UdpSocket::bind(loop_, local_.host, local_.port, *this);
      if (!socket) return Unexpected{socket.error()};
      socket_ = *std::move(socket);
      if (!both_loopbacks_) break;
      auto twin = io::UdpSocket::bind(loop_, "::1", socket_->local().port(), *this);
      if (twin) twin_ = *std::move(twin);
      else if (twin.error().code == io::Error::Code::address_in_use && left > 1) continue;
      else if (twin.error().code == io::Error::Code::address_in_use) return Unexpected{twin.error()};
      break;  // without a twin: this machine has no IPv6
    }
    local_.port = socket_->local().port();
    receiver_ = node_.add_local_receiver("udp", *this);
    producer_ = node_.add_producer(address_, *this);
    return {};
  }

  [[nodiscard]] Counters counters() const {
    Counters counters = counters_;
    counters.in_flight = flows_.size();
    for (const io::UdpSocket* socket : {socket_.get(), twin_.get()}) {
      if (socket != nullptr) counters.dropped += socket->lost() + socket->dropped_by_system();
    }
    return counters;
  }

  void on_reachability(bool reachable) override {
    log_.info("service {} address={}", reachable ? "reachable" : "not reachable", address_);
    if (!reachable) return;
    for (auto& entry : flows_)
      if (!entry.flow->held.empty()) open(*entry.flow);
  }

  // ---- From the client's side ----

  void on_datagram(ByteView payload, const io::UdpAddress& from) override {
    const TimePoint now = io::Loop::now();
    Flow& flow = flow_of(from, now);
    counters_.bytes_out += payload.size();
    if (multicast_) return note(send(address_, flow.head, payload));
    if (!flow.provider.empty() && still_there(flow, now)) {
      const Sent sent = send(flow.provider, flow.head, payload);
      if (sent != Sent::nobody) return note(sent);
      forget_provider(flow);
    }
    hold(flow, payload, now);
    if (now - flow.opened >= kOpenAgain) open(flow);
  }

  void on_refused(const io::Error&) override {}  // of an answer: that client is gone, others are not

  // ---- From the network ----

  void on_message(router::EndpointId, const Slice& message) override {
    const auto read = amqp::read_datagram(message.view());
    const auto number = read ? flow_number(read->group_id) : std::nullopt;
    const auto found = number ? by_number_.find(*number) : by_number_.end();
    if (found == by_number_.end()) return;  // of a flow that is forgotten, or no message of ours
    Flow& flow = *found->second;
    const bool of_provider = read->reply_to == flow.provider;
    if (read->subject == udp_flow::kGone) {
      if (!of_provider) return;
      forget_provider(flow);
      if (!flow.held.empty()) open(flow);
      return;
    }
    if (!read->subject.empty() && read->subject != udp_flow::kAck) return;
    const TimePoint now = io::Loop::now();
    if (flow.provider.empty() && !multicast_ && !read->reply_to.empty()) choose(flow, std::string{read->reply_to});
    else if (!of_provider && read->subject == udp_flow::kAck) return;
    if (read->reply_to == flow.provider) {
      flow.heard = now;
      flow.asked.reset();
    }
    if (read->subject == udp_flow::kAck) return;
    flows_.use(flow.client, now);
    counters_.bytes_in += read->payload.size();
    io::UdpSocket& socket = twin_ && flow.client.raw().sa_family == AF_INET6 ? *twin_ : *socket_;
    socket.send_to(message.part(static_cast<std::size_t>(read->payload.data() - message.data()), read->payload.size()), flow.client);
  }

  link::Node& node_;
  router::ProducerId producer_;
  Endpoint local_;

 private:
  struct Held {
    TimePoint since;
    Slice payload;
  };
  struct Flow {
    io::UdpAddress client;
    std::uint64_t number = 0;
    std::string provider{};  // address of the exposure that serves it; empty: none is chosen
    Bytes head{};            // of messages to the provider, and to the service while there is none
    TimePoint opened{};      // when a datagram last went to whoever provides the service
    TimePoint heard{};       // of the provider
    std::optional<TimePoint> asked{};  // first, since it was heard
    TimePoint asked_last{};
    std::deque<Held> held{};  // while there is no provider
  };

  Flow& flow_of(const io::UdpAddress& client, TimePoint now) {
    if (const auto* known = flows_.use(client, now)) return **known;
    if (flows_.size() >= limits::kDatagramFlows) forget(flows_.take_oldest());
    auto made = std::make_unique<Flow>();
    made->client = client;
    made->number = ++last_number_;
    made->opened = now - kOpenAgain;
    write_head(*made);
    Flow& flow = *flows_.add(client, std::move(made), now);
    by_number_.emplace(flow.number, &flow);
    ++counters_.connections;
    wake(idle_);
    return flow;
  }

  void forget(std::unique_ptr<Flow> flow) {
    by_number_.erase(flow->number);
    while (!flow->held.empty()) drop_held(*flow);
  }

  void write_head(Flow& flow) const {
    flow.head = amqp::encode_datagram_head({.to = flow.provider.empty() ? address_ : flow.provider,
                                            .reply_to = receiver_.address,
                                            .group_id = flow_name(flow.number)});
  }

  Sent send(const std::string& to, ByteView head, ByteView payload) {
    return node_.send_datagram(to, amqp::encode_datagram(head, payload, blocks_));
  }
  void note(Sent sent) {
    if (sent != Sent::yes) ++counters_.dropped;
  }

  /// Asks a provider that has said nothing for a while; false when that was in vain for long enough.
  bool still_there(Flow& flow, TimePoint now) {
    if (flow.asked && now - *flow.asked >= kPatience) {
      log_.debug("provider silent address={} flow={}", address_, flow.number);
      forget_provider(flow);
      return false;
    }
    if (flow.asked ? now - flow.asked_last < kAskAgain : now - flow.heard < kSilenceBeforeAsking) return true;
    if (!flow.asked) flow.asked = now;
    flow.asked_last = now;
    const Bytes head = amqp::encode_datagram_head({.to = flow.provider,
                                                   .subject = std::string{udp_flow::kAsk},
                                                   .reply_to = receiver_.address,
                                                   .group_id = flow_name(flow.number)});
    send(flow.provider, head, {});
    return true;
  }

  void choose(Flow& flow, std::string provider) {
    flow.provider = std::move(provider);
    write_head(flow);
    while (!flow.held.empty()) {
      note(send(flow.provider, flow.head, flow.held.front().payload.view()));
      take_held(flow);
    }
  }

  void forget_provider(Flow& flow) {
    flow.provider.clear();
    flow.asked.reset();
    flow.opened = io::Loop::now() - kOpenAgain;
    write_head(flow);
  }

  void hold(Flow& flow, ByteView payload, TimePoint now) {
    // Full: what came first is worth least by the time that a provider is there.
    while (!flow.held.empty() && (flow.held.size() >= limits::kDatagramsHeld || held_bytes_ + payload.size() > limits::kDatagramBytesHeld)) drop_held(flow);
    if (held_bytes_ + payload.size() > limits::kDatagramBytesHeld) {
      ++counters_.dropped;
      return;
    }
    flow.held.push_back({now, Slice::copy_of(payload)});
    held_bytes_ += payload.size();
    ++held_;
    wake(kTick);
  }
  void take_held(Flow& flow) {
    held_bytes_ -= flow.held.front().payload.size();
    --held_;
    flow.held.pop_front();
  }
  void drop_held(Flow& flow) {
    ++counters_.dropped;
    take_held(flow);
  }

  /// Sends the first that waits to whoever the network chooses; the others follow to whom this one has reached.
  void open(Flow& flow) {
    if (!node_.reachable(producer_)) return;
    flow.opened = io::Loop::now();
    const Sent sent = send(address_, flow.head, flow.held.front().payload.view());
    if (sent == Sent::nobody) return;  // yet
    note(sent);
    take_held(flow);
  }

  void wake(Duration at_latest) {
    const TimePoint when = io::Loop::now() + at_latest;
    if (timer_.armed() && due_ <= when) return;
    due_ = when;
    timer_.arm_at(when);
  }

  void tick() {
    const TimePoint now = io::Loop::now();
    while (!flows_.empty() && flows_.oldest_use() + idle_ <= now) forget(flows_.take_oldest());
    if (held_ > 0) {
      for (auto& entry : flows_) {
        Flow& flow = *entry.flow;
        while (!flow.held.empty() && flow.held.front().since + kHeldMax <= now) drop_held(flow);
        if (!flow.held.empty() && now - flow.opened >= kOpenAgain) open(flow);
      }
    }
    if (!flows_.empty()) wake(held_ > 0 ? Duration{kTick} : flows_.oldest_use() + idle_ - now);
  }

  io::Loop& loop_;
  spdlog::logger& log_;
  std::string address_;
  bool multicast_;
  bool both_loopbacks_;
  Duration idle_;
  io::Timer timer_;
  TimePoint due_{};
  std::unique_ptr<io::UdpSocket> socket_;
  std::unique_ptr<io::UdpSocket> twin_;  // on ::1 beside 127.0.0.1
  router::Router::LocalReceiver receiver_;
  BlockWriter blocks_{64 * 1024};
  FlowTable<io::UdpAddress, std::unique_ptr<Flow>> flows_;
  std::unordered_map<std::uint64_t, Flow*> by_number_;
  std::uint64_t last_number_ = 0;
  std::size_t held_ = 0, held_bytes_ = 0;  // of all flows
  Counters counters_;
};

Expected<std::unique_ptr<UdpStandIn>, io::Error> UdpStandIn::open(const Parts& parts, const StandInConfig& config, Duration idle) {
  auto impl = std::make_unique<Impl>(parts, config, idle);
  const auto listening = impl->listen();
  if (!listening) return Unexpected{listening.error()};
  return std::unique_ptr<UdpStandIn>{new UdpStandIn{std::move(impl)}};
}

UdpStandIn::UdpStandIn(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
UdpStandIn::~UdpStandIn() = default;
const Endpoint& UdpStandIn::local() const { return impl_->local_; }
bool UdpStandIn::reachable() const { return impl_->node_.reachable(impl_->producer_); }
Counters UdpStandIn::counters() const { return impl_->counters(); }

}  // namespace van::proxy
