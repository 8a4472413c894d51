#pragma once

#include <cstddef>
#include <string_view>

namespace van::http {

/// RFC 9110 §5.6.2, `tchar`.
bool is_token_char(char c);
bool is_token(std::string_view text);
/// What a field's value is made of (§5.5): visible characters, obs-text, space and tab.
bool is_field_text(std::string_view text);
bool is_digits(std::string_view text);  ///< at least one, and nothing else
/// ASCII letters count as equal in either case.
bool same_letters(std::string_view one, std::string_view other);  ///< of texts equally long
inline bool same(std::string_view one, std::string_view other) { return one.size() == other.size() && same_letters(one, other); }
/// Without spaces and tabs at both ends (`OWS`).
std::string_view trim(std::string_view text);

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
