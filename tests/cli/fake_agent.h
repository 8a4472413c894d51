#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace van::test {

/// Listens on a Unix socket and answers each connection's one request with the bytes that a test wants, then closes it.
/// The path must fit a socket address; move the file for a longer one.
class FakeAgent {
 public:
  struct Request {
    std::string line;  ///< "GET /v1/status HTTP/1.1"
    std::string body;
  };
  using Respond = std::function<std::string(const Request&)>;

  FakeAgent(const std::filesystem::path& socket, Respond respond);
  FakeAgent(const FakeAgent&) = delete;
  FakeAgent& operator=(const FakeAgent&) = delete;
  ~FakeAgent();

  [[nodiscard]] std::vector<Request> requests() const;

 private:
  void serve();
  void answer(int connection);

  Respond respond_;
  int listener_;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::thread thread_;
};

/// An HTTP answer with a JSON body.
std::string http_answer(int status, std::string_view body);

}  // namespace van::test
