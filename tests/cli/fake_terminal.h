#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "cli/terminal.h"

namespace van::test {

/// Keeps what is written, and gives what the test has put in.
class FakeTerminal final : public cli::Terminal {
 public:
  Written write(Stream to, std::string_view text) override {
    if (to == Stream::output && output_result != Written::all) return output_result;
    (to == Stream::output ? output : error) += text;
    return Written::all;
  }
  cli::SystemResult<std::string> read_input(std::size_t limit) override {
    if (input.size() > limit) return Unexpected{cli::SystemError{cli::SystemError::Code::closed, "too long"}};
    return input;
  }
  cli::SystemResult<std::size_t> read_some(std::span<char> into) override {
    const std::size_t count = std::min({into.size(), input.size() - read, piece});
    std::copy_n(input.begin() + static_cast<std::ptrdiff_t>(read), count, into.begin());
    read += count;
    return count;
  }
  std::string read_line() override { return input.substr(0, input.find('\n')); }
  [[nodiscard]] bool is_terminal(Stream) const override { return terminal; }

  std::string input;
  std::size_t read = 0;      ///< of it by read_some()
  std::size_t piece = 4096;  ///< that read_some() gives at once
  std::string output;
  std::string error;
  bool terminal = false;
  Written output_result = Written::all;
};

}  // namespace van::test
