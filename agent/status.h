#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "agent/site.h"
#include "core/base/clock.h"

namespace van::agent {

/// The status document of the API (docs/api.md): every field is there; what is not known is null.
struct StatusOptions {
  std::string profile;
  TimePoint started;  ///< of the agent
  TimePoint now;
};
nlohmann::ordered_json status_document(const Site& site, const StatusOptions& options);

/// "TLS 1.2" as other tools write it: "TLSv1.2".
std::string tls_version_text(std::string version);

}  // namespace van::agent
