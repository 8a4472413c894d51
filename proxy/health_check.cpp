#include "proxy/health_check.h"

#include <algorithm>

namespace van::proxy {
namespace {

constexpr std::string_view kHttp = "http:";

}  // namespace

std::string HealthCheck::text() const {
  switch (kind) {
    case Kind::none: return {};
    case Kind::tcp: return "tcp";
    case Kind::http: return std::string{kHttp} + path;
  }
  return {};
}

Expected<HealthCheck, std::string> parse_health_check(std::string_view text) {
  HealthCheck check;
  if (text == "tcp") {
    check.kind = HealthCheck::Kind::tcp;
    return check;
  }
  if (!text.starts_with(kHttp) || !text.substr(kHttp.size()).starts_with('/'))
    return Unexpected{std::string{"a health check is tcp or http:/PATH"}};
  check.kind = HealthCheck::Kind::http;
  check.path = text.substr(kHttp.size());
  if (check.path.size() > kHealthPathBytes) return Unexpected{"the path of a health check has at most " + std::to_string(kHealthPathBytes) + " octets"};
  const auto odd = [](char c) { return c <= ' ' || c > '~' || c == '#'; };
  if (std::ranges::any_of(check.path, odd)) return Unexpected{std::string{"the path of a health check is of visible ASCII characters; write others as %XX"}};
  return check;
}

}  // namespace van::proxy
