#include "core/http/target.h"

#include <algorithm>

#include "core/http/text.h"

namespace van::http {
namespace {

Unexpected<Error> invalid() { return {{400, "the request target is not valid"}}; }

bool is_host(std::string_view text) {
  if (text.starts_with('[')) {
    const std::string_view inside = text.size() < 4 || !text.ends_with(']') ? std::string_view{} : text.substr(1, text.size() - 2);
    return !inside.empty() && inside.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
  }
  return !text.empty() && is_host_text(text);
}

bool is_scheme(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !text.empty() && letter(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });
}

}  // namespace

bool is_authority(std::string_view text) {
  const std::size_t colon = text.find(':', text.starts_with('[') ? text.rfind(']') : 0);
  if (colon == std::string_view::npos) return is_host(text);
  const std::string_view port = text.substr(colon + 1);
  return is_host(text.substr(0, colon)) && port.size() <= 5 && (port.empty() || is_digits(port));
}

Expected<Target, Error> read_target(std::string_view method, std::string_view text) {
  if (text.empty() || !is_target_text(text)) return invalid();
  Target target;
  if (method == "CONNECT") {
    target.form = Target::Form::authority;
    target.authority = text;
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon + 1 == text.size() || !is_authority(text)) return invalid();
    return target;
  }
  if (text.starts_with('/')) {
    target.path = text;
    return target;
  }
  if (text == "*") {
    if (method != "OPTIONS") return invalid();
    target.form = Target::Form::asterisk;
    target.path = text;
    return target;
  }
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || !is_scheme(text.substr(0, colon))) return invalid();
  target.form = Target::Form::absolute;
  target.scheme = text.substr(0, colon);
  const std::string_view rest = text.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  target.authority = rest.substr(0, end);
  target.path = rest.substr(end);
  if (!is_authority(target.authority)) return invalid();
  return target;
}

}  // namespace van::http
