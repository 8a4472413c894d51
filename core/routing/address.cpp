#include "core/routing/address.h"

#include "core/base/limits.h"

namespace van::routing {

std::optional<AddressKey> make_key(AddressClass address_class, std::string_view name) {
  if (name.size() > limits::kAddressBytes) return std::nullopt;
  std::string text;
  text.reserve(name.size() + 1);
  text.push_back(static_cast<char>(address_class));
  text.append(name);
  return AddressKey{std::move(text)};
}

namespace {

/// Takes `prefix` off the front of `text`, if it is there.
bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// The first element of a path and what follows its '/'.
struct Element {
  std::string_view first;
  std::string_view rest;
};
Element split(std::string_view path) {
  const auto slash = path.find('/');
  if (slash == std::string_view::npos) return {path, {}};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

/// "amqp:/x", "/x", "amqp://host/x" and "//host/x" give "x".
std::string_view without_scheme_and_host(std::string_view text) {
  if (!text.starts_with('/')) {
    const auto scheme = text.find(":/");
    if (scheme == std::string_view::npos || text.find('/') < scheme) return text;
    text.remove_prefix(scheme + 1);
  }
  if (take(text, "//")) return split(text).rest;
  take(text, "/");
  return text;
}

std::optional<AddressKey> uplink() { return make_key(AddressClass::local, "_edge"); }

/// What follows "_topo/".
std::optional<AddressKey> classify_topology(std::string_view path, const Self& self) {
  const auto [area, below] = split(path);
  const bool own_area = area == "0" || area == "all";
  const auto [router, name] = split(below);
  if (own_area && router == self.id) return make_key(AddressClass::local, name);
  if (self.mode == RouterMode::edge) return uplink();
  if (!own_area || router.empty()) return make_key(AddressClass::area, area);
  if (router == "all") return make_key(AddressClass::topological, name);
  return make_key(AddressClass::router, router);
}

/// What follows "_edge/".
std::optional<AddressKey> classify_edge(std::string_view path, const Self& self) {
  const auto [router, name] = split(path);
  if (router == self.id) return make_key(AddressClass::local, name);
  return self.mode == RouterMode::edge ? uplink() : make_key(AddressClass::edge, router);
}

/// Whether `prefix` covers `address` by whole tokens.
bool covers(std::string_view prefix, std::string_view address) {
  if (!address.starts_with(prefix)) return false;
  if (address.size() == prefix.size()) return true;
  const char next = address[prefix.size()];
  return next == '/' || next == '.';
}

}  // namespace

std::optional<Treatment> treatment_of_number(std::int64_t number) {
  if (number < 0 || number > static_cast<std::int64_t>(Treatment::unavailable)) return std::nullopt;
  return static_cast<Treatment>(number);
}

std::string_view name_of(Treatment treatment) {
  switch (treatment) {
    case Treatment::flood:
      return "flood";
    case Treatment::multicast:
      return "multicast";
    case Treatment::closest:
      return "closest";
    case Treatment::balanced:
      return "balanced";
    case Treatment::unavailable:
      return "unavailable";
  }
  return "";
}

std::optional<AddressKey> AddressKey::parse(std::string_view key) {
  if (key.empty() || std::string_view{"LTRAHNM"}.find(key.front()) == std::string_view::npos) return std::nullopt;
  return make_key(static_cast<AddressClass>(key.front()), key.substr(1));
}

std::optional<AddressKey> AddressKey::mobile(std::string_view name) {
  return name.empty() ? std::nullopt : make_key(AddressClass::mobile, name);
}

std::optional<AddressKey> AddressKey::edge(std::string_view id) {
  return id.empty() ? std::nullopt : make_key(AddressClass::edge, id);
}

bool AddressKey::advertisable() const {
  const AddressClass own = address_class();
  if (own != AddressClass::mobile && own != AddressClass::edge && own != AddressClass::network) return false;
  return !name().empty() && text_ != "M$management";
}

std::optional<AddressKey> classify(std::string_view text, const Self& self) {
  std::string_view path = without_scheme_and_host(text);
  if (path.ends_with('.') || path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return std::nullopt;

  const std::string_view whole = path;
  if (take(path, "_local/")) return make_key(AddressClass::local, path);
  if (take(path, "_topo/")) return classify_topology(path, self);
  if (take(path, "_edge/")) return classify_edge(path, self);
  const bool topology = take(path, "_xtopo/");
  if (topology || take(path, "_xedge/")) {
    const auto [network, below] = split(path);
    if (!self.network.empty() && network != "0" && network != self.network)
      return make_key(AddressClass::network, network);
    return topology ? classify_topology(below, self) : classify_edge(below, self);
  }
  return make_key(AddressClass::mobile, whole);
}

std::string node_name(std::string_view id) { return "0/" + std::string{id}; }

std::optional<std::string_view> id_of_node_name(std::string_view name) {
  if (!take(name, "0/") || name.empty()) return std::nullopt;
  return name;
}

std::optional<Treatment> TreatmentTable::find(const AddressKey& key) const {
  if (key.address_class() != AddressClass::mobile) return Treatment::closest;
  const TreatmentRule* best = nullptr;
  for (const TreatmentRule& rule : rules_) {
    if (!covers(rule.prefix, key.name())) continue;
    if (best == nullptr || rule.prefix.size() > best->prefix.size()) best = &rule;
  }
  return best == nullptr ? std::nullopt : std::optional{best->treatment};
}

Treatment treatment_of_key(const AddressKey& key, Treatment otherwise) {
  static const TreatmentTable standard;
  return standard.find(key).value_or(otherwise);
}

}  // namespace van::routing
