#include "cli/status_document.h"

namespace van::cli {
namespace {

/// A field of `object`; nullptr when there is none.
const Json* field(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

void read(const Json& object, const char* name, std::string& to) {
  const Json* value = field(object, name);
  if (value != nullptr && value->is_string()) to = value->get<std::string>();
}
void read(const Json& object, const char* name, std::int64_t& to) {
  const Json* value = field(object, name);
  if (value != nullptr && value->is_number_integer()) to = value->get<std::int64_t>();
}
void read(const Json& object, const char* name, double& to) {
  const Json* value = field(object, name);
  if (value != nullptr && value->is_number()) to = value->get<double>();
}
void read(const Json& object, const char* name, bool& to) {
  const Json* value = field(object, name);
  if (value != nullptr && value->is_boolean()) to = value->get<bool>();
}

/// Each element of an array by `read_element`.
template <class T>
void read_array(const Json& object, const char* name, std::vector<T>& to, T (*read_element)(const Json&)) {
  const Json* value = field(object, name);
  if (value == nullptr || !value->is_array()) return;
  for (const Json& element : *value) to.push_back(read_element(element));
}

StatusDocument::Site read_site(const Json& json) {
  StatusDocument::Site site;
  read(json, "id", site.id);
  read(json, "name", site.name);
  read(json, "role", site.role);
  return site;
}

StatusDocument::RemoteSite read_remote_site(const Json& json) {
  StatusDocument::RemoteSite remote{.site = read_site(json)};
  read(json, "direct", remote.direct);
  read(json, "hops", remote.hops);
  read(json, "cost", remote.cost);
  return remote;
}

StatusDocument::Link read_link(const Json& json) {
  StatusDocument::Link link;
  read(json, "name", link.name);
  read(json, "peer", link.peer);
  read(json, "role", link.role);
  read(json, "direction", link.direction);
  read(json, "state", link.state);
  read(json, "cost", link.cost);
  read(json, "remote", link.remote);
  read(json, "since_s", link.since_s);
  read(json, "error", link.error);
  const Json* tls = field(json, "tls");
  if (tls != nullptr && tls->is_object()) {
    link.tls.emplace();
    read(*tls, "version", link.tls->version);
    read(*tls, "cipher", link.tls->cipher);
    read(*tls, "peer", link.tls->peer);
    read(*tls, "expires", link.tls->expires);
  }
  return link;
}

StatusDocument::Provider read_provider(const Json& json) {
  StatusDocument::Provider provider;
  read(json, "site", provider.site);
  read(json, "cost", provider.cost);
  read(json, "target", provider.target);
  read(json, "state", provider.state);
  read(json, "error", provider.error);
  return provider;
}

StatusDocument::Service read_service(const Json& json) {
  StatusDocument::Service service;
  read(json, "address", service.address);
  read(json, "protocol", service.protocol);
  read(json, "port", service.port);
  read(json, "reachable", service.reachable);
  read_array(json, "providers", service.providers, read_provider);
  read(json, "stand_in", service.stand_in);
  read(json, "in_flight", service.in_flight);
  read(json, "connections", service.connections);
  read(json, "bytes_in", service.bytes_in);
  read(json, "bytes_out", service.bytes_out);
  read(json, "multicast", service.multicast);
  read(json, "dropped", service.dropped);
  return service;
}

}  // namespace

StatusDocument read_status(const Json& document) {
  StatusDocument status;
  read(document, "version", status.version);
  read(document, "profile", status.profile);
  read(document, "pid", status.pid);
  read(document, "uptime_s", status.uptime_s);
  const Json* site = field(document, "site");
  if (site != nullptr && site->is_object()) status.site = read_site(*site);
  read_array(document, "sites", status.sites, read_remote_site);
  read_array(document, "links", status.links, read_link);
  read_array(document, "services", status.services, read_service);
  return status;
}

}  // namespace van::cli
