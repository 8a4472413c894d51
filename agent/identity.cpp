#include "agent/identity.h"

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>

#include "agent/printable.h"

namespace van::agent {
namespace {

constexpr std::size_t kSiteNameMax = 63;
constexpr std::size_t kAddressMax = 253;
constexpr std::chrono::hours kAuthorityValidity{24 * 3650};

bool letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool in_site_name(char c) { return letter_or_digit(c) || c == '.' || c == '_' || c == '-'; }
bool in_address(char c) { return in_site_name(c) || c == ':' || c == '@' || c == '/'; }

Unexpected<Error> bad_request(std::string message, std::string hint) {
  return Unexpected{Error{Error::Code::bad_request, std::move(message), std::move(hint)}};
}

}  // namespace

std::string make_uuid(SecureRandom& random) {
  std::array<std::uint8_t, 16> bytes{};
  random.fill(bytes);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (at == 4 || at == 6 || at == 8 || at == 10) text += '-';
    text += fmt::format("{:02x}", bytes[at]);
  }
  return text;
}

std::string make_router_id(std::string_view site_name, SecureRandom& random) {
  constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";  // 32: a byte's low bits choose evenly
  std::array<std::uint8_t, 5> bytes{};
  random.fill(bytes);
  std::string id = site_name_like(site_name) + "-";
  for (const std::uint8_t byte : bytes) id += alphabet[byte % alphabet.size()];
  return id;
}

Result<void> check_site_name(std::string_view name) {
  if (!name.empty() && name.size() <= kSiteNameMax && letter_or_digit(name.front()) && std::ranges::all_of(name, in_site_name))
    return {};
  return bad_request("'" + printable(name) + "' is no name for a site",
                     "use 1 to 63 letters, digits, '.', '_' or '-', beginning with a letter or digit");
}

std::string site_name_like(std::string_view text) {
  std::string name;
  for (const char c : text.substr(0, kSiteNameMax)) {
    if (name.empty() && !letter_or_digit(c)) continue;
    name += in_site_name(c) ? c : '-';
  }
  return name.empty() ? "site" : name;
}

Result<AuthorityState> make_authority(std::string_view site_name, std::string_view machine,
                                      const std::vector<std::string>& hosts, tls::WallTime now, SecureRandom& random) {
  const std::string name{site_name};
  const auto authority =
      tls::create_authority({.common_name = name + " site CA", .now = now, .validity = kAuthorityValidity}, random);
  if (!authority) return Unexpected{Error{Error::Code::failed, "making an authority: " + authority.error().message, {}}};

  std::vector<std::string> all = hosts;
  for (const std::string_view own : {std::string_view{"localhost"}, std::string_view{"127.0.0.1"}, std::string_view{"::1"}, machine})
    if (!own.empty() && std::ranges::find(all, own) == all.end()) all.emplace_back(own);
  const auto server = tls::issue(*authority,
                                 {.use = tls::LeafOptions::Use::server,
                                  .common_name = name,
                                  .hosts = all,
                                  .now = now,
                                  .validity = kAuthorityValidity},
                                 random);
  if (server) return AuthorityState{*authority, *server};
  if (server.error().code == tls::Error::Code::bad_name)
    return bad_request("the server's certificate: " + server.error().message, "give public hosts as DNS names or IP addresses");
  return Unexpected{Error{Error::Code::failed, "making the server's certificate: " + server.error().message, {}}};
}

Result<void> check_address(std::string_view address) {
  if (address.empty() || address.size() > kAddressMax || !letter_or_digit(address.front()) ||
      !std::ranges::all_of(address, in_address))
    return bad_request("'" + printable(address) + "' is no address for a service",
                       "use 1 to 253 letters, digits and . _ - : @ / beginning with a letter or digit");
  if (address.starts_with("mc/"))
    return bad_request("addresses that begin with 'mc/' are kept for the routers themselves", "choose another name");
  return {};
}

}  // namespace van::agent
