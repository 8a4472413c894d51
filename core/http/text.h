#pragma once

#include <cstddef>
#include <string_view>

namespace van::http {

/// RFC 9110 §5.6.2, `tchar`.
bool is_token_char(char c);
/// How many of the first characters are such ones.
std::size_t token_size(std::string_view text);
inline bool is_token(std::string_view text) { return !text.empty() && token_size(text) == text.size(); }
/// What a field's value is made of (§5.5): visible characters, obs-text, space and tab.
bool is_field_text(std::string_view text);
bool is_target_text(std::string_view text);  ///< what read_target() lets a request target be made of
bool is_host_text(std::string_view text);    ///< what a host's name is made of (`reg-name`, RFC 3986 §3.2.2)
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_digits(std::string_view text);  ///< at least one, and nothing else
/// ASCII letters count as equal in either case.
inline bool same_letters(std::string_view one, std::string_view other) {  // of texts equally long
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  for (std::size_t at = 0; at < one.size(); ++at)
    if (one[at] != other[at] && lower(one[at]) != lower(other[at])) return false;
  return true;
}
inline bool same(std::string_view one, std::string_view other) { return one.size() == other.size() && same_letters(one, other); }
/// Without spaces and tabs at both ends (`OWS`).
inline std::string_view trim(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// Calls `take` with each element of a comma-separated list that has no quoted strings (§5.6.1); empty ones are skipped.
template <class Take>
void for_each_element(std::string_view list, Take take) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    if (const std::string_view element = trim(list.substr(0, comma)); !element.empty()) take(element);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
}

}  // namespace van::http
