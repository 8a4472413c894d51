#include "core/io/network_monitor.h"

#include <uv.h>

#ifndef _WIN32
#include <ifaddrs.h>
#include <netinet/in.h>
#endif
#ifdef __linux__
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "core/io/timer.h"

namespace van::io {
namespace {

constexpr std::chrono::milliseconds kQuiet{200};  ///< without a further change, before what changed is told
constexpr std::chrono::seconds kLook{5};          ///< between two looks where the kernel does not tell

#ifdef __linux__
/// A socket that becomes readable when the network changes; -1 where that is not permitted.
int open_netlink() {
  const int descriptor = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (descriptor < 0) return -1;
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
  if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return descriptor;
  ::close(descriptor);
  return -1;
}

/// Reads what waits, which says only that something changed. A full queue (ENOBUFS) says the same.
void drain(int descriptor) {
  std::array<char, 8192> buffer;
  while (::recv(descriptor, buffer.data(), buffer.size(), 0) > 0 || errno == EINTR || errno == ENOBUFS) {
  }
}
#endif

}  // namespace

class NetworkMonitor::Impl {
 public:
  Impl(Loop& loop, std::function<void()> on_change)
      : on_change_{std::move(on_change)}, settle_{loop, [this] { on_change_(); }}, look_{loop, [this] { look(); }} {
    if (watch(loop)) return;
    seen_ = interface_addresses();
    look_.arm(kLook);
  }
  ~Impl() { unwatch(); }

 private:
#ifdef __linux__
  struct Watch {  // what libuv points at
    uv_poll_t poll{};
    int descriptor = -1;
    Impl* owner = nullptr;
  };

  bool watch(Loop& loop) {
    const int descriptor = open_netlink();
    if (descriptor < 0) return false;
    auto watch = std::make_unique<Watch>();
    watch->descriptor = descriptor;
    watch->owner = this;
    watch->poll.data = watch.get();
    if (uv_poll_init(loop.uv(), &watch->poll, descriptor) != 0) {
      ::close(descriptor);
      return false;
    }
    watch_ = watch.release();
    const auto ready = [](uv_poll_t* poll, int, int) noexcept {
      auto* self = static_cast<Watch*>(poll->data);
      drain(self->descriptor);
      self->owner->settle_.arm(kQuiet);
    };
    return uv_poll_start(&watch_->poll, UV_READABLE, ready) == 0;
  }

  void unwatch() {
    if (watch_ == nullptr) return;
    uv_poll_stop(&watch_->poll);
    uv_close(reinterpret_cast<uv_handle_t*>(&watch_->poll), [](uv_handle_t* handle) noexcept {
      const std::unique_ptr<Watch> self{static_cast<Watch*>(handle->data)};
      ::close(self->descriptor);
    });
  }

  Watch* watch_ = nullptr;
#else
  bool watch(Loop&) { return false; }
  void unwatch() {}
#endif

  void look() {
    look_.arm(kLook);
    if (std::vector<std::string> now = interface_addresses(); now != seen_) {
      seen_ = std::move(now);
      settle_.arm(kQuiet);
    }
  }

  std::function<void()> on_change_;
  Timer settle_;
  Timer look_;
  std::vector<std::string> seen_;
};

NetworkMonitor::NetworkMonitor(Loop& loop, std::function<void()> on_change)
    : impl_{std::make_unique<Impl>(loop, std::move(on_change))} {}
NetworkMonitor::~NetworkMonitor() = default;

std::vector<std::string> interface_addresses() {
  std::vector<std::string> addresses;
  const auto add = [&addresses](const sockaddr* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const bool v6 = address->sa_family == AF_INET6;
    const int status = v6 ? uv_ip6_name(reinterpret_cast<const sockaddr_in6*>(address), text.data(), text.size())
                          : uv_ip4_name(reinterpret_cast<const sockaddr_in*>(address), text.data(), text.size());
    if (status == 0) addresses.emplace_back(text.data());
  };
#ifdef _WIN32
  uv_interface_address_t* list = nullptr;
  int count = 0;
  if (uv_interface_addresses(&list, &count) != 0) return {};
  for (int i = 0; i < count; ++i) add(reinterpret_cast<const sockaddr*>(&list[i].address));
  uv_free_interface_addresses(list, count);
#else
  ifaddrs* list = nullptr;  // libuv's list leaves out what has no carrier
  if (::getifaddrs(&list) != 0) return {};
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    if (entry->ifa_addr->sa_family == AF_INET || entry->ifa_addr->sa_family == AF_INET6) add(entry->ifa_addr);
  }
  ::freeifaddrs(list);
#endif
  std::ranges::sort(addresses);
  return addresses;
}

}  // namespace van::io
