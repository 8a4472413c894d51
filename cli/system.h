#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/expected.h"

/// What commands need of the operating system; system_posix.cpp has it for Linux and macOS, and is the one file to
/// write anew for another. Calls block, but never beyond their deadline.
namespace van::cli {

/// Time of the command line: it is no engine and may read a clock.
using Deadline = std::chrono::steady_clock::time_point;

struct SystemError {
  enum class Code { not_found, timeout, closed, other };
  Code code = Code::other;
  std::string message;  ///< the system's words
};
template <class T>
using SystemResult = Expected<T, SystemError>;

/// Watches for the end of a process that need not be a child of ours.
class ProcessWatch {
 public:
  explicit ProcessWatch(int pid);
  ProcessWatch(ProcessWatch&& other) noexcept;
  ProcessWatch& operator=(ProcessWatch&&) = delete;
  ~ProcessWatch();
  [[nodiscard]] int pid() const { return pid_; }
  /// True once the process is gone; false at the deadline.
  bool wait_gone(Deadline deadline);

 private:
  int pid_;
  int handle_ = -1;  ///< becomes readable when the process ends; -1 where the system has no such thing
};

/// A connected local socket.
class LocalStream {
 public:
  /// `path` may be longer than a socket address. Errors: not_found (nobody listens there), timeout, other.
  static SystemResult<LocalStream> connect(const std::filesystem::path& path, Deadline deadline);
  LocalStream(LocalStream&& other) noexcept;
  LocalStream& operator=(LocalStream&&) = delete;
  ~LocalStream();

  /// Writes all. Errors: timeout, closed, other.
  SystemResult<void> write(std::string_view bytes, Deadline deadline);
  /// Reads at least a byte; 0 at the end of the stream. Errors: timeout, other.
  SystemResult<std::size_t> read(std::span<char> into, Deadline deadline);
  /// The process at the other end; nullopt when the system does not say.
  [[nodiscard]] std::optional<int> peer_pid() const;

 private:
  explicit LocalStream(int socket) : socket_{socket} {}
  int socket_;
};

/// A process that goes on when this one ends: a session of its own, no terminal, standard input and output on
/// /dev/null.
class BackgroundProcess {
 public:
  struct Options {
    std::vector<std::string> command;    ///< program, then its arguments; a program without '/' is looked for in PATH
    std::filesystem::path error_file;    ///< standard error; begun anew, readable by the owner only
    std::vector<std::string> variables;  ///< "NAME=value", replacing those of this process
  };
  static SystemResult<BackgroundProcess> start(const Options& options);
  [[nodiscard]] int pid() const { return pid_; }
  /// Its exit status once it has ended (128 + N when a signal ended it).
  std::optional<int> poll_exit();

 private:
  explicit BackgroundProcess(int pid) : pid_{pid} {}
  int pid_;
  std::optional<int> status_;
};

/// All of a file or of standard input ("-"), at most `limit` bytes. Errors: not_found; closed: it is longer than
/// `limit`.
SystemResult<std::string> read_file(const std::filesystem::path& path, std::size_t limit);
SystemResult<std::string> read_standard_input(std::size_t limit);

/// Writes a file that only its owner can read, in one step: readers see the old content or the new, and an error leaves
/// no trace. A device or pipe is written to as it is.
SystemResult<void> write_private_file(const std::filesystem::path& path, std::string_view content);

/// Makes a folder, with its parents, that only its owner can enter.
SystemResult<void> make_private_folder(const std::filesystem::path& folder);

/// The program that runs, so that it can be started again. `argv0` is the second choice.
std::string executable_path(std::string_view argv0);

/// Waits; for polling between processes that have no other sign to give.
void pause_for(std::chrono::milliseconds duration);

/// From now on an interrupt (Ctrl-C) or a request to end is the ordinary end of the command: exit code 0.
void end_well_on_interrupt();

}  // namespace van::cli
