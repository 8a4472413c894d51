#include "core/tls/secure_random.h"

#include <algorithm>
#include <set>

#include "core/base/bytes.h"
#include "tests/support/catch.h"

using namespace van;

TEST_CASE("every byte is filled, for lengths above one request to the generator", "[tls][random]") {
  tls::SystemRandom random;
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{1024}, std::size_t{5000}}) {
    Bytes seen(length, 0);
    for (int i = 0; i < 16; ++i) {  // a byte that stays zero 16 times was not filled
      Bytes bytes(length, 0);
      random.fill(bytes);
      for (std::size_t at = 0; at < length; ++at) seen[at] |= bytes[at];
    }
    CHECK(std::count(seen.begin(), seen.end(), std::uint8_t{0}) == 0);
  }
}

TEST_CASE("two generators don't agree, and neither repeats", "[tls][random]") {
  tls::SystemRandom first;
  tls::SystemRandom second;
  std::set<Bytes> drawn;
  for (int i = 0; i < 100; ++i) {
    Bytes bytes(16);
    first.fill(bytes);
    drawn.insert(bytes);
    CHECK(tls::fill_random(static_cast<SecureRandom*>(&second), bytes.data(), bytes.size()) == 0);
    drawn.insert(bytes);
  }
  CHECK(drawn.size() == 200);
}
