#pragma once

#include <sys/socket.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/io/loop.h"
#include "core/io/stream.h"
#include "tests/support/catch.h"

namespace van::test {

/// Two connected local streams.
inline std::pair<std::unique_ptr<io::Stream>, std::unique_ptr<io::Stream>> stream_pair(io::Loop& loop) {
  int fds[2] = {-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  auto one = io::Stream::adopt(loop, fds[0]);
  auto two = io::Stream::adopt(loop, fds[1]);
  REQUIRE(one);
  REQUIRE(two);
  return {*std::move(one), *std::move(two)};
}

/// A client of the control API that shows the bytes it got.
class HttpClient final : public io::StreamHandler {
 public:
  explicit HttpClient(std::unique_ptr<io::Stream> stream) : stream_{std::move(stream)} {
    stream_->set_handler(*this);
    stream_->read_start();
  }
  void send(std::string_view text) { stream_->write(Slice::copy_of(as_bytes(text))); }
  void request(std::string_view method, std::string_view target, std::string_view body = {}) {
    send(std::string{method} + " " + std::string{target} + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + std::string{body});
  }
  io::Stream& stream() { return *stream_; }
  void hang_up() { stream_.reset(); }

  std::string received;
  bool ended = false;

  /// Answers that are here whole; they have a Content-Length.
  [[nodiscard]] std::size_t answers() const {
    std::size_t count = 0;
    std::string_view rest = received;
    while (take_answer(rest)) ++count;
    return count;
  }
  /// Status line's code and body of the first answer, which is taken off.
  std::pair<int, std::string> take() {
    std::string_view rest = received;
    const std::string_view answer = rest.substr(0, answer_size(rest));
    REQUIRE_FALSE(answer.empty());
    const int status = std::stoi(std::string{answer.substr(9, 3)});
    std::string body{answer.substr(answer.find("\r\n\r\n") + 4)};
    received.erase(0, answer.size());
    return {status, std::move(body)};
  }

 private:
  static std::size_t answer_size(std::string_view text) {
    constexpr std::string_view field = "Content-Length: ";
    const std::size_t head = text.find("\r\n\r\n");
    const std::size_t length = text.find(field);
    if (head == std::string_view::npos || length > head) return 0;
    const std::size_t size = head + 4 + std::stoul(std::string{text.substr(length + field.size(), 10)});
    return text.size() >= size ? size : 0;
  }
  static bool take_answer(std::string_view& rest) {
    const std::size_t size = answer_size(rest);
    rest.remove_prefix(size);
    return size > 0;
  }

  void on_data(Slice data) override { received += as_text(data.view()); }
  void on_end() override { ended = true; }
  void on_closed(const io::Error&) override { ended = true; }

  std::unique_ptr<io::Stream> stream_;
};

}  // namespace van::test
