#include "core/io/udp_sender.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace van::io {
namespace {

using Words = std::vector<std::string>;

/// The system, as it was told: a message is its datagrams, joined.
struct System {
  static int call(int, UdpSender::Message* messages, unsigned count, int) {
    ++self->calls;
    for (unsigned i = 0; i < count; ++i) {
      std::string message;
      const msghdr& header = messages[i].msg_hdr;
      for (std::size_t piece = 0; piece < header.msg_iovlen; ++piece) {
        if (piece > 0) message += '|';
        message.append(static_cast<const char*>(header.msg_iov[piece].iov_base), header.msg_iov[piece].iov_len);
      }
      CHECK((header.msg_control != nullptr) == (header.msg_iovlen > 1));
      if (const int error = self->judge(message); error != 0) {
        errno = error;
        return i > 0 ? static_cast<int>(i) : -1;
      }
      self->taken.push_back(message);
    }
    return static_cast<int>(count);
  }
  System() { self = this; }
  static inline System* self = nullptr;

  std::function<int(const std::string& message)> judge = [](const std::string&) { return 0; };  ///< errno, 0: it is taken
  Words taken;
  int calls = 0;
};

/// What takes datagrams that follow each other as one, as far as the system here knows that.
struct Socket {
  ~Socket() { ::close(fd); }
  int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  [[nodiscard]] bool joins() const {
#ifdef UDP_SEGMENT
    int size = 0;
    socklen_t length = sizeof size;
    return ::getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, &length) == 0;
#else
    return false;
#endif
  }
};

std::vector<UdpSender::Datagram> datagrams(const Words& words, std::uint16_t port = 0) {
  std::vector<UdpSender::Datagram> all;
  for (const std::string& word : words) all.push_back({Slice::copy_of(as_bytes(word)), port == 0 ? UdpAddress{} : *UdpAddress::numeric("127.0.0.1", port)});
  return all;
}

/// The datagrams of all messages that were taken.
Words apart(const Words& messages) {
  Words words;
  for (const std::string& message : messages) {
    std::size_t begin = 0;
    for (std::size_t bar = 0; (bar = message.find('|', begin)) != std::string::npos; begin = bar + 1) words.push_back(message.substr(begin, bar - begin));
    words.push_back(message.substr(begin));
  }
  return words;
}

}  // namespace

TEST_CASE("datagrams of one length to one place go as one, a shorter one ends them", "[io][udp]") {
  const Socket socket;
  if (!socket.joins()) return;
  System system;
  UdpSender sender{&System::call};
  CHECK(sender.send(socket.fd, datagrams({"aa", "bb", "c", "dd", "eee", "", "", "f"})).lost == 0);
  CHECK(system.taken == Words{"aa|bb|c", "dd", "eee", "", "", "f"});
  CHECK(system.calls == 1);

  system.taken.clear();
  auto mixed = datagrams({"aa", "bb", "cc"}, 7);
  mixed[2].to = *UdpAddress::numeric("127.0.0.1", 8);
  sender.send(socket.fd, mixed);
  CHECK(system.taken == Words{"aa|bb", "cc"});
}

TEST_CASE("what is sent as one is below the length of a packet, and any number goes", "[io][udp]") {
  const Socket socket;
  System system;
  std::size_t longest = 0;
  system.judge = [&](const std::string& message) {
    longest = std::max(longest, message.size());
    return 0;
  };
  UdpSender sender{&System::call};
  const Words words(1000, std::string(1400, 'x'));
  CHECK(sender.send(socket.fd, datagrams(words)).lost == 0);
  CHECK(apart(system.taken) == words);
  CHECK(longest < 65'507);
}

TEST_CASE("what the system takes in part is gone on with", "[io][udp]") {
  const Socket socket;
  System system;
  const Words words{"1", "22", "333", "4444", "55555"};
  int left = 2;
  SECTION("interrupted") {
    system.judge = [&](const std::string&) { return left-- == 0 ? EINTR : 0; };
    UdpSender sender{&System::call};
    CHECK(sender.send(socket.fd, datagrams(words)).lost == 0);
    CHECK(system.taken == words);
  }
  SECTION("no room: the rest is lost, without waiting") {
    system.judge = [&](const std::string&) { return left-- > 0 ? 0 : EAGAIN; };
    UdpSender sender{&System::call};
    CHECK(sender.send(socket.fd, datagrams(words)).lost == 3);
    CHECK(system.taken == Words{"1", "22"});
    CHECK(system.calls == 2);
  }
}

TEST_CASE("a datagram that can't go is lost alone", "[io][udp]") {
  const Socket socket;
  System system;
  system.judge = [](const std::string& message) { return message == "333" ? EMSGSIZE : 0; };
  UdpSender sender{&System::call};
  const auto outcome = sender.send(socket.fd, datagrams({"1", "22", "333", "4444"}));
  CHECK(outcome.lost == 1);
  CHECK(outcome.refused == 0);
  CHECK(system.taken == Words{"1", "22", "4444"});
}

TEST_CASE("a refusal in the middle loses one datagram and is told", "[io][udp]") {
  const Socket socket;
  System system;
  int before = 2, refusals = 2;  // the call that stops there, and the one that tells why
  system.judge = [&](const std::string&) { return before-- > 0 || refusals-- <= 0 ? 0 : ECONNREFUSED; };
  UdpSender sender{&System::call};
  const auto outcome = sender.send(socket.fd, datagrams({"1", "22", "333", "4444"}));
  CHECK(outcome.lost == 1);
  CHECK(outcome.refused == ECONNREFUSED);
  CHECK(system.taken == Words{"1", "22", "4444"});
}

TEST_CASE("where datagrams can't go as one they go one by one", "[io][udp]") {
  const Socket socket;
  if (!socket.joins()) return;
  System system;
  UdpSender sender{&System::call};
  SECTION("these are too long for that") {
    system.judge = [](const std::string& message) { return message.starts_with("long|") ? EINVAL : 0; };
    CHECK(sender.send(socket.fd, datagrams({"long", "long", "s", "s"})).lost == 0);
    CHECK(system.taken == Words{"long", "long", "s|s"});
  }
  SECTION("the interface can't") {
    system.judge = [](const std::string& message) { return message.find('|') == std::string::npos ? 0 : EIO; };
    CHECK(sender.send(socket.fd, datagrams({"aa", "aa", "bbb", "bbb"})).lost == 0);
    CHECK(system.taken == Words{"aa", "aa", "bbb", "bbb"});
    CHECK(system.calls == 2);
  }
}

TEST_CASE("the system here takes datagrams apart again", "[io][udp]") {
  const Socket from, to;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(to.fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::getsockname(to.fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  Words words(100, "aaaa");
  words.insert(words.end(), {"b", "", "cc", "cc"});
  UdpSender sender;
  CHECK(sender.send(from.fd, datagrams(words, ntohs(address.sin_port))).lost == 0);
  Words heard;
  for (char space[64]; heard.size() < words.size();) {
    const ssize_t count = ::recv(to.fd, space, sizeof space, MSG_DONTWAIT);
    REQUIRE(count >= 0);
    heard.emplace_back(space, static_cast<std::size_t>(count));
  }
  CHECK(heard == words);
}

}  // namespace van::io
