#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/failure.h"
#include "cli/json_text.h"
#include "cli/system.h"

namespace van::cli {

/// A request of the control API (docs/api.md).
struct ApiRequest {
  std::string_view method;
  std::string target;  ///< path and query, see api_path() and api_query()
  std::optional<Json> body = {};
  std::optional<std::string> octets = {};  ///< instead of `body`, as they are
};

/// `text` as one segment of a path or value of a query: RFC 3986 §2.1, everything but unreserved characters is encoded.
[[nodiscard]] std::string percent_encoded(std::string_view text);
/// `path?a=1&b=2`; values are encoded, empty ones left out.
[[nodiscard]] std::string api_query(std::string_view path,
                                    std::span<const std::pair<std::string_view, std::string>> values);

struct ApiAnswer {
  int status = 0;  ///< 2xx
  Json document;
};

/// One request over one connection to the control socket of an agent. Failures: no_agent (nobody listens), timeout,
/// those that the agent answers with, and failed for an answer that is none.
class ApiClient {
 public:
  static Result<ApiClient> connect(const std::filesystem::path& socket, Deadline deadline);
  [[nodiscard]] std::optional<int> agent_pid() const { return stream_.peer_pid(); }

  /// May be called once.
  Result<ApiAnswer> call(const ApiRequest& request, Deadline deadline);
  /// Hands the body to `take` as it comes, until the agent ends it or `take` gives false. `deadline` is that of the
  /// first byte. May be called once, instead of call().
  Result<void> follow(const ApiRequest& request, Deadline deadline, const std::function<bool(std::string_view)>& take);

 private:
  explicit ApiClient(LocalStream stream) : stream_{std::move(stream)} {}
  Result<void> send(const ApiRequest& request, Deadline deadline);
  LocalStream stream_;
};

}  // namespace van::cli
