#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "core/base/expected.h"

namespace van::cli {

/// What the process ends with. The numbers are a contract with scripts: command-line contract, "Exit codes".
enum class ExitCode : int {
  done = 0,
  failed = 1,
  usage = 2,
  no_agent = 3,
  timeout = 4,
  not_found = 5,
  conflict = 6,
  refused = 7,
};

/// Why a command did not do what it was asked. `message` and `hint` are each one line for people.
struct Failure {
  ExitCode exit = ExitCode::failed;
  std::string message;
  std::string hint;  ///< how to mend it; may be empty
  std::string what;  ///< what failed; empty: the command itself
};

template <class T>
using Result = Expected<T, Failure>;

inline Unexpected<Failure> fail(ExitCode exit, std::string message, std::string hint = {}) {
  return Unexpected{Failure{exit, std::move(message), std::move(hint), {}}};
}

/// `code` of the JSON error document, the same words as the control API's (docs/api.md).
[[nodiscard]] std::string_view code_name(ExitCode exit);
/// The exit code for a `code` of the control API; `failed` for one that this version does not know.
[[nodiscard]] ExitCode exit_code_of(std::string_view code);

/// The line or two for standard error: `vanctl: WHAT: WHY`, then the hint.
[[nodiscard]] std::string failure_text(const Failure& failure);

}  // namespace van::cli
