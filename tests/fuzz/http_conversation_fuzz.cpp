// The HTTP port: the first byte says how the rest is split, and the split makes no difference. Up to a zero byte it is what the client
// says, behind it what each service answers.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/assert.h"
#include "proxy/http_conversation.h"

using namespace van;
using State = proxy::HttpConversation::State;

namespace {

struct Talk {
  proxy::HttpConversation conversation;
  std::string client, service;

  static void take(SliceQueue& queue, std::string& to) {
    to += as_text(queue.peek(queue.bytes()));
    queue.clear();
  }
  void take() {
    take(conversation.to_client(), client);
    while (!conversation.to_service().empty()) {
      take(conversation.to_service(), service);
      conversation.service_took();
    }
  }
  /// Everything that is asked for is there, and says `answer`.
  void serve(ByteView answer, std::size_t piece) {
    for (int turns = 0; turns < 1000; ++turns) {
      take();
      if (conversation.state() == State::asking) {
        const auto kind = conversation.ask().kind;
        if (kind == proxy::HttpAsk::Kind::tunnel || kind == proxy::HttpAsk::Kind::forward) conversation.opened();
        else conversation.answer({.body = "page"});
      } else if (conversation.state() == State::exchanging && conversation.request_complete()) {
        ByteView left = answer;
        while (!left.empty() && conversation.state() == State::exchanging) {
          const ByteView part = left.first(std::min(piece, left.size()));
          left = left.subspan(part.size());
          conversation.from_service(Slice::copy_of(part));
          take();
        }
        if (conversation.state() == State::tunnel) client += as_text(left);
        conversation.service_ended();
      } else {
        return take();
      }
    }
  }
  void run(ByteView said, ByteView answer, std::size_t piece) {
    while (!said.empty()) {
      const ByteView part = said.first(std::min(piece, said.size()));
      said = said.subspan(part.size());
      conversation.from_client(Slice::copy_of(part));
      serve(answer, piece);
    }
    conversation.client_ended();
    serve(answer, piece);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 4096) return 0;
  const ByteView bytes{data + 1, size - 1};
  const auto zero = std::find(bytes.begin(), bytes.end(), 0);
  const ByteView said = bytes.first(static_cast<std::size_t>(zero - bytes.begin()));
  const ByteView answer = zero == bytes.end() ? ByteView{} : bytes.subspan(said.size() + 1);
  Talk whole, split;
  whole.run(said, answer, bytes.size());
  split.run(said, answer, std::size_t{1} + data[0]);
  VAN_ASSERT(whole.conversation.state() == split.conversation.state());
  // A broken response may end a few octets earlier or later: it is reset.
  VAN_ASSERT(whole.conversation.state() == State::broken || whole.client == split.client);
  VAN_ASSERT(whole.client.empty() || whole.client.starts_with("HTTP/1.1 "));
  return 0;
}
