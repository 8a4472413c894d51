// A relay between a client and its servers. Each command is a byte: who says something or ends, and how much; the rest of the input is what
// they say. What a server is sent is what our own reader takes for requests, one for each connection that was asked for.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/assert.h"
#include "core/base/limits.h"
#include "core/http/relay.h"

using namespace van;
using namespace van::http;

namespace {

constexpr std::size_t kRoom = 100;
constexpr std::size_t kMost = kRoom + limits::kHttpHeadBytes + 4096;  // a head, what we add to it, and the room

class World {
 public:
  void run(ByteView input) {
    while (!input.empty()) {
      const std::uint8_t command = input[0];
      const ByteView words = input.subspan(1, std::min<std::size_t>(command & 31, input.size() - 1));
      input = input.subspan(1 + words.size());
      switch (command >> 5) {
        case 0: case 1: case 2: client_.push_copy(words); break;
        case 3: case 4: if (connected_) server_.push_copy(words); break;
        case 5: if (wanted_) attach((command & 1) != 0); break;
        case 6: server_ended_ = connected_; break;
        case 7: if ((command & 1) != 0) client_ended_ = true; else if (wanted_ || connected_) relay_.fail(503, "x"); break;
        default: break;
      }
      settle();
    }
  }

 private:
  void attach(bool reused) {
    connected_ = true;
    wanted_ = server_ended_ = false;
    server_.clear();
    sent_.clear();
    relay_.attach(reused);
  }

  void settle() {
    relay_.advance({.client = &client_, .client_ended = client_ended_, .client_room = kRoom, .server = connected_ ? &server_ : nullptr,
                    .server_ended = server_ended_, .server_room = kRoom});
    while (const auto event = relay_.poll_event()) handle(*event);
    VAN_ASSERT(relay_.to_client().bytes() <= kMost && relay_.to_server().bytes() <= kMost + limits::kHttpRepeatBytes);
    relay_.to_client().clear();
    if (!connected_) return;
    const Bytes sent = relay_.to_server().peek(kMost * 2);
    relay_.to_server().clear();
    sent_ += as_text(sent);
    check_sent();
  }

  void handle(Relay::Event event) {
    switch (event) {
      case Relay::Event::connect:
        VAN_ASSERT(!wanted_ && !connected_ && !closed_);
        wanted_ = true;
        break;
      case Relay::Event::connect_again:
        VAN_ASSERT(!wanted_ && !connected_ && !closed_);
        wanted_ = true;
        break;
      case Relay::Event::release:
      case Relay::Event::done:
      case Relay::Event::drop:
        VAN_ASSERT(wanted_ || connected_);
        wanted_ = connected_ = false;
        break;
      case Relay::Event::close_client:
      case Relay::Event::reset_client:
        VAN_ASSERT(!closed_);
        closed_ = true;
        break;
      case Relay::Event::finish_server:
      case Relay::Event::finish_client:
        break;
    }
  }

  /// One request at most, unless it was answered by a tunnel.
  void check_sent() const {
    RequestReader reader;
    const auto fed = reader.feed(as_bytes(sent_));
    VAN_ASSERT(fed || sent_.size() > limits::kHttpLineBytes);
    if (!fed || !reader.whole() || !reader.head().connection.upgrade.empty()) return;
    BodyReader body{reader.head().body};
    const auto rest = body.skip(as_bytes(sent_).subspan(*fed));
    VAN_ASSERT(rest && *fed + *rest == sent_.size());
  }

  Relay relay_{{.forwarded = Forwarded::x_forwarded, .client = "::1", .host = "h"}};
  SliceQueue client_, server_;
  std::string sent_;
  bool client_ended_ = false, server_ended_ = false, connected_ = false, wanted_ = false, closed_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  World{}.run({data, size});
  return 0;
}
