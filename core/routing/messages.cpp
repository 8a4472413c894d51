#include "core/routing/messages.h"

namespace van::routing {

bool valid_router_id(std::string_view id) {
  return !id.empty() && id.size() <= kRouterIdBytes && id != "all" && id.find('/') == std::string_view::npos;
}

std::string_view opcode_of(const Message& message) {
  struct Name {
    std::string_view operator()(const Hello&) const { return "HELLO"; }
    std::string_view operator()(const Ra&) const { return "RA"; }
    std::string_view operator()(const Lsr&) const { return "LSR"; }
    std::string_view operator()(const Lsu&) const { return "LSU"; }
    std::string_view operator()(const Mar&) const { return "MAR"; }
    std::string_view operator()(const Mau&) const { return "MAU"; }
  };
  return std::visit(Name{}, message);
}

const std::string& sender_of(const Message& message) {
  return std::visit([](const auto& body) -> const std::string& { return body.id; }, message);
}

std::string destination::link_state_of(std::string_view id) { return "amqp:/_topo/0/" + std::string{id} + "/qdrouter"; }
std::string destination::mobile_of(std::string_view id) { return "amqp:/_topo/0/" + std::string{id} + "/qdrouter.ma"; }

std::optional<ControlScope> control_scope(const AddressKey& key) {
  const std::string_view text = key.text();
  if (text == "Lqdhello") return ControlScope::link;
  if (text == "Lqdrouter" || text == "Lqdrouter.ma") return ControlScope::here;
  if (text == "Tqdrouter") return ControlScope::flood;
  if (text == "Tqdrouter.ma") return ControlScope::multicast;
  return std::nullopt;
}

}  // namespace van::routing
