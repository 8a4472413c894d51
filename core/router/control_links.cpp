#include "core/router/control_links.h"

#include "core/router/control_messages.h"

namespace van::router {

void ControlLinks::message_received(Peer& peer, PeerLink& link, ByteView bytes) {
  switch (link.kind) {
    case LinkKind::control:
      return router_protocol(peer, bytes);
    case LinkKind::tracking:
      return tracking_update(peer, bytes);
    case LinkKind::mesh_discovery:
      return mesh_id(peer, bytes);
    case LinkKind::priority:
    case LinkKind::streaming:
    case LinkKind::anonymous:
    case LinkKind::downlink:
    case LinkKind::consumer_proxy:
    case LinkKind::producer_proxy:
    case LinkKind::consumer:
    case LinkKind::producer:
      return;
  }
}

void ControlLinks::router_protocol(Peer& peer, ByteView bytes) {
  if (plane_ == nullptr) return;
  const auto read = amqp::read_message_header(bytes, true, false);
  if (!read || !read->has_value() || !(*read)->to) return;  // ignored: control-plane 3.1
  const amqp::MessageHeader& header = **read;
  const std::string& to = *header.to;
  const auto key = routing::classify(to, {.id = core_.config.id, .mode = routing::RouterMode::interior});
  if (!key) return;
  // What can't be read goes no further: a malformed address update ends a real router that reads it (control-plane 7, pitfall 1).
  const auto message = amqp::decode_message(bytes);
  const auto decoded = message ? decode_control_message(*message) : Expected<routing::Message, std::string>{Unexpected{std::string{}}};
  if (!decoded) return;
  if (key->address_class() == routing::AddressClass::router) {  // for another router
    const auto hop = plane_->protocol_hop(key->name());
    if (hop) forward(header, bytes, std::array{*hop});
    return;
  }
  const auto scope = routing::control_scope(*key);
  if (!scope) return;
  static const std::vector<std::string> none;
  const std::vector<std::string>& trace = header.annotations ? header.annotations->trace : none;
  plane_->receive(routing::LinkNo{peer.id.value}, *decoded, core_.now);
  if (*scope == routing::ControlScope::flood && plane_->flood_goes_on(*decoded, trace, core_.now)) forward(header, bytes, plane_->flood_links(trace));
  if (*scope == routing::ControlScope::multicast) {
    const std::string ingress = header.annotations ? header.annotations->ingress.value_or("") : "";
    forward(header, bytes, plane_->multicast_links(ingress, trace));
  }
}

void ControlLinks::forward(const amqp::MessageHeader& header, ByteView bytes, std::span<const routing::LinkNo> links) {
  // Without annotations nothing would stop it from going round; real routers always write them.
  if (!header.annotations || core_.passed_here(header.annotations->trace)) return;
  amqp::RouterAnnotations annotations = *header.annotations;
  annotations.trace.push_back(core_.node_address());
  Bytes message = amqp::encode_annotations(annotations);
  append(message, bytes.subspan(header.annotations_bytes));
  for (const routing::LinkNo link : links) {
    if (Peer* next = core_.peer(PeerId{link.value})) forwarder_.send_message(*next, next->control_out, message, true);
  }
}

void ControlLinks::send_pending() {
  if (plane_ == nullptr) return;
  while (const auto outgoing = plane_->poll_output()) {
    const Bytes message = encode_control_message(outgoing->message, outgoing->to, core_.node_address());
    for (const routing::LinkNo link : outgoing->links) {
      if (Peer* peer = core_.peer(PeerId{link.value})) forwarder_.send_message(*peer, peer->control_out, message, true);
    }
  }
}

void ControlLinks::tracking_update(Peer& peer, ByteView bytes) {
  const auto message = amqp::decode_message(bytes);
  if (!message || !message->body || message->body->list() == nullptr || message->body->list()->size() < 2) return;
  const amqp::List& fields = *message->body->list();
  const auto text = fields[0].text();
  const auto reachable = fields[1].boolean();
  const auto key = text ? routing::AddressKey::parse(*text) : std::nullopt;
  if (!key || !reachable) return;
  const auto proxy = peer.producer_proxies.find(std::string{key->name()});
  if (proxy == peer.producer_proxies.end()) return;  // unknown ones are ignored
  if (PeerLink* link = peer.link(proxy->second)) {
    link->bound = *reachable;
    link->near = fields.size() > 2 && fields[2].boolean().value_or(false);
    link->early = fields.size() > 3 && fields[3].boolean().value_or(false);
  }
  addresses_.mark_changed(*key);
}

void ControlLinks::mesh_id(Peer& peer, ByteView bytes) {
  const auto message = amqp::decode_message(bytes);
  if (!message) return;
  for (const auto& [name, value] : message->application_properties) {
    if (name.text() != "meshid") continue;
    if (const auto text = value.text()) peer.mesh_id = std::string{text->substr(0, 15)};
  }
  for (const auto& [key, entry] : addresses_.entries()) addresses_.mark_changed(key);
}

}  // namespace van::router
