#include "proxy/protocol.h"

#include <array>
#include <utility>

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

}  // namespace van::proxy
