#include "core/io/udp_socket.h"

#include <sys/socket.h>
#include <uv.h>

#include <array>
#include <utility>

#include "core/base/assert.h"

#ifdef __linux__
#include <linux/sock_diag.h>
#endif

namespace van::io {
namespace {

// What waits in the system while the loop does other work: a burst of some milliseconds. The system may grant less.
constexpr int kReceiveBuffer = 4 << 20;

bool is_of_icmp(int status) { return status == UV_ECONNREFUSED || status == UV_EHOSTUNREACH || status == UV_ENETUNREACH; }

}  // namespace

struct UdpSocket::Node {  // what libuv points at: does not move, dies only in the close callback
  Node(Loop& on_loop, UdpHandler& to) : loop{on_loop}, handler{&to} {}

  void received(ssize_t count, const uv_buf_t* buffer, const sockaddr* from) {
    if (closing) return;  // by the handler, with more of the same batch to come
    if (count < 0) {
      if (is_of_icmp(static_cast<int>(count))) handler->on_refused(error_from_status(static_cast<int>(count), "send a datagram to " + peer));
      return;
    }
    const auto address = from == nullptr ? std::nullopt : UdpAddress::from(*from);
    if (!address) return;  // the end of a batch
    handler->on_datagram({reinterpret_cast<const std::uint8_t*>(buffer->base), static_cast<std::size_t>(count)}, *address);
  }

  int start() {
    int size = kReceiveBuffer;
    uv_recv_buffer_size(reinterpret_cast<uv_handle_t*>(&uv), &size);
    return uv_udp_recv_start(
        &uv,
        [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) noexcept {
          const auto space = static_cast<Node*>(handle->data)->loop.datagram_space();
          *buffer = uv_buf_init(reinterpret_cast<char*>(space.data()), static_cast<unsigned>(space.size()));
        },
        [](uv_udp_t* handle, ssize_t count, const uv_buf_t* buffer, const sockaddr* from, unsigned) noexcept {
          static_cast<Node*>(handle->data)->received(count, buffer, from);
        });
  }

  uv_udp_t uv{};
  Loop& loop;
  UdpHandler* handler;
  std::string peer{};
  bool closing = false;
};

void UdpSocket::Close::operator()(Node* node) const noexcept {
  node->closing = true;
  uv_close(reinterpret_cast<uv_handle_t*>(&node->uv), [](uv_handle_t* handle) noexcept { delete static_cast<Node*>(handle->data); });
}

UdpSocket::UdpSocket(NodePtr node) : node_{std::move(node)} {}
UdpSocket::~UdpSocket() = default;

Result<std::unique_ptr<UdpSocket>> UdpSocket::bind(Loop& loop, const std::string& host, std::uint16_t port, UdpHandler& handler) {
  const auto address = UdpAddress::numeric(host, port);
  if (!address) return Unexpected{Error{Error::Code::name_not_found, "'" + host + "' is not a numeric address"}};
  NodePtr node{new Node{loop, handler}};
  VAN_ASSERT(uv_udp_init_ex(loop.uv(), &node->uv, AF_UNSPEC | UV_UDP_RECVMMSG) == 0);
  node->uv.data = node.get();
  int status = uv_udp_bind(&node->uv, &address->raw(), 0);
  if (status == 0) status = node->start();
  if (status < 0) return Unexpected{error_from_status(status, "listen on udp " + address->text())};
  return std::unique_ptr<UdpSocket>{new UdpSocket{std::move(node)}};
}

Result<std::unique_ptr<UdpSocket>> UdpSocket::connect(Loop& loop, const UdpAddress& peer, UdpHandler& handler) {
  NodePtr node{new Node{loop, handler}};
  VAN_ASSERT(uv_udp_init_ex(loop.uv(), &node->uv, AF_UNSPEC | UV_UDP_RECVMMSG) == 0);
  node->uv.data = node.get();
  node->peer = peer.text();
  int status = uv_udp_connect(&node->uv, &peer.raw());
  if (status == 0) status = node->start();
  if (status < 0) return Unexpected{error_from_status(status, "connect to udp " + node->peer)};
  return std::unique_ptr<UdpSocket>{new UdpSocket{std::move(node)}};
}

UdpSocket::Sent UdpSocket::send(Node& node, ByteView payload, const sockaddr* to) {
  // libuv's buffers are not const, but are only read from.
  const uv_buf_t buffer = uv_buf_init(const_cast<char*>(reinterpret_cast<const char*>(payload.data())), static_cast<unsigned>(payload.size()));
  const int status = uv_udp_try_send(&node.uv, &buffer, 1, to);
  if (status >= 0) return Sent::yes;
  if (status == UV_EAGAIN || status == UV_ENOBUFS || status == UV_ENOMEM) return Sent::no_room;
  return is_of_icmp(status) ? Sent::refused : Sent::failed;
}

UdpSocket::Sent UdpSocket::send(ByteView payload) { return send(*node_, payload, nullptr); }
UdpSocket::Sent UdpSocket::send_to(ByteView payload, const UdpAddress& to) { return send(*node_, payload, &to.raw()); }

UdpAddress UdpSocket::local() const {
  sockaddr_storage storage{};
  int size = sizeof storage;
  VAN_ASSERT(uv_udp_getsockname(&node_->uv, reinterpret_cast<sockaddr*>(&storage), &size) == 0);
  return *UdpAddress::from(reinterpret_cast<const sockaddr&>(storage));
}

std::uint64_t UdpSocket::dropped_by_system() const {
#ifdef SO_MEMINFO
  uv_os_fd_t fd = -1;
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t size = sizeof memory;
  if (uv_fileno(reinterpret_cast<const uv_handle_t*>(&node_->uv), &fd) != 0) return 0;
  if (::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory.data(), &size) != 0) return 0;
  return memory[SK_MEMINFO_DROPS];
#else
  return 0;
#endif
}

}  // namespace van::io
