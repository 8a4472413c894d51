#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <span>
#include <vector>

#include "tests/bench/peer/peer.h"
#include "tests/bench/sockets.h"

namespace van::bench {

namespace {

constexpr std::size_t kReadBytes = 256 * 1024;

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

/// One client of a server. While it does not take what it is owed, nothing more is read from it.
struct Client {
  Descriptor connection;
  std::vector<std::byte> owed;
  std::uint64_t batch_left = 0;  // sink only
  std::array<std::byte, 8> header{};
  std::size_t header_bytes = 0;
};

bool pay(Client& client) {
  if (client.owed.empty()) return true;
  const ssize_t sent = ::send(client.connection.fd(), client.owed.data(), client.owed.size(), MSG_NOSIGNAL);
  if (sent < 0) return would_block();
  client.owed.erase(client.owed.begin(), client.owed.begin() + sent);
  return true;
}

/// What a server does with octets: fills `owed`.
using Take = void (*)(Client&, std::span<const std::byte>);

void echo(Client& client, std::span<const std::byte> bytes) { client.owed.insert(client.owed.end(), bytes.begin(), bytes.end()); }

void sink(Client& client, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (client.batch_left == 0) {
      client.header[client.header_bytes++] = bytes.front();
      bytes = bytes.subspan(1);
      if (client.header_bytes < client.header.size()) continue;
      std::uint64_t length = 0;
      for (const std::byte octet : client.header) length = length << 8 | std::to_integer<std::uint64_t>(octet);
      client.header_bytes = 0;
      client.batch_left = length - client.header.size();
      continue;
    }
    const auto taken = std::min<std::uint64_t>(client.batch_left, bytes.size());
    client.batch_left -= taken;
    bytes = bytes.subspan(taken);
    if (client.batch_left == 0) client.owed.push_back(std::byte{1});
  }
}

/// False when the client is gone.
bool serve(Client& client, std::span<std::byte> buffer, Take take) {
  if (!pay(client)) return false;
  if (!client.owed.empty()) return true;
  const ssize_t received = ::recv(client.connection.fd(), buffer.data(), buffer.size(), 0);
  if (received < 0) return would_block();
  if (received == 0) return false;
  take(client, buffer.first(static_cast<std::size_t>(received)));
  return pay(client);
}

[[noreturn]] void run_server(std::uint16_t port, Take take) {
  const Descriptor listener = listen_on(port);
  const Poller poller;
  poller.add(listener.fd(), EPOLLIN, nullptr);
  std::vector<std::byte> buffer(kReadBytes);
  std::array<epoll_event, 256> events;
  while (true) {
    const int count = ::epoll_wait(poller.fd(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.ptr == nullptr) {
        for (Descriptor accepted = accept_from(listener); accepted.fd() >= 0; accepted = accept_from(listener)) {
          auto client = std::make_unique<Client>(Client{.connection = std::move(accepted), .owed = {}});
          poller.add(client->connection.fd(), EPOLLIN, client.get());
          client.release();  // the poller's tag owns it until serve() says that it is gone
        }
        continue;
      }
      auto* client = static_cast<Client*>(event.data.ptr);
      const bool was_owed = !client->owed.empty();
      if (!serve(*client, buffer, take)) {
        delete client;
      } else if (was_owed != !client->owed.empty()) {
        poller.change(client->connection.fd(), client->owed.empty() ? EPOLLIN : EPOLLOUT, client);
      }
    }
  }
}

}  // namespace

void run_echo(std::uint16_t port) { run_server(port, echo); }
void run_sink(std::uint16_t port) { run_server(port, sink); }

}  // namespace van::bench
