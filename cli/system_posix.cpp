#include "cli/system.h"

#if !defined(_WIN32)

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#elif defined(__APPLE__)
#include <mach-o/dyld.h>
#endif

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include "core/base/local_socket.h"

extern char** environ;

namespace van::cli {
namespace {

namespace fs = std::filesystem;
using Code = SystemError::Code;

constexpr std::chrono::milliseconds kPollInterval{20};

Unexpected<SystemError> system_error(int number) {
  Code code = Code::other;
  if (number == ENOENT || number == ENOTDIR) code = Code::not_found;
  if (number == EPIPE || number == ECONNRESET) code = Code::closed;
  return Unexpected{SystemError{code, std::generic_category().message(number)}};
}
Unexpected<SystemError> timed_out() { return Unexpected{SystemError{Code::timeout, "timed out"}}; }

/// Closes at the end of its scope.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_{number} {}
  Descriptor(Descriptor&& other) noexcept : number_{other.release()} {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

int milliseconds_until(Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, INT_MAX));
}

/// Waits until `descriptor` is ready for `events`; false at the deadline.
bool wait_ready(int descriptor, short events, Deadline deadline) {
  for (;;) {
    pollfd entry{descriptor, events, 0};
    const int ready = ::poll(&entry, 1, milliseconds_until(deadline));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // the call that follows gets the reason
    if (std::chrono::steady_clock::now() >= deadline) return false;
  }
}

/// Writes all to a file; an errno, or 0.
int write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) return errno;
    if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

SystemResult<std::string> read_all(int descriptor, std::size_t limit) {
  std::string content;
  std::array<char, 16384> block;
  for (;;) {
    const ssize_t count = ::read(descriptor, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error(errno);
    if (count == 0) return content;
    content.append(block.data(), static_cast<std::size_t>(count));
    if (content.size() > limit)
      return Unexpected{SystemError{Code::closed, "longer than " + std::to_string(limit) + " bytes"}};
  }
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// The environment of this process with `variables` ("NAME=value") in place of its own of the same names.
std::vector<std::string> environment_with(const std::vector<std::string>& variables) {
  std::vector<std::string> result = variables;
  const auto replaced = [&variables](std::string_view entry) {
    const std::string_view name = entry.substr(0, entry.find('=') + 1);
    return std::any_of(variables.begin(), variables.end(),
                       [name](const std::string& variable) { return variable.starts_with(name); });
  };
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (!replaced(*entry)) result.emplace_back(*entry);
  return result;
}

/// The child's side of start(): only calls that are safe between fork and exec.
[[noreturn]] void become(char* const* command, char* const* environment, int null, int errors) {
  ::setsid();
  ::dup2(null, STDIN_FILENO);
  ::dup2(null, STDOUT_FILENO);
  ::dup2(errors, STDERR_FILENO);
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::chdir("/") == 0) {  // keeps no file system from being unmounted
    environ = const_cast<char**>(environment);
    ::execvp(command[0], command);
  }
  const char* const why = std::strerror(errno);
  static_cast<void>(::write(STDERR_FILENO, why, std::strlen(why)) + ::write(STDERR_FILENO, "\n", 1));
  ::_exit(127);
}

}  // namespace

// --- ProcessWatch

ProcessWatch::ProcessWatch(int pid) : pid_{pid} {
#if defined(__linux__) && defined(SYS_pidfd_open)
  handle_ = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
#endif
}
ProcessWatch::ProcessWatch(ProcessWatch&& other) noexcept
    : pid_{other.pid_}, handle_{std::exchange(other.handle_, -1)} {}
ProcessWatch::~ProcessWatch() {
  if (handle_ >= 0) ::close(handle_);
}

bool ProcessWatch::wait_gone(Deadline deadline) {
  if (handle_ >= 0) return wait_ready(handle_, POLLIN, deadline);
  for (;;) {
    if (::kill(pid_, 0) != 0 && errno == ESRCH) return true;
    if (std::chrono::steady_clock::now() >= deadline) return false;
    pause_for(kPollInterval);
  }
}

// --- LocalStream

SystemResult<LocalStream> LocalStream::connect(const fs::path& path, Deadline deadline) {
  const auto address = local_socket(path.string());
  if (!address) return system_error(address.error());
  Descriptor socket{::socket(AF_UNIX, SOCK_STREAM, 0)};
  if (!socket.is_open()) return system_error(errno);
  ::fcntl(socket.get(), F_SETFD, FD_CLOEXEC);
  ::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
#if defined(SO_NOSIGPIPE)
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
  // A local connect is done at once or, when the other side's queue is full, not yet begun: EAGAIN, and no event tells
  // when.
  while (::connect(socket.get(), address->get(), address->size()) != 0) {
    if (errno == ECONNREFUSED) return system_error(ENOENT);  // the file of an agent that is gone
    if (errno != EAGAIN && errno != EINTR) return system_error(errno);
    if (std::chrono::steady_clock::now() >= deadline) return timed_out();
    pause_for(kPollInterval);
  }
  return LocalStream{socket.release()};
}

