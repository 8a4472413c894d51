#include "cli/json_text.h"

namespace van::cli {
namespace {

constexpr int kDepthMax = 32;

}  // namespace

std::optional<Json> parse_json(std::string_view text) {
  bool too_deep = false;
  const auto watch_depth = [&too_deep](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kDepthMax;
    return !too_deep;
  };
  Json value = Json::parse(text, watch_depth, /*allow_exceptions=*/false);
  if (too_deep || value.is_discarded()) return std::nullopt;
  return value;
}

std::optional<std::string> compact_json(const Json& value) {
  try {
    return value.dump();
  } catch (const Json::type_error&) {
    return std::nullopt;
  }
}

std::string pretty_json(const Json& value) { return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace van::cli
