#include "agent/http_server.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/base/limits.h"

namespace van::agent {
namespace {

using namespace std::chrono_literals;

constexpr Duration kIdleMin = 5s;                       // a connection that may give way to a new one
constexpr std::size_t kOutputHighWater = 64 * 1024;     // bytes waiting for a client: above it no body is pulled
constexpr std::size_t kPullBytes = 16 * 1024;
constexpr std::size_t kWaitingBytesMax = 64 * 1024;     // of requests behind the one being worked on
constexpr std::size_t kDiscardBytesMax = 8u << 20;      // read and dropped after an error, so that the client sees it

std::string_view reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 504: return "Gateway Timeout";
    default: return "Unknown";
  }
}

}  // namespace

class HttpServer::Connection final : public io::StreamHandler {
 public:
  Connection(HttpServer& server, std::uint64_t number, std::unique_ptr<io::Stream> stream)
      : server_{server},
        number_{number},
        stream_{std::move(stream)},
        active_{io::Loop::now()},
        turn_{server.loop_, [this] { turn(); }} {
    stream_->set_handler(*this);
    stream_->set_low_water(kOutputHighWater / 2);
    stream_->read_start();
  }

  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] bool written() const { return finished_ || stream_->queued_bytes() == 0; }
  /// Waits for its client, not for us.
  [[nodiscard]] bool idle_since(TimePoint time) const { return !busy_ && active_ <= time; }
  [[nodiscard]] TimePoint active() const { return active_; }

  void answer(std::uint32_t exchange, HttpResponse response) {
    if (finished_ || !busy_ || exchange != exchange_ || source_ != nullptr) return;
    if (response.source != nullptr) {
      write(head(response.status, response.content_type, "Transfer-Encoding: chunked"));
      source_ = std::move(response.source);
      source_->set_wake([this] { turn_.schedule(); });
      turn_.schedule();
      return;
    }
    write(head(response.status, response.content_type, fmt::format("Content-Length: {}", response.body.size())) +
          response.body);
    busy_ = false;
    if (!keep_alive_ || stream_->ended()) return hang_up();
    turn_.schedule();  // not here: a client that sends many requests at once must not nest them on the stack
  }

 private:
  // ---- io::StreamHandler ----
  void on_data(Slice data) override {
    active_ = io::Loop::now();
    if (hanging_up_) {
      discarded_ += data.size();
      if (discarded_ > kDiscardBytesMax) finish();
      return;
    }
    parser_.push(data.view());
    pump();
  }
  void on_end() override {
    // While we work on a request, its answer may still be read.
    if (source_ != nullptr || hanging_up_ || !busy_) finish_when_written();
  }
  void on_drained() override {
    active_ = io::Loop::now();
    if (closing_ && stream_->queued_bytes() == 0) return finish();
    if (source_ != nullptr) pull();
    if (server_.flushed_) server_.reaper_.schedule();
  }
  void on_closed(const io::Error&) override { finish(); }

  void turn() {
    pump();
    pull();
  }

  /// Takes the next request off the parser, if it is time for it.
  void pump() {
    if (!busy_ && !hanging_up_ && !finished_) {
      auto request = parser_.next();
      if (!request) return refuse(request.error());
      if (*request) {
        busy_ = true;
        keep_alive_ = (*request)->keep_alive;
        ++exchange_;
        server_.handler_(ExchangeId{number_ << 32 | exchange_}, **request);
      } else if (parser_.take_expects_continue()) {
        write("HTTP/1.1 100 Continue\r\n\r\n");
      }
    }
    if (finished_ || hanging_up_) return;
    if (busy_ && parser_.waiting_bytes() > kWaitingBytesMax) {
      stream_->read_stop();
    } else {
      stream_->read_start();
    }
  }

  void refuse(const HttpError& error) {
    const std::string body = fmt::format(R"({{"error":{{"code":"bad_request","message":"{}"}}}})", error.message);
    keep_alive_ = false;
    write(head(error.status, "application/json", fmt::format("Content-Length: {}", body.size())) + body);
    hang_up();
  }

  void pull() {
    while (source_ != nullptr && !finished_ && stream_->queued_bytes() < kOutputHighWater) {
      const std::string part = source_->pull(kPullBytes);
      if (part.empty()) return;
      write(fmt::format("{:x}\r\n{}\r\n", part.size(), part));
    }
  }

  [[nodiscard]] std::string head(int status, std::string_view content_type, std::string_view length) const {
    return fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\n{}\r\nCache-Control: no-store\r\n{}\r\n", status,
                       reason(status), content_type, length, keep_alive_ ? "" : "Connection: close\r\n");
  }
  void write(std::string_view text) {
    active_ = io::Loop::now();
    if (!finished_) stream_->write(Slice::copy_of(as_bytes(text)));
  }

  /// Says that nothing more comes and reads on, so that a client that still sends finds the answer and no reset.
  void hang_up() {
    hanging_up_ = true;
    stream_->shutdown();
    if (stream_->ended()) return finish_when_written();
    stream_->read_start();
  }
  void finish_when_written() {
    if (source_ != nullptr || stream_->queued_bytes() == 0) return finish();
    closing_ = true;
    if (!stream_->shut()) stream_->shutdown();
  }
  void finish() {
    finished_ = true;
    source_.reset();
    server_.reaper_.schedule();
  }

  HttpServer& server_;
  std::uint64_t number_;
  std::unique_ptr<io::Stream> stream_;
  HttpRequestParser parser_;
  std::unique_ptr<HttpBodySource> source_;
  TimePoint active_;
  std::uint32_t exchange_ = 0;
  bool busy_ = false;  // a request has no (whole) answer yet
  bool keep_alive_ = true;
  bool hanging_up_ = false;
  bool closing_ = false;
  bool finished_ = false;
  std::size_t discarded_ = 0;
  io::Deferred turn_;
};

HttpServer::HttpServer(io::Loop& loop, Handler handler)
    : loop_{loop}, handler_{std::move(handler)}, reaper_{loop, [this] { reap(); }} {}

HttpServer::~HttpServer() = default;

void HttpServer::accept(std::unique_ptr<io::Stream> stream) {
  make_room();
  if (connections_.size() >= limits::kApiConnections) return;
  const std::uint64_t number = ++last_connection_ & 0xffff'ffff;
  connections_.insert_or_assign(number, std::make_unique<Connection>(*this, number, std::move(stream)));
}

void HttpServer::make_room() {
  if (connections_.size() < limits::kApiConnections) return;
  const auto longest_idle = std::ranges::min_element(
      connections_, {}, [](const auto& entry) { return entry.second->idle_since(kNever) ? entry.second->active() : kNever; });
  if (longest_idle->second->idle_since(io::Loop::now() - kIdleMin)) connections_.erase(longest_idle);
}

void HttpServer::answer(ExchangeId exchange, HttpResponse response) {
  const auto found = connections_.find(exchange.value >> 32);
  if (found == connections_.end()) return;
  found->second->answer(static_cast<std::uint32_t>(exchange.value & 0xffff'ffff), std::move(response));
}

void HttpServer::flush(std::function<void()> done) {
  flushed_ = std::move(done);
  reaper_.schedule();
}

bool HttpServer::all_written() const {
  return std::ranges::all_of(connections_, [](const auto& entry) { return entry.second->written(); });
}

void HttpServer::reap() {
  std::erase_if(connections_, [](const auto& entry) { return entry.second->finished(); });
  if (flushed_ && all_written()) std::exchange(flushed_, nullptr)();
}

}  // namespace van::agent
