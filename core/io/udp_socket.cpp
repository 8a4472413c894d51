#include "core/io/udp_socket.h"

#include <sys/socket.h>
#include <uv.h>

#include <array>
#include <utility>

#include "core/base/assert.h"
#include "core/base/datagram_limits.h"

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
      if (is_of_icmp(static_cast<int>(count))) handler->on_refused(error_from_status(static_cast<int>(count), doing()));
      return;
    }
    const auto address = from == nullptr ? std::nullopt : UdpAddress::from(*from);
    if (!address) return;  // the end of a batch
    handler->on_datagram({reinterpret_cast<const std::uint8_t*>(buffer->base), static_cast<std::size_t>(count)}, *address);
  }

  [[nodiscard]] std::string doing() const { return "send a datagram to " + peer; }

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

UdpSocket::UdpSocket(Loop& loop, NodePtr node) : node_{std::move(node)}, turn_end_{loop, [this] {
                                                       flush();
                                                       tell_refused();
                                                     }} {}
UdpSocket::~UdpSocket() { flush(); }

Result<std::unique_ptr<UdpSocket>> UdpSocket::bind(Loop& loop, const std::string& host, std::uint16_t port, UdpHandler& handler) {
  const auto address = UdpAddress::numeric(host, port);
  if (!address) return Unexpected{Error{Error::Code::name_not_found, "'" + host + "' is not a numeric address"}};
  NodePtr node{new Node{loop, handler}};
  VAN_ASSERT(uv_udp_init_ex(loop.uv(), &node->uv, AF_UNSPEC | UV_UDP_RECVMMSG) == 0);
  node->uv.data = node.get();
  int status = uv_udp_bind(&node->uv, &address->raw(), 0);
  if (status == 0) status = node->start();
  if (status < 0) return Unexpected{error_from_status(status, "listen on udp " + address->text())};
  return std::unique_ptr<UdpSocket>{new UdpSocket{loop, std::move(node)}};
}

Result<std::unique_ptr<UdpSocket>> UdpSocket::connect(Loop& loop, const UdpAddress& peer, UdpHandler& handler) {
  NodePtr node{new Node{loop, handler}};
  VAN_ASSERT(uv_udp_init_ex(loop.uv(), &node->uv, AF_UNSPEC | UV_UDP_RECVMMSG) == 0);
  node->uv.data = node.get();
  node->peer = peer.text();
  int status = uv_udp_connect(&node->uv, &peer.raw());
  if (status == 0) status = node->start();
  if (status < 0) return Unexpected{error_from_status(status, "connect to udp " + node->peer)};
  return std::unique_ptr<UdpSocket>{new UdpSocket{loop, std::move(node)}};
}

void UdpSocket::send(Slice payload) { queue({std::move(payload), {}}); }
void UdpSocket::send_to(Slice payload, const UdpAddress& to) { queue({std::move(payload), to}); }

void UdpSocket::queue(UdpSender::Datagram datagram) {
  unsent_.push_back(std::move(datagram));
  turn_end_.schedule();
  if (unsent_.size() >= limits::kDatagramsUnsent) flush();
}

void UdpSocket::flush() {
  uv_os_fd_t fd = -1;
  if (unsent_.empty()) return;
  VAN_ASSERT(uv_fileno(reinterpret_cast<const uv_handle_t*>(&node_->uv), &fd) == 0);
  const UdpSender::Outcome outcome = sender_.send(fd, unsent_);
  unsent_.clear();
  lost_ += outcome.lost;
  if (outcome.refused != 0) refused_ = outcome.refused;
}

/// Last: the handler may destroy this.
void UdpSocket::tell_refused() {
  if (const int error = std::exchange(refused_, 0); error != 0) node_->handler->on_refused(error_from_errno(error, node_->doing()));
}

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
