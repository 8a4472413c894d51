#include "agent/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace van::agent {

Result<LockFile> LockFile::acquire(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return Unexpected{Error{Error::Code::failed, "can't open " + file.string() + ": " + std::strerror(errno), {}}};
  LockFile lock{fd};
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int number = errno;
    if (number == EWOULDBLOCK)
      return Unexpected{Error{Error::Code::conflict, "an agent of this profile runs already", "see: vanctl agent status"}};
    return Unexpected{Error{Error::Code::failed, "can't lock " + file.string() + ": " + std::strerror(number), {}}};
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  // For people only: a full disk does not keep the agent from running.
  if (::ftruncate(fd, 0) != 0 || ::write(fd, pid.data(), pid.size()) < 0) return lock;
  return lock;
}

LockFile::LockFile(LockFile&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}

LockFile::~LockFile() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace van::agent
