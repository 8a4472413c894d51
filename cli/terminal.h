#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "cli/system.h"

namespace van::cli {

/// The standard streams of a command. Nothing is buffered: what was written is out.
class Terminal {
 public:
  enum class Stream { input, output, error };
  enum class Written {
    all,
    closed,  ///< the reader has gone, as `head` does: no more is wanted, and that is no error
    failed,  ///< a full disk
  };

  virtual ~Terminal() = default;
  virtual Written write(Stream to, std::string_view text) = 0;
  /// All of standard input, see read_standard_input().
  virtual SystemResult<std::string> read_input(std::size_t limit) = 0;
  /// At least a byte of standard input, as soon as there is one; 0 at its end.
  virtual SystemResult<std::size_t> read_some(std::span<char> into) = 0;
  /// One line of standard input without its end; empty at the end of the input.
  virtual std::string read_line() = 0;
  [[nodiscard]] virtual bool is_terminal(Stream stream) const = 0;
};

/// Those of this process. Asks the system to report a closed pipe as an error instead of ending the process.
class ProcessTerminal final : public Terminal {
 public:
  ProcessTerminal();
  Written write(Stream to, std::string_view text) override;
  SystemResult<std::string> read_input(std::size_t limit) override;
  SystemResult<std::size_t> read_some(std::span<char> into) override;
  std::string read_line() override;
  [[nodiscard]] bool is_terminal(Stream stream) const override;
};

}  // namespace van::cli
