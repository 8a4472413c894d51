#include "cli/status_view.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "cli/duration_text.h"
#include "cli/plain_text.h"

namespace van::cli {
namespace {

using Tone = Style::Tone;
using Cell = Table::Cell;

std::string seconds_text(double seconds) {
  constexpr double max = 1e10;  // some centuries; keeps the cast defined whatever the document says
  const double bounded = std::isfinite(seconds) ? std::clamp(seconds, 0.0, max) : 0.0;
  return duration_text(std::chrono::seconds{static_cast<std::int64_t>(bounded)});
}

Tone link_tone(std::string_view state) {
  if (state == "up") return Tone::good;
  if (state == "down") return Tone::bad;
  return state == "connecting" ? Tone::warning : Tone::plain;
}

std::string distance(const StatusDocument::RemoteSite& site) {
  if (site.direct) return "direct";
  if (site.hops == 0) return {};  // not known
  return std::to_string(site.hops) + (site.hops == 1 ? " hop" : " hops");
}

std::string providers_text(const StatusDocument::Service& service, bool verbose) {
  std::string text;
  for (const StatusDocument::Provider& provider : service.providers) {
    if (!text.empty()) text += ", ";
    text += provider.site;
    if (verbose && !provider.target.empty()) text += "=" + provider.target;
    if (verbose && provider.cost != 0) text += " (cost " + std::to_string(provider.cost) + ")";
    if (provider.state == "checking") {
      text += " (checking)";
    } else if (!provider.error.empty()) {
      text += " (down: " + provider.error + ")";
    }
  }
  return text;
}

std::string site_line(const StatusDocument& status, const ViewOptions& options) {
  std::string line;
  if (status.site) {
    line = "Site " + options.style.paint(Tone::heading, plain_text(status.site->name)) + " (" +
           plain_text(status.site->role) + ")";
    if (options.verbose) line += ", id " + plain_text(status.site->id);
  } else {
    line = "No site yet: join a network with 'vanctl join TOKEN', or make a site with 'vanctl site create NAME'";
  }
  line += "\nProfile " + plain_text(status.profile) + ", agent " + plain_text(status.version) + " running for " +
          seconds_text(status.uptime_s);
  if (options.verbose) line += ", process " + std::to_string(status.pid);
  return line + "\n";
}

}  // namespace

std::string sites_view(const StatusDocument& status, const ViewOptions& options) {
  std::vector<Table::Column> columns{{"SITE"}, {"ROLE"}, {"DISTANCE"}, {.heading = "COST", .right = true}};
  if (options.verbose) columns.push_back({"ID"});
  Table table{columns};
  for (const StatusDocument::RemoteSite& remote : status.sites) {
    std::vector<Cell> row{{remote.site.name}, {remote.site.role}, {distance(remote)}, {remote.hops == 0 ? "" : std::to_string(remote.cost)}};
    if (options.verbose) row.push_back({remote.site.id});
    table.add(std::move(row));
  }
  return table.empty() ? "No other sites\n" : table.render(options.style);
}

std::string links_view(const StatusDocument& status, const ViewOptions& options) {
  const bool any_error =
      std::any_of(status.links.begin(), status.links.end(), [](const auto& link) { return !link.error.empty(); });
  std::vector<Table::Column> columns{
      {"LINK"}, {"PEER"}, {"ROLE"}, {"DIRECTION"}, {"STATE"}, {.heading = "COST", .right = true}, {"REMOTE"}, {"FOR"}};
  if (options.verbose) columns.insert(columns.end(), {{"TLS"}, {"CIPHER"}, {"CERTIFICATE UNTIL"}});
  if (any_error) columns.push_back({"LAST ERROR"});
  Table table{columns};
  for (const StatusDocument::Link& link : status.links) {
    std::vector<Cell> row{{link.name},
                          {link.peer},
                          {link.role},
                          {link.direction},
                          {link.state, link_tone(link.state)},
                          {std::to_string(link.cost)},
                          {link.remote},
                          {seconds_text(link.since_s)}};
    if (options.verbose) {
      const StatusDocument::Tls tls = link.tls.value_or(StatusDocument::Tls{});
      row.insert(row.end(), {{tls.version}, {tls.cipher}, {tls.expires}});
    }
    if (any_error) row.push_back({link.error});
    table.add(std::move(row));
  }
  return table.empty() ? "No links\n" : table.render(options.style);
}

std::string services_view(const StatusDocument& status, const ViewOptions& options) {
  std::vector<Table::Column> columns{
      {"ADDRESS"},    {"PROTOCOL"}, {.heading = "PORT", .right = true},     {"REACHABLE"},
      {"EXPOSED AT"}, {"STAND-IN"}, {.heading = "IN FLIGHT", .right = true}};
  if (options.verbose)
    columns.insert(columns.end(), {{.heading = "CONNECTIONS", .right = true},
                                   {.heading = "BYTES IN", .right = true},
                                   {.heading = "BYTES OUT", .right = true},
                                   {.heading = "DROPPED", .right = true}});
  Table table{columns};
  for (const StatusDocument::Service& service : status.services) {
    std::vector<Cell> row{{service.address},
                          {service.protocol + (service.multicast ? " multicast" : "")},
                          {service.port == 0 ? "" : std::to_string(service.port)},
                          {service.reachable ? "yes" : "no", service.reachable ? Tone::good : Tone::bad},
                          {providers_text(service, options.verbose)},
                          {service.stand_in},
                          {std::to_string(service.in_flight)}};
    if (options.verbose)
      row.insert(row.end(), {{std::to_string(service.connections)},
                             {std::to_string(service.bytes_in)},
                             {std::to_string(service.bytes_out)},
                             {std::to_string(service.dropped)}});
    table.add(std::move(row));
  }
  return table.empty() ? "No services\n" : table.render(options.style);
}

std::string status_view(const StatusDocument& status, const ViewOptions& options) {
  return site_line(status, options) + "\n" + links_view(status, options) + "\n" + sites_view(status, options) + "\n" +
         services_view(status, options);
}

}  // namespace van::cli
