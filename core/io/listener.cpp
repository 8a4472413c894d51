#include "core/io/listener.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "core/base/assert.h"
#include "core/io/file_descriptor.h"
#include "core/base/local_socket.h"
#include "core/io/socket_text.h"
#include "core/io/timer.h"

namespace van::io {
namespace {

constexpr int kBacklog = 511;
constexpr int kAcceptsPerTurn = 32;  // so that a flood of connections does not stop those that are there
constexpr Duration kAcceptPause = std::chrono::milliseconds{100};

int accept_on(int listening) {
#ifdef __linux__
  return ::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
  const int fd = ::accept(listening, nullptr, nullptr);
  if (fd >= 0) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return fd;
#endif
}

FileDescriptor new_socket(int family) {
  FileDescriptor result{::socket(family, SOCK_STREAM, 0)};
  if (result) {
    ::fcntl(result.get(), F_SETFD, FD_CLOEXEC);
    ::fcntl(result.get(), F_SETFL, O_NONBLOCK);
  }
  return result;
}

Unexpected<Error> failed(std::string_view doing) { return Unexpected{error_from_errno(errno, doing)}; }

}  // namespace

// libuv's own accepting can't pause and spins while accept() fails, so this polls the socket and accepts itself.
struct ListenSocket::Node {
  explicit Node(Loop& on_loop) : loop{on_loop} {}

  void accept_some();
  void resume();
  void pause();

  uv_poll_t poll{};
  Loop& loop;
  int fd = -1;
  OnAccept on_accept;
  std::optional<Timer> pause_end;
  bool closing = false;
};

ListenSocket::ListenSocket(Loop& loop, int fd, OnAccept on_accept) : node_{new Node{loop}} {
  node_->fd = fd;
  node_->on_accept = std::move(on_accept);
  VAN_ASSERT(uv_poll_init(loop.uv(), &node_->poll, fd) == 0);
  node_->poll.data = node_.get();
  node_->resume();
}

void ListenSocket::Node::resume() {
  const auto readable = [](uv_poll_t* handle, int, int) noexcept { static_cast<Node*>(handle->data)->accept_some(); };
  VAN_ASSERT(uv_poll_start(&poll, UV_READABLE, readable) == 0);
}

void ListenSocket::Node::pause() {
  uv_poll_stop(&poll);
  if (!pause_end) pause_end.emplace(loop, [this] { resume(); });
  pause_end->arm(kAcceptPause);
}

void ListenSocket::Node::accept_some() {
  // The callback may destroy the listener; the node lives on until its close callback.
  for (int left = kAcceptsPerTurn; left > 0 && !closing; --left) {
    const int accepted = accept_on(fd);
    if (accepted >= 0) {
      auto stream = Stream::adopt(loop, accepted);
      if (stream) on_accept(std::move(stream).value());
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;  // that one is gone
    return pause();
  }
}

void ListenSocket::Close::operator()(Node* node) const noexcept {
  node->closing = true;
  node->pause_end.reset();
  uv_close(reinterpret_cast<uv_handle_t*>(&node->poll),
           [](uv_handle_t* handle) noexcept { delete static_cast<Node*>(handle->data); });
  ::close(node->fd);  // after uv_close, which takes it out of the poll set
}

TcpListener::TcpListener(ListenSocket socket, std::string address, std::uint16_t port)
    : socket_{std::move(socket)}, address_{std::move(address)}, port_{port} {}

Result<std::unique_ptr<TcpListener>> TcpListener::listen(Loop& loop, const std::string& host, std::uint16_t port,
                                                         OnAccept on_accept, Sharing sharing) {
  const std::string doing = "listen on " + host + ":" + std::to_string(port);
  const std::string numeric = host == "localhost" ? "127.0.0.1" : host;
  sockaddr_storage address{};
  socklen_t size = sizeof(sockaddr_in);
  if (uv_ip4_addr(numeric.c_str(), port, reinterpret_cast<sockaddr_in*>(&address)) != 0) {
    if (uv_ip6_addr(numeric.c_str(), port, reinterpret_cast<sockaddr_in6*>(&address)) != 0) {
      return Unexpected{Error{Error::Code::name_not_found, doing + ": not a numeric address"}};
    }
    size = sizeof(sockaddr_in6);
  }

  FileDescriptor socket = new_socket(address.ss_family);
  if (!socket) return failed(doing);
  const int on = 1;
  const int off = 0;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.ss_family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  // To bind without it and to set it then lets nobody have the port who binds it as the first one does.
  if (sharing == Sharing::joins) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return failed(doing);
  if (sharing == Sharing::first) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (::listen(socket.get(), kBacklog) != 0) return failed(doing);

  socklen_t bound_size = sizeof address;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &bound_size) != 0) return failed(doing);
  const in_port_t bound = address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                                        : reinterpret_cast<sockaddr_in&>(address).sin_port;
  return std::unique_ptr<TcpListener>{new TcpListener{ListenSocket{loop, socket.release(), std::move(on_accept)},
                                                      socket_text(address, bound_size), ntohs(bound)}};
}

