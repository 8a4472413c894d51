#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "core/base/expected.h"

namespace van {

/// The socket address of a path of any length; valid while this object lives.
///
/// sockaddr_un holds 107 bytes. On Linux a longer path is reached through its folder: the folder is held open
/// and the address is /proc/self/fd/N/NAME, which needs no change of directory and leaves nothing on the disk.
class LocalSocket {
 public:
  LocalSocket(LocalSocket&& other) noexcept : address_{other.address_}, folder_{std::exchange(other.folder_, -1)} {}
  LocalSocket& operator=(LocalSocket&&) = delete;
  ~LocalSocket() {
    if (folder_ >= 0) ::close(folder_);
  }

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  [[nodiscard]] socklen_t size() const { return sizeof address_; }
  [[nodiscard]] const char* path() const { return address_.sun_path; }

 private:
  friend Expected<LocalSocket, int> local_socket(const std::string& path);
  LocalSocket() { address_.sun_family = AF_UNIX; }
  bool set(const std::string& path) {
    if (path.size() >= sizeof address_.sun_path) return false;
    std::memcpy(address_.sun_path, path.c_str(), path.size() + 1);
    return true;
  }

  sockaddr_un address_{};
  int folder_ = -1;
};

/// An address to bind or connect to for the socket file `path`. Errors (of errno): ENOENT, EACCES and the like of its folder;
/// EINVAL for no path; ENAMETOOLONG.
inline Expected<LocalSocket, int> local_socket(const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos) return Unexpected{EINVAL};
  LocalSocket result;
  if (result.set(path)) return result;
#ifdef __linux__
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  result.folder_ = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (result.folder_ < 0) return Unexpected{errno};
  if (result.set("/proc/self/fd/" + std::to_string(result.folder_) + "/" + name)) return result;
#endif
  return Unexpected{ENAMETOOLONG};
}

}  // namespace van
