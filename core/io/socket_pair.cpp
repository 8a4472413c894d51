#include "core/io/socket_pair.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace van::io {

Result<std::pair<FileDescriptor, FileDescriptor>> socket_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) return Unexpected{error_from_errno(errno, "make a pair of sockets")};
  for (const int fd : ends) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  return std::pair{FileDescriptor{ends[0]}, FileDescriptor{ends[1]}};
}

}  // namespace van::io