namespace {

/// The umask is the process's, so this is for a moment only; the socket file has its mode from bind() on.
int bind_private(int fd, const LocalSocket& address) {
  const mode_t before = ::umask(0177);
  const int result = ::bind(fd, address.get(), address.size());
  const int number = errno;
  ::umask(before);
  errno = number;
  return result;
}

/// Whether somebody accepts there. Only "refused" proves that nobody does.
bool is_stale(const LocalSocket& address) {
  const FileDescriptor probe = new_socket(AF_UNIX);
  if (!probe) return false;
  return ::connect(probe.get(), address.get(), address.size()) != 0 && errno == ECONNREFUSED;
}

/// Held while a socket file is made. Only in a folder that is private: elsewhere others could hold it for ever.
FileDescriptor lock_folder(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  FileDescriptor result{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  struct stat info {};
  if (!result || ::fstat(result.get(), &info) != 0) return {};
  if (info.st_uid != ::geteuid() || (info.st_mode & 077) != 0) return {};
  while (::flock(result.get(), LOCK_EX) != 0 && errno == EINTR) continue;
  return result;
}

Result<FileDescriptor> listen_local(const std::string& path) {
  const std::string doing = "listen on unix:" + path;
  const auto address = local_socket(path);
  if (!address) return Unexpected{error_from_errno(address.error(), "socket path '" + path + "'")};
  FileDescriptor socket = new_socket(AF_UNIX);
  if (!socket) return failed(doing);

  const FileDescriptor lock = lock_folder(path);
  if (bind_private(socket.get(), address.value()) != 0) {
    if (errno != EADDRINUSE) return failed(doing);
    struct stat info {};
    const bool replace = ::lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode) && is_stale(address.value());
    if (!replace) return Unexpected{error_from_errno(EADDRINUSE, doing)};
    if (::unlink(path.c_str()) != 0) return failed(doing);
    if (bind_private(socket.get(), address.value()) != 0) return failed(doing);
  }
  if (::listen(socket.get(), kBacklog) != 0) return failed(doing);
  return socket;
}

}  // namespace

Result<std::unique_ptr<LocalListener>> LocalListener::listen(Loop& loop, const std::string& path, OnAccept on_accept) {
  auto socket = listen_local(path);
  if (!socket) return Unexpected{socket.error()};
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return failed("look at unix:" + path);
  return std::unique_ptr<LocalListener>{new LocalListener{
      ListenSocket{loop, socket.value().release(), std::move(on_accept)}, path, info.st_dev, info.st_ino}};
}

LocalListener::LocalListener(ListenSocket socket, std::string path, std::uint64_t device, std::uint64_t inode)
    : socket_{std::move(socket)}, path_{std::move(path)}, device_{device}, inode_{inode} {}

LocalListener::~LocalListener() {
  struct stat info {};
  const bool ours = ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_;
  if (ours) ::unlink(path_.c_str());
}

}  // namespace van::io
