#include "tests/cli/fake_agent.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace van::test {
namespace {

/// Reads to the end of a request; empty when the client only looked whether somebody answers.
std::string read_request(int connection) {
  std::string text;
  std::array<char, 65536> block;
  std::size_t whole = std::string::npos;
  while (text.size() < whole) {
    const ssize_t count = ::read(connection, block.data(), block.size());
    if (count <= 0) return {};
    text.append(block.data(), static_cast<std::size_t>(count));
    const std::size_t head = text.find("\r\n\r\n");
    if (head == std::string::npos) continue;
    const std::size_t length = text.find("Content-Length: ");
    whole = head + 4 + (length < head ? std::strtoul(text.c_str() + length + 16, nullptr, 10) : 0);
  }
  return text;
}

void write_all(int connection, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

FakeAgent::FakeAgent(const std::filesystem::path& socket, Respond respond)
    : respond_{std::move(respond)}, listener_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.string().size() >= sizeof address.sun_path) std::abort();
  std::strcpy(address.sun_path, socket.c_str());
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 16) != 0)
    std::abort();
  thread_ = std::thread{[this] { serve(); }};
}

FakeAgent::~FakeAgent() {
  ::shutdown(listener_, SHUT_RDWR);  // ends accept()
  thread_.join();
  ::close(listener_);
}

std::vector<FakeAgent::Request> FakeAgent::requests() const {
  const std::lock_guard lock{mutex_};
  return requests_;
}

void FakeAgent::serve() {
  for (;;) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return;
    answer(connection);
    ::close(connection);
  }
}

void FakeAgent::answer(int connection) {
  const std::string text = read_request(connection);
  if (text.empty()) return;
  Request request{text.substr(0, text.find("\r\n")), text.substr(text.find("\r\n\r\n") + 4)};
  {
    const std::lock_guard lock{mutex_};
    requests_.push_back(request);
  }
  write_all(connection, respond_(request));
}

std::string http_answer(int status, std::string_view body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " Some\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + std::string{body};
}

}  // namespace van::test
