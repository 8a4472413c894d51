#include "agent/telemetry.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace van::agent {
namespace {

Moment moment() {
  const auto wall = io::Loop::wall_clock().time_since_epoch();
  return {io::Loop::now(), static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(wall).count())};
}

}  // namespace

struct Telemetry::Inbox final : link::MessageHandler {
  explicit Inbox(std::function<void(const amqp::Message&)> on_take) : take{std::move(on_take)} {}
  void on_message(amqp::Message message) override { take(message); }

  std::function<void(const amqp::Message&)> take;
  router::EndpointId endpoint;
};

/// Hears whether somebody takes what we send to an address.
struct Telemetry::Audience final : link::ProducerHandler {
  explicit Audience(std::function<void(bool)> on_change) : changed{std::move(on_change)} {}
  void on_reachability(bool reachable) override { changed(reachable); }

  std::function<void(bool)> changed;
  router::ProducerId producer;
};

Telemetry::Telemetry(Parts parts)
    : parts_{std::move(parts)},
      source_{parts_.rng},
      collector_{source_.self().id},
      work_{parts_.loop, [this] { run(); }},
      timer_{parts_.loop, [this] { run(); }} {
  listen({}, vanflow::kBeacons, [this](const amqp::Message& message) { collector_.receive_beacon(message, io::Loop::now()); });
  listen({}, source_.self().direct, [this](const amqp::Message& message) {
    const auto telegram = vanflow::read_telegram(message);
    if (telegram && std::holds_alternative<vanflow::Flush>(*telegram)) source_.flush(io::Loop::now());
  });
  const auto watch = [this](const std::string& address, auto heard) {
    audiences_.push_back(std::make_unique<Audience>([this, heard](bool reachable) {
      (source_.*heard)(reachable, io::Loop::now());
      work_.schedule();
    }));
    audiences_.back()->producer = parts_.node.add_producer(address, *audiences_.back());
  };
  watch(vanflow::kBeacons, &TelemetrySource::beacons_heard);
  watch(source_.self().address, &TelemetrySource::stream_heard);
}

Telemetry::~Telemetry() {
  for (const auto& [source, inbox] : inboxes_) parts_.node.remove_endpoint(inbox->endpoint);
  for (const auto& audience : audiences_) parts_.node.remove_producer(audience->producer);
}

void Telemetry::changed() {
  source_.changed(io::Loop::now());
  work_.schedule();
}

void Telemetry::suggest(const std::string& identity) {
  collector_.suggest(identity, io::Loop::now());
  work_.schedule();
}

void Telemetry::close() {
  source_.close(moment());
  while (auto message = source_.poll_message()) parts_.node.send_message(*std::move(message));
}

void Telemetry::listen(const std::string& source, const std::string& address, std::function<void(const amqp::Message&)> take) {
  auto inbox = std::make_unique<Inbox>([this, take = std::move(take)](const amqp::Message& message) {
    take(message);
    work_.schedule();
  });
  const auto treatment = address == source_.self().direct ? routing::Treatment::closest : routing::Treatment::multicast;
  inbox->endpoint = parts_.node.add_endpoint(address, treatment, *inbox);
  inboxes_.emplace(source, std::move(inbox));
}

void Telemetry::forget(const std::string& source) {
  const auto [begin, end] = inboxes_.equal_range(source);
  for (auto inbox = begin; inbox != end; ++inbox) parts_.node.remove_endpoint(inbox->second->endpoint);
  inboxes_.erase(begin, end);
}

void Telemetry::run() {
  const TimePoint now = io::Loop::now();
  collector_.handle_deadline(now);
  while (auto command = collector_.poll_command()) std::visit([this](auto& each) { obey(std::move(each)); }, *command);
  if (source_.next_deadline() <= now) source_.handle_deadline(parts_.describe(), moment());
  while (auto message = source_.poll_message()) parts_.node.send_message(*std::move(message));
  timer_.arm_at(std::min(source_.next_deadline(), collector_.next_deadline()));
  if (std::exchange(told_, collector_.revision()) != collector_.revision()) parts_.news();
}

void Telemetry::obey(TelemetryCollector::Subscribe command) {
  for (const std::string& address : command.addresses)
    listen(command.source, address, [this, source = command.source](const amqp::Message& message) {
      collector_.receive(source, message, io::Loop::now());
    });
}

void Telemetry::obey(TelemetryCollector::Unsubscribe command) { forget(command.source); }

void Telemetry::obey(TelemetryCollector::Newcomer) { source_.newcomer(io::Loop::now()); }

void Telemetry::obey(amqp::Message message) { parts_.node.send_message(std::move(message)); }

}  // namespace van::agent
