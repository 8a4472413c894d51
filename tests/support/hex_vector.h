#pragma once

#include <cctype>
#include <fstream>
#include <string>

#include "core/base/bytes.h"
#include "tests/support/catch.h"

namespace van::test {

/// The bytes of pairs of hex digits; blanks are passed over, and so is the rest of a line behind '#'.
inline Bytes from_hex(std::string_view text) {
  Bytes bytes;
  int high = -1;
  bool is_comment = false;
  for (const char c : text) {
    if (c == '#') is_comment = true;
    if (c == '\n') is_comment = false;
    if (is_comment || std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    REQUIRE(std::isxdigit(static_cast<unsigned char>(c)) != 0);
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<std::uint8_t>(high << 4 | digit));
      high = -1;
    }
  }
  REQUIRE(high < 0);
  return bytes;
}

/// Golden bytes: tests/vectors/NAME.hex.
inline Bytes hex_vector(const std::string& name) {
  std::ifstream file{std::string{VAN_SOURCE_DIR} + "/tests/vectors/" + name + ".hex"};
  REQUIRE(file.good());
  return from_hex(std::string{std::istreambuf_iterator<char>{file}, {}});
}

}  // namespace van::test
