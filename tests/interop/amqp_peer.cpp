// One end of a conversation with another implementation: connects or listens, sends or receives messages over one link, and
// prints what it has seen, one "key=value" a line. The message body is binary, octet i is i modulo 251.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/amqp/connection.h"
#include "core/amqp/message.h"
#include "tests/interop/socket.h"

namespace van::interop {
namespace {

struct Options {
  std::optional<std::uint16_t> port;  ///< to connect to; else listen
  bool sends = false;
  std::size_t count = 1;
  std::size_t size = 10;
  bool settled = false;
  std::uint32_t credit = 10;                        ///< receiver: kept granted
  std::vector<std::string> outcomes{"accepted"};    ///< receiver: in turn
  std::size_t detach_after = SIZE_MAX;              ///< deliveries after which we detach with an error
  Duration hold{};                                  ///< silence before the last message
  amqp::Connection::Config config;
};

Bytes body_of(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i % 251);
  return bytes;
}

amqp::DeliveryState state_of(const std::string& outcome) {
  if (outcome == "rejected") return amqp::Rejected{amqp::Error{"amqp:not-allowed", "as asked", {}}};
  if (outcome == "released") return amqp::Released{};
  if (outcome == "modified") return amqp::Modified{true, true, {}};
  return amqp::Accepted{};
}
const char* name_of(const std::optional<amqp::DeliveryState>& state) {
  static constexpr const char* kNames[] = {"received", "accepted", "rejected", "released", "modified", "other"};
  return state ? kNames[state->index()] : "none";
}

/// Sends or receives on one link, and counts.
class Application {
 public:
  Application(Options options, amqp::Connection& engine) : options_{std::move(options)}, engine_{engine} {}

  void start() {
    if (!options_.port) return;
    const auto session = engine_.begin_session();
    amqp::Connection::AttachOptions attach;
    attach.role = options_.sends ? amqp::LinkRole::sender : amqp::LinkRole::receiver;
    attach.name = "interop";
    (options_.sends ? attach.target : attach.source)->address = "examples";
    attach.credit = options_.credit;
    link_ = engine_.attach(session, attach);
  }

  void operator()(const amqp::Opened& event) { report("peer", event.peer.container_id); }
  void operator()(const amqp::SessionBegun&) {}
  void operator()(const amqp::SessionEnded& event) { report_error("session_error", event.error); }
  void operator()(const amqp::Attached& event) {
    if (!event.by_peer) return;
    const bool wanted = (event.role == amqp::LinkRole::sender) == options_.sends;
    if (!wanted) {
      engine_.refuse_attach(event.link, {std::string{amqp::condition::not_allowed}, "the other role is played here", {}});
      return;
    }
    link_ = event.link;
    engine_.accept_attach(event.link, event.source, event.target, options_.credit);
  }
  void operator()(const amqp::Detached& event) {
    report_error("link_error", event.error);
    detached_ = true;
  }
  void operator()(const amqp::CreditChanged& event) {
    if (!event.drain) return;
    report("drained", std::to_string(event.credit));
    if (options_.sends) send(time_now());  // now or never
  }
  void operator()(const amqp::TransferReceived& event) {
    if (event.aborted) {
      incoming_.clear();
      ++counts_["aborted"];
      return;
    }
    incoming_.push(event.payload);
    if (event.more) return;
    take_message(event);
  }
  void operator()(const amqp::DeliveryUpdated& event) {
    ++counts_[name_of(event.state)];
    if (event.settled) ++counts_["settled"];
    if (event.settled || !event.state || !is_terminal(*event.state)) return;
    engine_.update(event.delivery, std::nullopt, true);  // a receiver that waits for us to settle
    ++counts_["settled"];
  }
  void operator()(const amqp::SessionWritable&) {}
  void operator()(const amqp::Closed& event) { report_error("closed", event.error); }

  /// Sends what may be sent now.
  void work(TimePoint now) {
    if (begun_at_ == TimePoint{} && engine_.is_open()) begun_at_ = now;
    if (options_.sends) send(now);
    if (done(now) && options_.port) engine_.close();
  }
  /// When work() has something to do that no event announces.
  [[nodiscard]] TimePoint next_work() const { return hold_end(); }
  void print() const {
    for (const auto& [name, count] : counts_) std::printf("%s=%zu\n", name.c_str(), count);
  }

 private:
  [[nodiscard]] TimePoint hold_end() const {
    const bool waits = options_.hold > Duration{} && begun_at_ != TimePoint{} && !hold_over_;
    return waits ? begun_at_ + options_.hold : kNever;
  }
  [[nodiscard]] bool held(TimePoint now) const { return hold_end() != kNever && now < hold_end(); }

  void send(TimePoint now) {
    if (held(now)) return;
    hold_over_ = hold_over_ || hold_end() != kNever;
    while (engine_.output().bytes() < limits::kOutputHighWater) {
      if (!sending_) {
        if (counts_["sent"] == options_.count) return;
        sending_ = engine_.begin_delivery(link_, options_.settled);
        if (!sending_) return;
        amqp::Message message;
        message.body = amqp::Value{body_of(options_.size)};
        outgoing_.push_copy(amqp::encode_message(message));
      }
      const auto sent = engine_.send(*sending_, outgoing_, amqp::Connection::End::last, limits::kOutputHighWater);
      if (!sent.complete && sent.bytes == 0) return;
      if (!sent.complete) continue;
      sending_.reset();
      if (++counts_["sent"] == options_.detach_after) detach();
    }
  }

