#include "cli/failure.h"

#include <array>

#include "cli/plain_text.h"

namespace van::cli {
namespace {

struct CodeRow {
  ExitCode exit;
  std::string_view name;
};
constexpr std::array kCodes{
    CodeRow{ExitCode::failed, "failed"},       CodeRow{ExitCode::usage, "bad_request"},
    CodeRow{ExitCode::no_agent, "no_agent"},   CodeRow{ExitCode::timeout, "timeout"},
    CodeRow{ExitCode::not_found, "not_found"}, CodeRow{ExitCode::conflict, "conflict"},
    CodeRow{ExitCode::refused, "refused"},
};

}  // namespace

std::string_view code_name(ExitCode exit) {
  for (const CodeRow& row : kCodes)
    if (row.exit == exit) return row.name;
  return "done";
}

ExitCode exit_code_of(std::string_view code) {
  for (const CodeRow& row : kCodes)
    if (row.name == code) return row.exit;
  return ExitCode::failed;
}

std::string failure_text(const Failure& failure) {
  std::string text = "vanctl: ";
  if (!failure.what.empty()) text += plain_text(failure.what) + ": ";
  text += plain_text(failure.message) + "\n";
  if (!failure.hint.empty()) text += "hint: " + plain_text(failure.hint) + "\n";
  return text;
}

}  // namespace van::cli
