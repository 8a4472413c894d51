#include "proxy/udp_exposure.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "core/amqp/datagram.h"
#include "core/base/datagram_limits.h"
#include "core/io/name_lookup.h"
#include "core/io/timer.h"
#include "core/io/udp_socket.h"
#include "core/link/log.h"
#include "proxy/flow_table.h"
#include "proxy/udp_flow.h"

namespace van::proxy {
namespace {

constexpr std::chrono::seconds kFirstPause{1};  // of a target that refuses; each is twice the last one
constexpr std::chrono::seconds kLongestPause{30};
constexpr std::chrono::seconds kGoodFor{60};    // offered for so long without a refusal, it begins anew

}  // namespace

class UdpExposure::Impl final : public link::DatagramHandler {
 public:
  Impl(const Parts& parts, const ExposureConfig& config, Duration idle)
      : node_{parts.node},
        loop_{parts.loop},
        log_{parts.log},
        address_{config.address},
        multicast_{config.multicast},
        target_{config.target},
        cost_{config.cost},
        idle_{idle},
        own_{parts.node.add_local_receiver("udp", *this)},
        again_{parts.loop, [this] { look_up(); }},
        sweep_{parts.loop, [this] { sweep(); }} {
    look_up();
  }

  ~Impl() override {
    withdraw();
    node_.remove_endpoint(own_.endpoint);
  }

  void withdraw() {
    again_.cancel();
    lookup_.reset();
    hide();
    end_flows();
  }

  [[nodiscard]] Counters counters() const {
    Counters counters = counters_;
    counters.in_flight = flows_.size();
    for (const auto& entry : flows_) counters.dropped += lost_at(*entry.flow);
    return counters;
  }

  void on_message(router::EndpointId receiver, const Slice& message) override {
    const auto read = amqp::read_datagram(message.view());
    if (!read) {
      log_.debug("no datagram address={} why=\"{}\"", address_, read.error().description);
      return;
    }
    key_.assign(read->reply_to).append(1, '\n').append(read->group_id);
    if (read->subject == udp_flow::kAsk) return tell(*read, service_ ? udp_flow::kAck : udp_flow::kGone);
    if (!read->subject.empty()) return;
    if (!service_) {  // it was on its way when the target refused
      ++counters_.dropped;
      return tell(*read, udp_flow::kGone);
    }
    if (receiver == service_ && !multicast_) tell(*read, udp_flow::kAck);
    Flow* flow = flow_of(*read);
    if (flow == nullptr) {
      ++counters_.dropped;
      return;
    }
    counters_.bytes_in += read->payload.size();
    flow->socket->send(message.part(static_cast<std::size_t>(read->payload.data() - message.data()), read->payload.size()));
  }

  std::string trouble_;

 private:
  struct Flow final : io::UdpHandler {
    explicit Flow(Impl& owner) : impl{owner} {}
    void on_datagram(ByteView payload, const io::UdpAddress&) override { impl.answer(*this, payload); }
    void on_refused(const io::Error& error) override { impl.refused(error.message); }  // this is gone afterwards
    Impl& impl;
    std::string key{};
    std::string client{};  // address to answer to; empty: nobody waits for answers
    Bytes head{};          // of answers
    std::unique_ptr<io::UdpSocket> socket{};
  };

  static std::uint64_t lost_at(const Flow& flow) { return flow.socket->lost() + flow.socket->dropped_by_system(); }

  Flow* flow_of(const amqp::DatagramView& message) {
    const TimePoint now = io::Loop::now();
    if (const auto* known = flows_.use(key_, now)) return known->get();
    if (flows_.size() >= limits::kDatagramSockets) end(flows_.take_oldest());
    auto made = std::make_unique<Flow>(*this);
    auto socket = connect(*made);
    if (!socket) {
      log_.error("target not tried address={} target={} why=\"{}\"", address_, target_.text(), socket.error().message);
      return nullptr;
    }
    made->socket = *std::move(socket);
    made->key = key_;
    made->client = std::string{message.reply_to};
    made->head = amqp::encode_datagram_head({.to = made->client, .reply_to = own_.address, .group_id = std::string{message.group_id}});
    Flow& flow = *flows_.add(key_, std::move(made), now);
    ++counters_.connections;
    node_.set_load(service_, static_cast<std::uint32_t>(flows_.size()));
    if (!sweep_.armed()) sweep_.arm(idle_);
    return &flow;
  }

  io::Result<std::unique_ptr<io::UdpSocket>> connect(Flow& flow) {
    auto socket = io::UdpSocket::connect(loop_, addresses_[turn_], flow);
    if (socket || socket.error().code != io::Error::Code::no_space || flows_.empty()) return socket;
    end(flows_.take_oldest());  // no file left for another one: one that is idle gives way
    return io::UdpSocket::connect(loop_, addresses_[turn_], flow);
  }

