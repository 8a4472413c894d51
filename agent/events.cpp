#include "agent/events.h"

#include <algorithm>
#include <deque>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/amqp/datagram.h"
#include "core/amqp/text.h"
#include "core/base/base64.h"
#include "core/base/datagram_limits.h"
#include "proxy/protocol.h"

namespace van::agent {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kRetry{5};
constexpr std::chrono::seconds kPatience{1};  // with a link that takes nothing; then only what is to go there is lost

std::string line_of(std::string_view payload) {
  const bool text = amqp::is_utf8(payload);
  return Json{{text ? "text" : "base64", text ? std::string{payload} : encode_base64(payload)}}.dump() + "\n";
}

}  // namespace

/// One client's queue. What it is too slow for goes, the oldest first, and is counted.
class Events::Subscription final : public HttpBodySource {
 public:
  Subscription(Events& events, std::string address) : events_{events}, address_{std::move(address)} {}
  ~Subscription() override { events_.unsubscribe(address_, *this); }

  void push(const std::string& line) {
    lines_.push_back(line);
    bytes_ += line.size();
    while (lines_.size() > limits::kEventsQueued || (bytes_ > limits::kEventBytesQueued && lines_.size() > 1)) {
      bytes_ -= lines_.front().size();
      lines_.pop_front();
      ++lost_;
    }
    if (wake_) wake_();
  }

  std::string pull(std::size_t bytes) override {
    std::string text;
    if (lost_ > 0) text = Json{{"lost", std::exchange(lost_, 0)}}.dump() + "\n";
    while (!lines_.empty() && text.size() < bytes) {
      text += lines_.front();
      bytes_ -= lines_.front().size();
      lines_.pop_front();
    }
    return text;
  }
  void set_wake(std::function<void()> wake) override { wake_ = std::move(wake); }

 private:
  Events& events_;
  std::string address_;
  std::deque<std::string> lines_;
  std::size_t bytes_ = 0;
  std::uint64_t lost_ = 0;
  std::function<void()> wake_;
};

Events::Events(io::Loop& loop) : retry_{loop, [this] { work(); }} {}

Events::~Events() { attach(nullptr); }

void Events::attach(Presence* presence) {
  for (auto& [address, topic] : topics_) {
    if (presence_ != nullptr) presence_->stop_receiving(topic.receiver);
    topic.receiver = presence == nullptr ? router::EndpointId{} : presence->receive(address, *this);
  }
  presence_ = presence;
}

std::unique_ptr<HttpBodySource> Events::subscribe(const std::string& address) {
  std::size_t subscribers = 0;
  for (const auto& [each, topic] : topics_) subscribers += topic.subscriptions.size();
  if (subscribers >= limits::kSubscribers) return nullptr;
  const std::string wire = proxy::wire_address(address, true);
  auto subscription = std::make_unique<Subscription>(*this, wire);
  Topic& topic = topics_[wire];
  if (topic.subscriptions.empty() && presence_ != nullptr) topic.receiver = presence_->receive(wire, *this);
  topic.subscriptions.push_back(subscription.get());
  return subscription;
}

void Events::unsubscribe(const std::string& address, Subscription& subscription) {
  const auto found = topics_.find(address);
  std::erase(found->second.subscriptions, &subscription);
  if (!found->second.subscriptions.empty()) return;
  if (presence_ != nullptr) presence_->stop_receiving(found->second.receiver);
  topics_.erase(found);
}

void Events::on_message(router::EndpointId receiver, const Slice& message) {
  const auto topic = std::ranges::find_if(topics_, [&](const auto& entry) { return entry.second.receiver == receiver; });
  const auto read = amqp::read_datagram(message.view());
  if (topic == topics_.end() || !read) return;
  const std::string line = line_of(as_text(read->payload));
  for (Subscription* subscription : topic->second.subscriptions) subscription->push(line);
}

void Events::publish(const std::string& address, std::vector<std::string> messages, Done done) {
  publications_.push_back({.address = proxy::wire_address(address, true), .messages = std::move(messages), .done = std::move(done)});
  work();
}

void Events::work() {
  for (auto publication = publications_.begin(); publication != publications_.end();) {
    if (!advance(*publication)) {
      ++publication;
      continue;
    }
    const Publication whole = std::move(*publication);
    publication = publications_.erase(publication);
    whole.done(whole.published);
  }
  if (!publications_.empty()) retry_.arm(kRetry);
}

bool Events::advance(Publication& publication) {
  const Bytes head = amqp::encode_datagram_head({.to = publication.address});
  for (; publication.next < publication.messages.size(); ++publication.next) {
    if (presence_ == nullptr) return false;
    if (presence_->room_for(publication.address)) {
      publication.stuck_since = kNever;
    } else {
      const TimePoint now = io::Loop::now();
      publication.stuck_since = std::min(publication.stuck_since, now);
      if (now - publication.stuck_since < kPatience) return false;
    }
    const Slice message = amqp::encode_datagram(head, as_bytes(publication.messages[publication.next]), blocks_);
    const auto sent = presence_->send(publication.address, message);
    ++publication.published.messages;
    if (sent == router::Router::Sent::no_room) ++publication.published.dropped;
    if (sent == router::Router::Sent::nobody) publication.published.known = false;
  }
  return true;
}

}  // namespace van::agent
