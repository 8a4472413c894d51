#include "core/http/version.h"

#include "core/http/text.h"

namespace van::http {

Expected<int, Error> read_version(std::string_view text) {
  constexpr std::string_view kName = "HTTP/";
  if (text.size() != kName.size() + 3 || !text.starts_with(kName) || !is_digit(text[5]) || text[6] != '.' || !is_digit(text[7]))
    return Unexpected{Error{400, "the version is not HTTP/1.1"}};
  if (text[5] != '1') return Unexpected{Error{505, "only HTTP/1.0 and HTTP/1.1 are spoken here"}};
  return text[7] - '0';
}

}  // namespace van::http