  void answer(Flow& flow, ByteView payload) {
    answers_ = true;
    flows_.use(flow.key, io::Loop::now());
    if (flow.client.empty()) return;
    counters_.bytes_out += payload.size();
    if (node_.send_datagram(flow.client, amqp::encode_datagram(flow.head, payload, blocks_)) != router::Router::Sent::yes) ++counters_.dropped;
  }

  /// Says something about a flow to its client.
  void tell(const amqp::DatagramView& flow, std::string_view subject) { tell(std::string{flow.reply_to}, std::string{flow.group_id}, subject); }
  void tell(const std::string& client, const std::string& name, std::string_view subject) {
    if (client.empty()) return;
    const Bytes head = amqp::encode_datagram_head({.to = client, .subject = std::string{subject}, .reply_to = own_.address, .group_id = name});
    node_.send_datagram(client, amqp::encode_datagram(head, {}, blocks_));
  }

  void end(std::unique_ptr<Flow> flow) {
    counters_.dropped += lost_at(*flow);
    node_.set_load(service_, static_cast<std::uint32_t>(flows_.size()));
  }
  void end_flows() {
    while (!flows_.empty()) {
      auto flow = flows_.take_oldest();
      if (!multicast_) tell(flow->client, flow->key.substr(flow->client.size() + 1), udp_flow::kGone);
      end(std::move(flow));
    }
  }

  void sweep() {
    const TimePoint now = io::Loop::now();
    while (!flows_.empty() && flows_.oldest_use() + idle_ <= now) end(flows_.take_oldest());
    if (!flows_.empty()) sweep_.arm_at(flows_.oldest_use() + idle_);
  }

  // ---- The target ----

  void look_up() {
    lookup_ = std::make_unique<io::NameLookup>(loop_, target_.host, target_.port, [this](io::Result<std::vector<io::UdpAddress>> found) {
      if (!found) return pause(found.error().message);
      addresses_ = *std::move(found);
      turn_ %= addresses_.size();
      offer();
    });
  }

  void offer() {
    if (!trouble_.empty()) log_.info("address offered again address={} target={}", address_, target_.text());
    trouble_.clear();
    offered_at_ = io::Loop::now();
    service_ = node_.add_receiver(address_, cost_, *this);
  }

  void hide() {
    if (service_) node_.remove_endpoint(std::exchange(service_, {}));
  }

  void refused(const std::string& why) {
    if (!service_) return;
    if (!answers_ && turn_ + 1 < addresses_.size()) {  // nothing is known to be behind this one: perhaps behind the next
      ++turn_;
      while (!flows_.empty()) end(flows_.take_oldest());  // new sockets; for their clients nothing changes
      return;
    }
    if (!answers_) turn_ = 0;
    hide();
    end_flows();
    pause(why);
  }

  void pause(const std::string& why) {
    log_.warn("target failed, address withdrawn address={} target={} why=\"{}\"", address_, target_.text(), why);
    trouble_ = why;
    const bool anew = pause_ == Duration::zero() || io::Loop::now() - offered_at_ > kGoodFor;
    pause_ = anew ? Duration{kFirstPause} : std::min<Duration>(pause_ * 2, kLongestPause);
    again_.arm(pause_);
  }

  link::Node& node_;
  io::Loop& loop_;
  spdlog::logger& log_;
  std::string address_;
  bool multicast_;
  Endpoint target_;
  std::uint32_t cost_;
  Duration idle_;
  router::Router::LocalReceiver own_;
  router::EndpointId service_;  // none while the target fails, and after withdraw()
  std::unique_ptr<io::NameLookup> lookup_;
  std::vector<io::UdpAddress> addresses_;  // of the target
  std::size_t turn_ = 0;                   // which of them is used
  bool answers_ = false;                   // it has said something once
  TimePoint offered_at_{};
  Duration pause_{};
  io::Timer again_;
  io::Timer sweep_;
  BlockWriter blocks_{64 * 1024};
  FlowTable<std::string, std::unique_ptr<Flow>> flows_;
  std::string key_;  // of the message being read
  Counters counters_;
};

UdpExposure::UdpExposure(const Parts& parts, const ExposureConfig& config, Duration idle) : impl_{std::make_unique<Impl>(parts, config, idle)} {}
UdpExposure::~UdpExposure() = default;
void UdpExposure::withdraw() { impl_->withdraw(); }
bool UdpExposure::idle() const { return true; }
const std::string& UdpExposure::trouble() const { return impl_->trouble_; }
Counters UdpExposure::counters() const { return impl_->counters(); }

}  // namespace van::proxy
