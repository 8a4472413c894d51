#include "proxy/protocol.h"

#include <array>
#include <utility>

#include "core/base/assert.h"

namespace van::proxy {
namespace {

constexpr std::array<std::pair<Protocol, std::string_view>, 5> kNames{{{Protocol::tcp, "tcp"},
                                                                     {Protocol::udp, "udp"},
                                                                     {Protocol::http, "http"},
                                                                     {Protocol::http2, "http2"},
                                                                     {Protocol::amqp, "amqp"}}};

}  // namespace

std::string_view to_text(Protocol protocol) {
  for (const auto& [value, name] : kNames)
    if (value == protocol) return name;
  return {};
}

std::optional<Protocol> protocol_of(std::string_view text) {
  for (const auto& [value, name] : kNames)
    if (name == text) return value;
  return std::nullopt;
}

Carriage carriage_of(Protocol protocol, bool multicast) {
  if (protocol != Protocol::udp) return Carriage::streams;
  return multicast ? Carriage::multicast : Carriage::datagrams;
}

std::string_view to_text(Carriage carriage) {
  switch (carriage) {
    case Carriage::streams: return "streams";
    case Carriage::datagrams: return "datagrams";
    case Carriage::multicast: return "multicast";
  }
  VAN_ASSERT(false);
}

std::string wire_address(const std::string& address, bool multicast) {
  return multicast ? std::string{kMulticastPrefix} + address : address;
}

}  // namespace van::proxy
