#include "proxy/entrance.h"

#include <string>
#include <utility>

namespace van::proxy {
namespace {

constexpr int kPicks = 16;  ///< ports tried that are free on the first address only

/// No address of that kind here: IPv6 is not built in, or switched off.
bool is_absent(const io::Error& error) {
  return error.code == io::Error::Code::unreachable || error.code == io::Error::Code::other;
}

}  // namespace

io::Result<std::unique_ptr<Entrance>> Entrance::open(io::Loop& loop, const Endpoint& local, const io::OnAccept& on_accept,
                                                     std::string_view twin, io::Sharing sharing) {
  for (int left = kPicks;; --left) {
    std::unique_ptr<Entrance> entrance{new Entrance};
    entrance->local_ = local;
    const auto listening = entrance->listen(loop, on_accept, twin, sharing);
    if (listening) return entrance;
    const bool pick_again = local.port == 0 && entrance->local_.port != 0 && left > 1;
    if (!pick_again || listening.error().code != io::Error::Code::address_in_use) return Unexpected{listening.error()};
  }
}

io::Result<void> Entrance::listen(io::Loop& loop, const io::OnAccept& on_accept, std::string_view twin, io::Sharing sharing) {
  if (local_.is_path()) {
    auto socket = io::LocalListener::listen(loop, local_.path, on_accept);
    if (!socket) return Unexpected{socket.error()};
    socket_ = *std::move(socket);
    return {};
  }
  auto first = io::TcpListener::listen(loop, local_.host, local_.port, on_accept, sharing);
  if (!first) return Unexpected{first.error()};
  first_ = *std::move(first);
  local_.port = first_->port();
  if (twin.empty()) return {};
  auto second = io::TcpListener::listen(loop, std::string{twin}, local_.port, on_accept, sharing);
  if (second) {
    second_ = *std::move(second);
  } else if (!is_absent(second.error())) {
    return Unexpected{second.error()};
  }
  return {};
}

}  // namespace van::proxy
