#pragma once

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
  std::string read_line() override { return input.substr(0, input.find('\n')); }
  [[nodiscard]] bool is_terminal(Stream) const override { return terminal; }

  std::string input;
  std::string output;
  std::string error;
  bool terminal = false;
  Written output_result = Written::all;
};

}  // namespace van::test
