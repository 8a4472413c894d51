#include "proxy/service_name.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace van::proxy {
namespace {

constexpr std::size_t kLabelMax = 63;  // RFC 1035 §2.3.4
constexpr std::size_t kNamesTold = 10;
constexpr std::size_t kNameShown = 80;  // octets of a client's name in a message

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower_case(std::string_view text) {
  std::string result{text};
  std::ranges::transform(result, result.begin(), lower);
  return result;
}

bool in_host_name(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; }

bool labels_fit(std::string_view name) {
  while (true) {
    const std::size_t dot = name.find('.');
    const std::size_t size = std::min(dot, name.size());
    if (size == 0 || size > kLabelMax) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

std::string shown(std::string_view name) {
  std::string text;
  for (const char c : name.substr(0, kNameShown)) text += c > ' ' && c < 0x7f ? c : '?';
  return "'" + text + (name.size() > kNameShown ? "..." : "") + "'";
}

std::string listed(std::vector<std::string> names) {
  std::ranges::sort(names);
  std::string text;
  for (std::size_t at = 0; at < std::min(names.size(), kNamesTold); ++at) text += (at == 0 ? "" : ", ") + names[at];
  if (names.size() > kNamesTold) text += " and " + std::to_string(names.size() - kNamesTold) + " more";
  return text;
}

Unexpected<NameRefusal> refusal(NameRefusal::Kind kind, std::string why) { return Unexpected{NameRefusal{kind, std::move(why)}}; }

Unexpected<NameRefusal> unknown(const std::vector<KnownService>& known, std::string_view host) {
  std::vector<std::string> names;
  for (const KnownService& service : known) names.push_back(service.address);
  return refusal(NameRefusal::Kind::unknown, shown(host) + " is no service of this network" +
                                                 (names.empty() ? ", which has none yet" : "; it has " + listed(std::move(names))));
}

/// With the fewest liberties: what one of these finds, the next is not asked.
template <class Matches>
std::vector<const KnownService*> matching(const std::vector<KnownService>& known, Matches matches) {
  std::vector<const KnownService*> found;
  for (const KnownService& service : known)
    if (matches(service.address)) found.push_back(&service);
  return found;
}

std::vector<const KnownService*> candidates(const std::vector<KnownService>& known, std::string_view host) {
  const std::string bare = bare_name(host);
  const std::string whole = lower_case(host);
  auto found = matching(known, [&](const std::string& address) { return address == host; });
  if (found.empty()) found = matching(known, [&](const std::string& address) { return lower_case(address) == whole; });
  if (found.empty()) found = matching(known, [&](const std::string& address) { return address == bare; });
  if (found.empty()) found = matching(known, [&](const std::string& address) { return lower_case(address) == bare; });
  if (found.empty() && !bare.empty()) found = matching(known, [&](const std::string& address) { return host_name_of(address) == bare; });
  return found;
}

}  // namespace

std::string host_name_of(std::string_view address) {
  std::string name = lower_case(address);
  std::ranges::replace_if(name, [](char c) { return !in_host_name(c); }, '-');
  return labels_fit(name) && !is_ip_address(name) ? name : std::string{};
}

std::string bare_name(std::string_view host) {
  std::string name = lower_case(host);
  if (name.ends_with('.')) name.pop_back();
  for (const std::string_view suffix : {".van", ".localhost"}) {
    if (!name.ends_with(suffix)) continue;
    name.resize(name.size() - suffix.size());
    break;
  }
  return name;
}

bool is_ip_address(std::string_view host) {
  if (host.find_first_of(":[") != std::string_view::npos) return true;
  int parts = 0;
  while (true) {
    const std::string_view part = host.substr(0, host.find('.'));
    unsigned number = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (error != std::errc{} || end != part.data() + part.size() || number > 255) return false;
    ++parts;
    if (part.size() == host.size()) return parts == 4;
    host.remove_prefix(part.size() + 1);
  }
}

bool port_fits(std::uint16_t own, std::uint16_t port) { return own == 0 || port == 0 || port == 80 || port == 443 || port == own; }

Expected<KnownService, NameRefusal> find_service(const std::vector<KnownService>& known, std::string_view host, std::uint16_t port) {
  if (is_ip_address(host))
    return refusal(NameRefusal::Kind::address, shown(host) + " is an IP address: only services of the network are reached, by name");
  const auto found = candidates(known, host);
  if (found.empty()) return unknown(known, host);
  if (found.size() > 1) {
    std::vector<std::string> names;
    for (const KnownService* service : found) names.push_back(service->address);
    return refusal(NameRefusal::Kind::ambiguous, shown(host) + " may mean " + listed(std::move(names)) + ": use vanctl bind for one of them");
  }
  const KnownService& service = *found.front();
  if (service.protocol == Protocol::udp)
    return refusal(NameRefusal::Kind::protocol, "service " + service.address + " takes datagrams (udp): use vanctl bind " + service.address);
  if (!port_fits(service.port, port))
    return refusal(NameRefusal::Kind::port, "service " + service.address + " has port " + std::to_string(service.port) + ", not " + std::to_string(port));
  return service;
}

}  // namespace van::proxy
