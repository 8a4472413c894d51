#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/io/error.h"
#include "core/io/loop.h"
#include "core/io/stream.h"

namespace van::io {

/// Gets each new connection, on the loop thread. May destroy the listener.
using OnAccept = std::function<void(std::unique_ptr<Stream>)>;

/// Accepts on a listening socket until it is destroyed; no callback after that. When the process or the system
/// is out of file descriptors or memory it pauses for 100 ms instead of spinning; clients wait in the backlog.
class ListenSocket {
 public:
  ListenSocket(Loop& loop, int fd, OnAccept on_accept);  ///< takes `fd` over: bound, listening, non-blocking

 private:
  struct Node;
  struct Close {
    void operator()(Node* node) const noexcept;
  };
  std::unique_ptr<Node, Close> node_;
};

/// Whether a port has one listener, or several on loops of this process among which the kernel spreads those who connect. The first
/// one finds the port taken by others as one alone does; the others join it.
enum class Sharing { alone, first, joins };

/// A TCP port, ours alone (SO_REUSEADDR only lets a restart have the port of connections that linger).
class TcpListener {
 public:
  /// `host`: a numeric address ("0.0.0.0", "::" for all, which takes IPv4 too) or "localhost" (127.0.0.1).
  /// `port`: 0 picks a free one. Errors: address_in_use, permission, name_not_found (host is not numeric),
  /// unreachable (not an address of this machine).
  static Result<std::unique_ptr<TcpListener>> listen(Loop& loop, const std::string& host, std::uint16_t port,
                                                     OnAccept on_accept, Sharing sharing = Sharing::alone);

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const std::string& address() const { return address_; }  ///< "127.0.0.1:5432"

 private:
  TcpListener(ListenSocket socket, std::string address, std::uint16_t port);

  ListenSocket socket_;
  std::string address_;
  std::uint16_t port_;
};

/// A local (Unix) socket, which only its user can connect to (mode 0600 from the moment it exists).
///
/// A socket file that nobody answers is left over from a crash and replaced. In a folder of mode 0700 this is
/// done under a lock of the folder, so that two that start at once can't both win. The destructor removes the
/// file if it is still the one it made.
class LocalListener {
 public:
  /// `path`: longer than sockaddr_un is fine on Linux; the folder must exist. Errors: address_in_use (somebody
  /// answers there, or the file is no socket), not_found (folder), permission.
  static Result<std::unique_ptr<LocalListener>> listen(Loop& loop, const std::string& path, OnAccept on_accept);

  LocalListener(const LocalListener&) = delete;
  LocalListener& operator=(const LocalListener&) = delete;
  ~LocalListener();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  LocalListener(ListenSocket socket, std::string path, std::uint64_t device, std::uint64_t inode);

  ListenSocket socket_;
  std::string path_;
  std::uint64_t device_;  // with inode_: which file is ours
  std::uint64_t inode_;
};

}  // namespace van::io