LocalStream::LocalStream(LocalStream&& other) noexcept : socket_{std::exchange(other.socket_, -1)} {}
LocalStream::~LocalStream() {
  if (socket_ >= 0) ::close(socket_);
}

SystemResult<void> LocalStream::write(std::string_view bytes, Deadline deadline) {
#if defined(MSG_NOSIGNAL)
  constexpr int flags = MSG_NOSIGNAL;
#else
  constexpr int flags = 0;
#endif
  while (!bytes.empty()) {
    if (!wait_ready(socket_, POLLOUT, deadline)) return timed_out();
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), flags);
    if (count < 0 && errno != EINTR && errno != EAGAIN) return system_error(errno);
    if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

SystemResult<std::size_t> LocalStream::read(std::span<char> into, Deadline deadline) {
  for (;;) {
    if (!wait_ready(socket_, POLLIN, deadline)) return timed_out();
    const ssize_t count = ::recv(socket_, into.data(), into.size(), 0);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR && errno != EAGAIN) return system_error(errno);
  }
}

std::optional<int> LocalStream::peer_pid() const {
#if defined(SO_PEERCRED)
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket_, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0) return peer.pid;
#elif defined(LOCAL_PEERPID)
  pid_t peer = 0;
  socklen_t size = sizeof peer;
  if (::getsockopt(socket_, SOL_LOCAL, LOCAL_PEERPID, &peer, &size) == 0 && peer > 0) return peer;
#endif
  return std::nullopt;
}

// --- BackgroundProcess

SystemResult<BackgroundProcess> BackgroundProcess::start(const Options& options) {
  const Descriptor null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (!null.is_open()) return system_error(errno);
  const Descriptor errors{
      ::open(options.error_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600)};
  if (!errors.is_open()) return system_error(errno);
  std::vector<std::string> command = options.command;
  std::vector<std::string> environment = environment_with(options.variables);
  const std::vector<char*> command_pointers = pointers_to(command);
  const std::vector<char*> environment_pointers = pointers_to(environment);
  const pid_t pid = ::fork();
  if (pid < 0) return system_error(errno);
  if (pid == 0) become(command_pointers.data(), environment_pointers.data(), null.get(), errors.get());
  return BackgroundProcess{pid};
}

std::optional<int> BackgroundProcess::poll_exit() {
  if (status_) return status_;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return status_;
}

// --- files

SystemResult<std::string> read_file(const fs::path& path, std::size_t limit) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file.is_open()) return system_error(errno);
  return read_all(file.get(), limit);
}

SystemResult<std::string> read_standard_input(std::size_t limit) { return read_all(STDIN_FILENO, limit); }

SystemResult<void> write_private_file(const fs::path& path, std::string_view content) {
  struct stat existing {};
  const bool exists = ::stat(path.c_str(), &existing) == 0;
  if (exists && S_ISDIR(existing.st_mode)) return system_error(EISDIR);
  if (exists && !S_ISREG(existing.st_mode)) {
    const Descriptor device{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    const int number = device.is_open() ? write_all(device.get(), content) : errno;
    return number == 0 ? SystemResult<void>{} : system_error(number);
  }

  std::error_code unresolved;
  const fs::path resolved = exists ? fs::canonical(path, unresolved) : path;  // through a link, not over it
  const fs::path target = unresolved ? path : resolved;
  std::string temporary = (target.parent_path() / ".vanctl-XXXXXX").string();
  Descriptor file{::mkstemp(temporary.data())};  // mode 0600
  if (!file.is_open()) return system_error(errno);
  int number = write_all(file.get(), content);
  if (number == 0 && ::fsync(file.get()) != 0) number = errno;
  if (::close(file.release()) != 0 && number == 0) number = errno;
  if (number == 0 && ::rename(temporary.c_str(), target.c_str()) != 0) number = errno;
  if (number == 0) return {};
  ::unlink(temporary.c_str());
  return system_error(number);
}

SystemResult<void> make_private_folder(const fs::path& folder) {
  std::error_code error;
  if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), error);
  if (error) return system_error(error.value());
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return system_error(errno);
  return {};
}

// --- this process

std::string executable_path(std::string_view argv0) {
#if defined(__linux__)
  std::error_code error;
  const fs::path path = fs::read_symlink("/proc/self/exe", error);
  if (!error && fs::exists(path, error)) return path.string();  // it may have been replaced while we run
#elif defined(__APPLE__)
  std::array<char, 4096> path;
  std::uint32_t size = path.size();
  if (::_NSGetExecutablePath(path.data(), &size) == 0) return path.data();
#endif
  if (argv0.find('/') == std::string_view::npos) return std::string{argv0};
  std::error_code ignored;
  return fs::absolute(fs::path{argv0}, ignored).string();
}

void pause_for(std::chrono::milliseconds duration) { std::this_thread::sleep_for(duration); }

void end_well_on_interrupt() {
  const auto end = [](int) { ::_exit(0); };
  std::signal(SIGINT, end);
  std::signal(SIGTERM, end);
}

}  // namespace van::cli

#endif
