#pragma once

#include <string>

#include "cli/status_document.h"
#include "cli/table.h"

namespace van::cli {

struct ViewOptions {
  Style style{false};
  bool verbose = false;
};

/// Each part as text for people: a table, or a line that says there is nothing. `verbose` adds columns.
[[nodiscard]] std::string sites_view(const StatusDocument& status, const ViewOptions& options);
[[nodiscard]] std::string links_view(const StatusDocument& status, const ViewOptions& options);
[[nodiscard]] std::string services_view(const StatusDocument& status, const ViewOptions& options);
/// Site, links, sites and services.
[[nodiscard]] std::string status_view(const StatusDocument& status, const ViewOptions& options);

}  // namespace van::cli
