#include "proxy/http_pages.h"

#include <set>

#include "proxy/service_name.h"

namespace van::proxy {
namespace {

std::string escaped(std::string_view text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '&': html += "&amp;"; break;
      case '<': html += "&lt;"; break;
      case '>': html += "&gt;"; break;
      case '"': html += "&quot;"; break;
      default: html += c;
    }
  }
  return html;
}

/// ":3128", or nothing.
std::string_view port_of(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  const bool inside = authority.find(']', colon == std::string_view::npos ? 0 : colon) != std::string_view::npos;
  return colon == std::string_view::npos || inside ? std::string_view{} : authority.substr(colon);
}

std::string row(const KnownService& service, std::string_view port) {
  const std::string name = service.protocol == Protocol::udp ? std::string{} : host_name_of(service.address);
  const std::string address = escaped(service.address);
  const std::string link = "http://" + name + ".localhost" + std::string{port} + "/";
  return "<tr><td>" + (name.empty() ? address : "<a href=\"" + link + "\">" + address + "</a>") + "</td><td>" + std::string{to_text(service.protocol)} +
         "</td><td>" + (service.port == 0 ? std::string{} : std::to_string(service.port)) + "</td></tr>\n";
}

}  // namespace

std::string start_page(const std::vector<KnownService>& services, std::string_view authority) {
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>vanctl: services</title>\n"
      "<style>body{font-family:sans-serif;margin:2em}td,th{padding:.2em 1em .2em 0;text-align:left}</style></head>\n"
      "<body><h1>Services of this network</h1>\n";
  if (services.empty()) {
    page += "<p>None yet.</p>\n";
  } else {
    page += "<table><tr><th>Address</th><th>Protocol</th><th>Port</th></tr>\n";
    for (const KnownService& service : services) page += row(service, port_of(authority));
    page += "</table>\n";
  }
  return page + "<p>Proxy for browsers: <a href=\"/proxy.pac\">proxy.pac</a></p></body></html>\n";
}

std::string pac_file(const std::vector<KnownService>& services, std::string_view authority) {
  std::set<std::string> names;
  for (const KnownService& service : services)
    if (const std::string name = host_name_of(service.address); !name.empty() && service.protocol != Protocol::udp) names.insert(name);
  std::string listed;
  for (const std::string& name : names) listed += (listed.empty() ? "" : ", ") + ("\"" + name + "\": 1");
  return "var services = {" + listed +
         "};\n"
         "function FindProxyForURL(url, host) {\n"
         "  host = host.toLowerCase();\n"
         "  if (dnsDomainIs(host, \".van\") || Object.prototype.hasOwnProperty.call(services, host)) return \"PROXY " +
         std::string{authority} +
         "\";\n"
         "  return \"DIRECT\";\n"
         "}\n";
}

}  // namespace van::proxy
