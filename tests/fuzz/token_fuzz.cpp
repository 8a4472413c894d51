// Token files: any text is read or refused in one line, and what was read survives being written and read again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/token.h"
#include "core/base/assert.h"

using namespace van;

namespace {

/// write_token() writes v2 tokens of links that share their credentials.
void check_round_trip(agent::LinkToken link) {
  link.v1 = false;
  if (link.credentials.certificate.empty()) return;  // a v1 template: a v2 Secret has a certificate
  const auto again = agent::read_token(agent::write_token({link}));
  VAN_ASSERT(again);
  VAN_ASSERT(again->size() == 1 && again->front() == link);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto token = agent::read_token({reinterpret_cast<const char*>(data), size});
  if (!token) {
    VAN_ASSERT(token.error().code == agent::Error::Code::refused);
    VAN_ASSERT(token.error().message.find('\n') == std::string::npos);
    return 0;
  }
  VAN_ASSERT(!token->empty() && token->size() <= agent::kTokenLinksMax);
  for (const agent::LinkToken& link : *token) {
    VAN_ASSERT(link.cost >= 1);
    for (const router::PeerRole role : {router::PeerRole::edge, router::PeerRole::inter_router}) {
      const auto endpoint = agent::endpoint_for(link, role);
      VAN_ASSERT(!endpoint || (endpoint->role == role && endpoint->port != 0 && !endpoint->host.empty()));
    }
    static_cast<void>(agent::check_credentials(link, tls::WallTime{}));
    check_round_trip(link);
  }
  return 0;
}
