#include "proxy/probe.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace van::proxy {
namespace {

constexpr std::chrono::seconds kProbeTimeout{2};  ///< to connect, and again for the answer

/// RFC 9112 §3.2 wants a Host, also of a Unix socket.
std::string request(const HealthCheck& check, const Endpoint& target) {
  const std::string host = target.is_path() ? "localhost" : target.text();
  return "GET " + check.path + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: vanctl/" VAN_VERSION "\r\nAccept: */*\r\nConnection: close\r\n\r\n";
}

}  // namespace

Probe::Probe(io::Loop& loop, Target& target, const HealthCheck& check, Done done)
    : endpoint_{target.endpoint()},
      check_{check},
      done_{std::move(done)},
      limit_{loop, [this] { over("no answer within 2 s"); }},
      connecting_{target.connect({}, kProbeTimeout, [this](io::Result<std::unique_ptr<io::Stream>> result) { connected(std::move(result)); })} {}

void Probe::connected(io::Result<std::unique_ptr<io::Stream>> result) {
  if (!result) return over(io::Result<void>{Unexpected{result.error()}});
  if (check_.kind != HealthCheck::Kind::http) return over(io::Result<void>{});
  stream_ = *std::move(result);
  stream_->set_handler(*this);
  limit_.arm(kProbeTimeout);
  stream_->read_start();
  stream_->write(Slice::copy_of(as_bytes(request(check_, endpoint_))));
}

void Probe::on_data(Slice data) {
  for (ByteView rest = data.view(); !rest.empty();) {
    const auto read = answer_.feed(rest, {});
    if (!read) return over("what it answers is not HTTP/1: " + std::string{read.error().what});
    if (!answer_.whole()) return;
    const int status = answer_.head().status;
    if (status >= 200 && status < 400) return over(io::Result<void>{});
    if (!answer_.head().interim()) return over("it answers " + std::to_string(status));
    answer_.reset();
    rest = rest.subspan(*read);
  }
}

void Probe::on_end() { over("it closes the connection without an answer"); }

void Probe::on_closed(const io::Error& error) { over(error.message); }

void Probe::over(std::string why) {
  over(io::Result<void>{Unexpected{io::Error{io::Error::Code::other, "GET " + check_.path + ": " + std::move(why)}}});
}

void Probe::over(const io::Result<void>& result) {
  limit_.cancel();
  stream_.reset();
  const Done done = std::move(done_);  // may destroy us
  done(result);
}

}  // namespace van::proxy