  void take_message(const amqp::TransferReceived& event) {
    const Bytes bytes = incoming_.peek(incoming_.bytes());
    incoming_.clear();
    const auto message = amqp::decode_message(bytes);
    const auto* body = message && message->body ? message->body->get_if<amqp::Binary>() : nullptr;
    ++counts_["received"];
    if (event.settled) ++counts_["received_settled"];
    ++counts_[body != nullptr && *body == body_of(options_.size) ? "good" : "bad"];
    const std::size_t number = counts_["received"];
    if (!event.settled) {
      engine_.update(event.delivery, state_of(options_.outcomes[(number - 1) % options_.outcomes.size()]), true);
    }
    if (number == options_.detach_after) detach();
  }

  void detach() {
    engine_.detach(link_, amqp::Error{std::string{amqp::condition::internal_error}, "as asked", {}});
    detached_ = true;
  }

  [[nodiscard]] bool done(TimePoint now) {
    if (detached_) return true;
    if (!options_.sends) return counts_["received"] == options_.count && !held(now);
    return counts_["sent"] == options_.count && (options_.settled || counts_["settled"] == options_.count);
  }

  static void report(const char* key, const std::string& value) { std::printf("%s=%s\n", key, value.c_str()); }
  static void report_error(const char* key, const std::optional<amqp::Error>& error) {
    report(key, error ? error->condition : "");
  }

  Options options_;
  amqp::Connection& engine_;
  amqp::LinkId link_;
  std::optional<amqp::DeliveryId> sending_;
  SliceQueue outgoing_;
  SliceQueue incoming_;
  bool detached_ = false;
  bool hold_over_ = false;
  TimePoint begun_at_;
  std::map<std::string, std::size_t> counts_;
};

/// The pump: bytes and deadlines in, events, then output.
void talk(Socket& socket, const Options& options) {
  amqp::Connection engine{options.config, time_now()};
  Application application{options, engine};
  application.start();
  for (;;) {
    application.work(time_now());
    while (auto event = engine.poll_event()) std::visit(application, *event);
    const bool idle = engine.output().empty();
    if (!socket.write(engine.output())) engine.transport_closed(time_now());
    if (engine.is_closed() && engine.output().empty()) break;
    const TimePoint deadline = std::min(engine.next_deadline(), application.next_work());
    const Duration timeout = deadline == kNever ? Duration{std::chrono::minutes{1}} : deadline - time_now();
    if (socket.wait(idle ? timeout : Duration{})) {
      Slice bytes = socket.read();
      if (bytes.empty()) {
        engine.transport_closed(time_now());
      } else {
        engine.receive(std::move(bytes), time_now());
      }
    }
    engine.handle_deadline(time_now());
  }
  while (auto event = engine.poll_event()) std::visit(application, *event);
  application.print();
  socket.shutdown_write();
  while (!socket.read().empty()) {  // until the peer has read everything, so that nothing is reset
  }
}

[[noreturn]] void usage(const char* what) {
  std::fprintf(stderr, "amqp_peer: %s\n", what);
  std::exit(2);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

Options parse(int argc, char** argv) {
  Options options;
  options.config.container_id = "amqp_peer";
  options.config.side = amqp::Connection::Side::server;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--sends") {
      options.sends = true;
    } else if (name == "--settled") {
      options.settled = true;
    } else if (++i == argc) {
      usage("a value is missing");
    } else if (name == "--outcomes") {
      options.outcomes = split(argv[i]);
    } else {
      const auto number = std::strtoull(argv[i], nullptr, 10);
      if (name == "--connect") {
        options.port = static_cast<std::uint16_t>(number);
        options.config.side = amqp::Connection::Side::client;
      } else if (name == "--count") {
        options.count = number;
      } else if (name == "--size") {
        options.size = number;
      } else if (name == "--credit") {
        options.credit = static_cast<std::uint32_t>(number);
      } else if (name == "--window") {
        options.config.session_window_frames = static_cast<std::uint32_t>(number);
      } else if (name == "--frame") {
        options.config.max_frame_size = static_cast<std::uint32_t>(number);
      } else if (name == "--idle") {
        options.config.idle_timeout = std::chrono::milliseconds{number};
      } else if (name == "--hold") {
        options.hold = std::chrono::milliseconds{number};
      } else if (name == "--detach-after") {
        options.detach_after = number;
      } else {
        usage("unknown option");
      }
    }
  }
  return options;
}

}  // namespace
}  // namespace van::interop

int main(int argc, char** argv) {
  const auto options = van::interop::parse(argc, argv);
  auto socket = options.port ? van::interop::Socket::connect(*options.port) : van::interop::Socket::listen();
  van::interop::talk(socket, options);
  return 0;
}
