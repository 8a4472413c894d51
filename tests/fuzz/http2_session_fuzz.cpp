// One end of an HTTP/2 connection is fed: the first byte says which end, and how the rest is split, which makes no difference.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <variant>

#include "core/base/assert.h"
#include "core/base/limits.h"
#include "core/http2/session.h"

using namespace van;

namespace {

struct Seen {
  std::string heads;                         // and ends, in their order
  std::map<std::uint32_t, std::string> data;  // by stream
  bool over = false;
};

void note(Seen& seen, const http2::HeadReceived& head) {
  std::size_t bytes = 0;
  seen.heads += "\nhead " + std::to_string(head.stream.value) + (head.end ? " end" : "") + (head.too_large ? " too large" : "");
  for (const http2::Header& line : head.headers) {
    seen.heads += "\n" + line.name + ": " + line.value;
    bytes += line.name.size() + line.value.size() + 32;
  }
  VAN_ASSERT(bytes <= limits::kHttp2HeaderListBytes);
}
void note(Seen& seen, const http2::DataReceived& data) { seen.data[data.stream.value] += as_text(data.octets.view()); }
void note(Seen& seen, const http2::EndReceived& end) { seen.heads += "\nend " + std::to_string(end.stream.value); }
void note(Seen&, const http2::DataSent&) {}
void note(Seen& seen, const http2::StreamClosed& closed) {
  seen.heads += "\nclosed " + std::to_string(closed.stream.value) + " " + std::to_string(static_cast<std::uint32_t>(closed.code));
}
void note(Seen&, const http2::PeerChanged&) {}

Seen feed(ByteView bytes, bool server, std::size_t piece) {
  http2::Session session{{server ? http2::Session::Side::server : http2::Session::Side::client, 1000}};
  if (!server) {
    for (const char* path : {"/a", "/b"}) static_cast<void>(session.request({{":method", "GET"}, {":scheme", "http"}, {":path", path}, {":authority", "a"}}, true));
    SliceQueue out;
    session.take_output(out, 1u << 20);
  }
  Seen seen;
  while (!bytes.empty()) {
    const ByteView part = bytes.first(std::min(piece, bytes.size()));
    bytes = bytes.subspan(part.size());
    session.receive(Slice::copy_of(part), TimePoint{});
    while (auto event = session.poll_event()) std::visit([&seen](const auto& value) { note(seen, value); }, *event);
    VAN_ASSERT(session.streams() <= limits::kHttp2Streams + 1);
  }
  SliceQueue out;
  session.take_output(out, 1u << 20);
  while (auto event = session.poll_event()) std::visit([&seen](const auto& value) { note(seen, value); }, *event);
  seen.over = session.over();
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const bool server = (data[0] & 0x80) == 0;
  std::string text;
  if (server) text = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  text.append(reinterpret_cast<const char*>(data + 1), size - 1);
  const Seen whole = feed(as_bytes(text), server, text.size());
  const Seen split = feed(as_bytes(text), server, std::size_t{1} + (data[0] & 0x7f));
  VAN_ASSERT(whole.heads == split.heads && whole.data == split.data && whole.over == split.over);
  return 0;
}
