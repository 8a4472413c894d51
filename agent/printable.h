#pragma once

#include <string>
#include <string_view>

namespace van::agent {

/// Text of others for a log line or a message: control characters become '?', and what is too long is cut.
inline std::string printable(std::string_view text, std::size_t bytes_max = 80) {
  std::string result;
  for (const char c : text.substr(0, bytes_max)) result += static_cast<unsigned char>(c) >= ' ' && c != 127 ? c : '?';
  // Cut between characters, not inside one.
  while (text.size() > bytes_max && !result.empty() && (static_cast<unsigned char>(result.back()) & 0xc0) == 0x80)
    result.pop_back();
  return text.size() > bytes_max ? result + "..." : result;
}

}  // namespace van::agent
