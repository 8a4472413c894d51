#include "cli/terminal.h"

#if !defined(_WIN32)

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

namespace van::cli {
namespace {

constexpr std::size_t kLineBytesMax = 4096;

int descriptor(Terminal::Stream stream) {
  switch (stream) {
    case Terminal::Stream::input:
      return STDIN_FILENO;
    case Terminal::Stream::output:
      return STDOUT_FILENO;
    case Terminal::Stream::error:
      return STDERR_FILENO;
  }
  return -1;
}

}  // namespace

ProcessTerminal::ProcessTerminal() { std::signal(SIGPIPE, SIG_IGN); }

Terminal::Written ProcessTerminal::write(Stream to, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor(to), text.data(), text.size());
    if (count < 0 && errno == EPIPE) return Written::closed;
    if (count < 0 && errno == EAGAIN) {  // somebody we share it with has made it non-blocking
      pollfd ready{descriptor(to), POLLOUT, 0};
      ::poll(&ready, 1, -1);
      continue;
    }
    if (count < 0 && errno != EINTR) return Written::failed;
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
  return Written::all;
}

SystemResult<std::string> ProcessTerminal::read_input(std::size_t limit) { return read_standard_input(limit); }

SystemResult<std::size_t> ProcessTerminal::read_some(std::span<char> into) {
  for (;;) {
    const ssize_t count = ::read(STDIN_FILENO, into.data(), into.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return Unexpected{SystemError{SystemError::Code::other, std::generic_category().message(errno)}};
  }
}

std::string ProcessTerminal::read_line() {
  std::string line;
  char c = 0;
  while (line.size() < kLineBytesMax && ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') line += c;
  return line;
}

bool ProcessTerminal::is_terminal(Stream stream) const { return ::isatty(descriptor(stream)) == 1; }

}  // namespace van::cli

#endif
