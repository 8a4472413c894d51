#include "core/http/forwarded.h"

#include <array>
#include <utility>

namespace van::http {
namespace {

constexpr std::array<std::pair<Forwarded, std::string_view>, 3> kNames{
    {{Forwarded::none, "none"}, {Forwarded::x_forwarded, "x-forwarded"}, {Forwarded::standard, "forwarded"}}};

}  // namespace

std::string_view to_text(Forwarded forwarded) {
  for (const auto& [value, name] : kNames)
    if (value == forwarded) return name;
  return {};
}

std::optional<Forwarded> forwarded_of(std::string_view text) {
  for (const auto& [value, name] : kNames)
    if (name == text) return value;
  return std::nullopt;
}

}  // namespace van::http
