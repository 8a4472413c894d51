// Requests of the control API: the first byte says how the rest is split, and the split makes no difference.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "agent/http_request.h"
#include "core/base/assert.h"
#include "core/base/limits.h"

using namespace van;

namespace {

struct Seen {
  std::vector<agent::HttpRequest> requests;
  bool failed = false;
};

Seen parse(ByteView bytes, std::size_t piece) {
  agent::HttpRequestParser parser;
  Seen seen;
  while (!bytes.empty() && !seen.failed) {
    const ByteView part = bytes.first(std::min(piece, bytes.size()));
    bytes = bytes.subspan(part.size());
    parser.push(part);
    for (;;) {
      auto request = parser.next();
      seen.failed = !request;
      if (!request || !*request) break;
      seen.requests.push_back(**request);
    }
    static_cast<void>(parser.take_expects_continue());
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const ByteView bytes{data + 1, size - 1};
  const Seen whole = parse(bytes, bytes.size());
  const Seen split = parse(bytes, std::size_t{1} + data[0]);
  VAN_ASSERT(whole.failed == split.failed);
  VAN_ASSERT(whole.requests.size() == split.requests.size());
  for (std::size_t at = 0; at < whole.requests.size(); ++at) {
    const agent::HttpRequest& one = whole.requests[at];
    const agent::HttpRequest& two = split.requests[at];
    VAN_ASSERT(one.method == two.method && one.path == two.path && one.query == two.query && one.body == two.body);
    VAN_ASSERT(one.keep_alive == two.keep_alive && one.path.starts_with('/'));
    VAN_ASSERT(one.body.size() <= limits::kApiBodyBytes);
  }
  return 0;
}
