#include "proxy/http_ask.h"

#include <charconv>

#include "core/http/text.h"
#include "proxy/service_name.h"

namespace van::proxy {
namespace {

using Form = http::Target::Form;

constexpr std::string_view kSuffix = ".localhost";

struct Authority {
  std::string_view host;
  std::uint16_t port = 0;
  bool valid = true;
};
/// Of an authority that was checked already (http::is_authority()), but for the size of its port.
Authority split(std::string_view text) {
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  Authority authority{.host = text.substr(0, colon)};
  if (colon == std::string_view::npos) return authority;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), authority.port);
  authority.valid = port.empty() || (error == std::errc{} && end == port.data() + port.size());
  return authority;
}

HttpAsk refuse(int status, std::string why) { return {.kind = HttpAsk::Kind::refuse, .status = status, .why = std::move(why)}; }

HttpAsk forward(const Authority& authority, std::string_view host_field, std::string target) {
  return {.kind = HttpAsk::Kind::forward,
          .host = std::string{authority.host},
          .port = authority.port,
          .authority = std::string{host_field},
          .target = std::move(target)};
}

/// What follows the authority, as a server of its own sees it.
std::string origin_form(const http::RequestHead& head) {
  const std::string path{head.target.path};
  if (path.empty()) return head.method == "OPTIONS" ? "*" : "/";
  return path.front() == '?' ? "/" + path : path;
}

HttpAsk own_page(const http::RequestHead& head) {
  const std::string_view path = head.target.path.substr(0, head.target.path.find('?'));
  const bool pac = path == "/proxy.pac";
  if (!pac && path != "/") return refuse(404, "there is no such page; a service is at http://NAME.localhost and this port");
  if (head.method != "GET" && !head.is_head()) return refuse(405, "this page is for GET only");
  return {.kind = pac ? HttpAsk::Kind::pac : HttpAsk::Kind::start_page, .authority = std::string{head.host}};
}

bool is_service_host(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return host.size() > kSuffix.size() && http::same(host.substr(host.size() - kSuffix.size()), kSuffix);
}

bool is_own_host(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return http::same(host, "localhost") || is_ip_address(host);
}

HttpAsk for_host(const http::RequestHead& head) {
  Authority authority = split(head.host);
  authority.port = 0;  // it is ours, not the service's
  if (is_service_host(authority.host)) return forward(authority, head.host, std::string{head.target.path});
  if (is_own_host(authority.host)) return own_page(head);
  return refuse(421, "this port serves http://NAME.localhost, where NAME is a service, and is an HTTP proxy for services");
}

}  // namespace

HttpAsk read_ask(const http::RequestHead& head) {
  const Authority authority = split(head.host);
  if (!authority.valid) return refuse(400, "the port is no number from 0 to 65535");
  switch (head.target.form) {
    case Form::authority: return {.kind = HttpAsk::Kind::tunnel, .host = std::string{authority.host}, .port = authority.port};
    case Form::absolute:
      if (!http::same(head.target.scheme, "http")) return refuse(400, "only http:// is forwarded; others go through CONNECT");
      return forward(authority, head.target.authority, origin_form(head));
    case Form::origin:
    case Form::asterisk: return for_host(head);
  }
  return refuse(400, "a request target of no form");
}

}  // namespace van::proxy
