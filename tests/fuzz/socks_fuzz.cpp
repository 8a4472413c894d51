// What SOCKS clients say: the first byte says how the rest is split, and the split makes no difference.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/assert.h"
#include "proxy/socks_handshake.h"

using namespace van;

namespace {

struct Seen {
  proxy::SocksHandshake handshake;
  std::string output;
  std::size_t used = 0;
};

void talk(Seen& seen, ByteView bytes, std::size_t piece) {
  while (!bytes.empty() && seen.handshake.state() == proxy::SocksHandshake::State::reading) {
    const ByteView part = bytes.first(std::min(piece, bytes.size()));
    const std::size_t used = seen.handshake.feed(part);
    VAN_ASSERT(used == part.size() || seen.handshake.state() != proxy::SocksHandshake::State::reading);
    seen.used += used;
    bytes = bytes.subspan(used);
  }
  if (seen.handshake.state() == proxy::SocksHandshake::State::asking) {
    VAN_ASSERT(!seen.handshake.request().host.empty() && seen.handshake.request().host.size() <= 255);
    seen.handshake.answer(proxy::SocksReply::granted);
  }
  seen.output = seen.handshake.take_output();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const ByteView bytes{data + 1, size - 1};
  Seen whole, split;
  talk(whole, bytes, bytes.size());
  talk(split, bytes, std::size_t{1} + data[0]);
  VAN_ASSERT(whole.handshake.state() == split.handshake.state());
  VAN_ASSERT(whole.output == split.output);
  VAN_ASSERT(whole.used == split.used && whole.used <= 600 + 257);
  VAN_ASSERT(whole.handshake.request().host == split.handshake.request().host && whole.handshake.request().port == split.handshake.request().port);
  return 0;
}
