#include "core/base/base64.h"

#include "core/base/random.h"
#include "tests/support/catch.h"

namespace van {
namespace {

TEST_CASE("the test vectors of RFC 4648 hold", "[base][base64]") {
  // RFC 4648 §10
  const std::pair<std::string, std::string> vectors[] = {{"", ""},         {"f", "Zg=="},         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},  {"foob", "Zm9vYg=="},  {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    CAPTURE(plain);
    CHECK(encode_base64(plain) == encoded);
    CHECK(decode_base64(encoded) == plain);
  }
}

TEST_CASE("what is encoded is decoded to the same bytes, and no shorter text is accepted", "[base][base64]") {
  Rng rng{7};
  for (std::size_t size = 0; size < 50; ++size) {
    std::string bytes;
    for (std::size_t at = 0; at < size; ++at) bytes += static_cast<char>(rng.below(256));
    const std::string text = encode_base64(bytes);
    CHECK(decode_base64(text) == bytes);
    for (std::size_t cut = 1; cut < 4 && cut < text.size(); ++cut)
      CHECK_FALSE(decode_base64(std::string_view{text}.substr(0, text.size() - cut)));
  }
}

TEST_CASE("white space in base64 is skipped, anything else refused", "[base][base64]") {
  CHECK(decode_base64(" Zm9v\r\n\tYmFy\n") == "foobar");
  CHECK(decode_base64("Zm8=\n") == "fo");
  for (const char* bad : {"Zm9v!", "=m9v", "Z===", "Zg==Zg==", "Zg=a", "Zm8=x", "Zm9v-_==", "===="}) {
    CAPTURE(bad);
    CHECK_FALSE(decode_base64(bad));
  }
}

}  // namespace
}  // namespace van
