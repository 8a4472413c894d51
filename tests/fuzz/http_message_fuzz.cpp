// Requests and responses of HTTP/1. The first byte says how the rest is split and what it is: the split makes no difference, and
// nothing that was read holds what would be read in another way again.
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/assert.h"
#include "core/base/limits.h"
#include "core/http/head_writer.h"
#include "core/http/text.h"
#include "tests/core/http/described.h"

using namespace van;
using namespace van::http;

namespace {

/// A head that is written again is read as the same.
void check_round_trip(ByteView octets) {
  RequestReader reader;
  const auto fed = reader.feed(octets);
  if (!fed || !reader.whole()) return;
  std::string text;
  HeadWriter writer{text};
  writer.request_line(reader.head().method, reader.head().target_text);
  for (const Field& field : reader.fields()) {
    VAN_ASSERT(is_token(field.name) && is_field_text(field.value));
    writer.field(field.name, field.value);
  }
  writer.end();
  if (text.size() > limits::kHttpHeadBytes) return;
  RequestReader again;
  const auto fed_again = again.feed(as_bytes(text));
  if (!fed_again) {  // HTTP/1.0 does without what 1.1 asks for, and a written line may be a space longer
    VAN_ASSERT(reader.head().minor == 0 || text.size() > *fed);
    return;
  }
  VAN_ASSERT(again.whole() && *fed_again == text.size());
  VAN_ASSERT(again.head().method == reader.head().method && again.head().target_text == reader.head().target_text);
  VAN_ASSERT(again.head().body == reader.head().body && again.head().host == reader.head().host);
  VAN_ASSERT(again.fields().size() == reader.fields().size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const ByteView bytes{data + 1, size - 1};
  const std::size_t piece = std::size_t{1} + data[0] / 4;
  const std::string_view text = as_text(bytes);
  if ((data[0] & 1) != 0) {
    const Question question{.is_head = (data[0] & 2) != 0};
    VAN_ASSERT(http::test::Described{text}.response(question) == (http::test::Described{text, piece}.response(question)));
    return 0;
  }
  VAN_ASSERT(http::test::Described{text}.requests() == (http::test::Described{text, piece}.requests()));
  check_round_trip(bytes);
  return 0;
}
