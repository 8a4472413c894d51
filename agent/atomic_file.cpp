#include "agent/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace van::agent {
namespace {

namespace fs = std::filesystem;

std::string hint_for(int number) {
  switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return "free some space on that file system and try again; nothing was changed";
    case EROFS:
    case EACCES:
    case EPERM: return "make the folder writable for this user and try again; nothing was changed";
    case EMFILE:
    case ENFILE: return "too many files are open: raise the limit (ulimit -n) and try again";
    default: return {};
  }
}

Unexpected<Error> failure(std::string_view doing, const fs::path& file, int number) {
  std::string why = std::strerror(number);
  if (!why.empty() && why.front() >= 'A' && why.front() <= 'Z') why.front() = static_cast<char>(why.front() - 'A' + 'a');
  return Unexpected{Error{Error::Code::failed, std::string{doing} + " " + file.string() + ": " + why, hint_for(number)}};
}

/// A file descriptor that closes itself.
class File {
 public:
  File(const fs::path& path, int flags, mode_t mode = 0) : fd_{::open(path.c_str(), flags | O_CLOEXEC, mode)} {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] int fd() const { return fd_; }

  /// 0, or the errno of what failed.
  int write_all(std::string_view content) const {
    while (!content.empty()) {
      const ssize_t written = ::write(fd_, content.data(), content.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return errno;
      content.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
  }
  int sync() const { return ::fsync(fd_) == 0 ? 0 : errno; }

 private:
  int fd_;
};

fs::path beside(const fs::path& file) { return file.string() + ".new"; }

/// 0, or the errno. Some file systems can't sync a folder: then there is nothing to be done about it.
int sync_folder_of(const fs::path& file) {
  const fs::path folder = file.parent_path().empty() ? fs::path{"."} : file.parent_path();
  const File handle{folder, O_RDONLY | O_DIRECTORY};
  if (!handle.is_open()) return errno;
  const int number = handle.sync();
  return number == EINVAL || number == ENOTSUP ? 0 : number;
}

int write_new(const fs::path& temporary, std::string_view content) {
  ::unlink(temporary.c_str());  // left behind by a crash
  const File file{temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600};
  if (!file.is_open()) return errno;
  const int number = file.write_all(content);
  return number != 0 ? number : file.sync();
}

}  // namespace

Result<void> make_private_folder(const fs::path& folder) {
  fs::path made;
  for (const fs::path& part : folder) {
    made /= part;
    if (::mkdir(made.c_str(), 0700) == 0 || errno == EEXIST || errno == EISDIR) continue;
    struct stat status {};
    const int number = errno;  // a folder above may be closed to us and yet there
    if (::stat(made.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return failure("can't make folder", made, number);
  }
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) return failure("can't look at folder", folder, errno);
  if (!S_ISDIR(status.st_mode)) return failure("can't use", folder, ENOTDIR);
  if ((status.st_mode & 077) != 0 && ::chmod(folder.c_str(), 0700) != 0)
    return failure("can't make folder private", folder, errno);
  return {};
}

Result<void> replace_file(const fs::path& file, std::string_view content) {
  const fs::path temporary = beside(file);
  int number = write_new(temporary, content);
  if (number == 0 && ::rename(temporary.c_str(), file.c_str()) != 0) number = errno;
  if (number != 0) {
    ::unlink(temporary.c_str());
    return failure("can't write", file, number);
  }
  number = sync_folder_of(file);
  if (number != 0) return failure("can't sync the folder of", file, number);
  return {};
}

Result<std::optional<std::string>> read_file(const fs::path& file, std::size_t bytes_max) {
  const File handle{file, O_RDONLY};
  if (!handle.is_open()) {
    if (errno == ENOENT) return std::optional<std::string>{};
    return failure("can't read", file, errno);
  }
  std::string content;
  char block[4096];
  for (;;) {
    const ssize_t count = ::read(handle.fd(), block, sizeof block);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failure("can't read", file, errno);
    if (count == 0) return std::optional{std::move(content)};
    content.append(block, static_cast<std::size_t>(count));
    if (content.size() > bytes_max) return failure("can't read", file, EFBIG);
  }
}

Result<void> keep_copy(const fs::path& file, const fs::path& copy) {
  constexpr std::size_t copy_bytes_max = 64u << 20;
  const fs::path temporary = beside(copy);
  ::unlink(temporary.c_str());
  if (::link(file.c_str(), temporary.c_str()) == 0) {
    // rename() does nothing, and leaves both names, when they are the same file already.
    const bool done = ::rename(temporary.c_str(), copy.c_str()) == 0;
    const int number = errno;
    ::unlink(temporary.c_str());
    if (done) return {};
    return failure("can't write", copy, number);
  }
  if (errno == ENOENT) return failure("can't copy", file, ENOENT);
  const auto content = read_file(file, copy_bytes_max);
  if (!content) return Unexpected{content.error()};
  if (!*content) return failure("can't copy", file, ENOENT);
  return replace_file(copy, **content);
}

Result<void> remove_file(const fs::path& file) {
  if (::unlink(file.c_str()) == 0 || errno == ENOENT) return {};
  return failure("can't remove", file, errno);
}

}  // namespace van::agent
