#pragma once

#include <string>

namespace van::cli {

/// docs/reference.md and packaging/man/vanctl.1, written from the command table. A test compares them with the files.
[[nodiscard]] std::string reference_markdown();
[[nodiscard]] std::string manual_page();

}  // namespace van::cli
