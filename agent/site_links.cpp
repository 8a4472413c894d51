#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/identity.h"
#include "agent/printable.h"
#include "agent/site.h"
#include "core/link/log.h"

namespace van::agent {
namespace {

using router::Mode;
using router::PeerRole;

Unexpected<Error> error(Error::Code code, std::string message, std::string hint = {}) {
  return Unexpected{Error{code, std::move(message), std::move(hint)}};
}

/// All links of a site have one role, which is what the site is.
Result<Mode> role_of(const Join& command, const std::optional<SiteState>& site) {
  if (!site) return command.role.value_or(Mode::edge);
  if (!command.role || *command.role == site->role) return site->role;
  return error(Error::Code::conflict,
               "site '" + site->name + "' is " + std::string{to_text(site->role)} + ", and all links of a site have one role",
               "join without --role, or use another profile (--profile)");
}

Result<void> check_command(const Join& command, const std::optional<SiteState>& site) {
  if (command.wait < std::chrono::milliseconds{0} || command.wait > kJoinWaitMax)
    return error(Error::Code::bad_request, "wait is from 0 seconds to an hour");
  if (command.cost && *command.cost < 1) return error(Error::Code::bad_request, "a link's cost is 1 or more");
  if (command.link_name.size() > kTokenNameBytes || printable(command.link_name, kTokenNameBytes) != command.link_name ||
      command.link_name.find_first_of(" /") != std::string::npos)
    return error(Error::Code::bad_request, "'" + printable(command.link_name) + "' is no name for a link");
  if (command.site_name.empty()) return {};
  if (site && site->name != command.site_name)
    return error(Error::Code::conflict, "this profile is site '" + site->name + "' already",
                 "join without --name, or use another profile (--profile)");
  return check_site_name(command.site_name);
}

/// A site that dials itself would be its own neighbour.
bool issued_here(const LinkToken& token, const std::optional<SiteState>& site) {
  if (!site || !site->own) return false;
  const auto own = tls::inspect(site->own->authority.certificate_pem);
  const auto theirs = tls::inspect_all(token.credentials.ca);
  return own && theirs && std::ranges::any_of(*theirs, [&](const tls::CertificateInfo& each) {
           return each.fingerprint_sha256 == own->fingerprint_sha256;
         });
}

/// The links of a token as records for this role; all checks that need nobody else.
Result<std::vector<LinkState>> read_links(const Join& command, Mode role, const std::optional<SiteState>& site) {
  const auto token = read_token(command.token);
  if (!token) return Unexpected{token.error()};
  std::vector<LinkState> links;
  for (const LinkToken& each : *token) {
    const auto usable = check_credentials(each, io::Loop::wall_clock());
    if (!usable) return Unexpected{usable.error()};
    if (issued_here(each, site))
      return error(Error::Code::conflict, "this token was issued by this site: it can't join itself",
                   "use it on another machine, or with another profile (--profile)");
    const auto endpoint = endpoint_for(each, role == Mode::edge ? PeerRole::edge : PeerRole::inter_router);
    if (!endpoint) return Unexpected{endpoint.error()};
    links.push_back({.name = each.name,
                     .endpoint = *endpoint,
                     .cost = command.cost.value_or(each.cost),
                     .credentials = {.ca = pem_blocks(each.credentials.ca),
                                     .certificate = pem_blocks(each.credentials.certificate),
                                     .key = pem_blocks(each.credentials.key)}});
  }
  return links;
}

bool has_link(const State& state, std::string_view name) {
  return std::ranges::any_of(state.links, [&](const LinkState& link) { return link.name == name; });
}

std::string unique_name(const State& state, const std::string& wanted) {
  std::string name = wanted;
  for (int number = 2; has_link(state, name); ++number) name = wanted + "-" + std::to_string(number);
  return name;
}

/// The same token again: same end, same certificates.
const LinkState* same_link(const State& state, const LinkState& link) {
  const auto found = std::ranges::find_if(state.links, [&](const LinkState& each) {
    return each.endpoint == link.endpoint && each.credentials == link.credentials;
  });
  return found == state.links.end() ? nullptr : &*found;
}

/// Such names are known inside one cluster only (tokens 10, Reading 4).
bool cluster_local(const std::string& host) {
  return host.starts_with("skupper-router") || host.ends_with(".svc.cluster.local") || host.ends_with(".svc");
}

}  // namespace

void Site::join(const Join& command, JoinDone done) {
  const auto fit = check_command(command, state_.site);
  if (!fit) return done(Unexpected{fit.error()});
  const auto role = role_of(command, state_.site);
  if (!role) return done(Unexpected{role.error()});
  const auto links = read_links(command, *role, state_.site);
  if (!links) return done(Unexpected{links.error()});

  PendingJoin pending{.links = {}, .before = true, .wait = command.wait, .done = std::move(done), .timer = {}};
  State next = state_;
  std::vector<LinkState> added;
  for (LinkState link : *links) {
    if (const LinkState* same = same_link(next, link); same != nullptr) {
      pending.links.push_back(same->name);
      continue;
    }
    if (!command.link_name.empty() && added.empty() && has_link(next, command.link_name))
      return pending.done(error(Error::Code::conflict, "there is a link called '" + command.link_name + "' already",
                                "choose another name (--as)"));
    link.name = unique_name(next, command.link_name.empty() ? link.name : command.link_name);
    pending.links.push_back(link.name);
    next.links.push_back(link);
    added.push_back(std::move(link));
  }
  if (next.links.size() > kLinksMax)
    return pending.done(error(Error::Code::conflict, "a site has at most " + std::to_string(kLinksMax) + " links"));
  if (added.empty()) return wait_for_links(std::move(pending));

  pending.before = false;
  if (!next.site) {
    const std::string name = command.site_name.empty() ? site_name_like(parts_.machine) : command.site_name;
    next.site = SiteState{.id = make_uuid(parts_.random),
                          .name = name,
                          .role = *role,
                          .router_id = make_router_id(name, parts_.random),
                          .created = std::chrono::duration_cast<std::chrono::seconds>(io::Loop::wall_clock().time_since_epoch()).count(),
                          .public_hosts = {},
                          .own = {}};
  }
  const bool new_site = !state_.site;
  const auto saved = save(std::move(next));
  if (!saved) return pending.done(Unexpected{saved.error()});
  if (new_site) {
    restart_as_before();  // under its new identity
  } else {
    for (const LinkState& link : added) {
      const auto connecting = presence_->connect(link);
      if (!connecting) log_.error("link not usable: {}", connecting.error().message);
    }
  }
  wait_for_links(std::move(pending));
}

void Site::wait_for_links(PendingJoin pending) {
  if (pending.wait == std::chrono::milliseconds{0}) return pending.done(Joined{pending.before, pending.links});
  const auto place = joins_.insert(joins_.end(), std::move(pending));
  place->timer = std::make_unique<io::Timer>(parts_.loop, [this, place] {
    const PendingJoin late = std::move(*place);
    joins_.erase(place);
    late.done(Unexpected{timed_out(late)});
  });
  place->timer->arm(place->wait);
  settle_.schedule();
}

void Site::on_link_changed(const link::LinkStatus& status) {
  if (presence_) presence_->link_changed(status);  // not while it ends
  settle_.schedule();
}

void Site::settle_joins() {
  for (auto join = joins_.begin(); join != joins_.end();) {
    const auto result = outcome(*join);
    if (!result) {
      ++join;
      continue;
    }
    const PendingJoin settled = std::move(*join);
    join = joins_.erase(join);
    settled.done(*result);
  }
}

std::optional<Result<Joined>> Site::outcome(const PendingJoin& pending) {
  std::size_t there = 0;
  std::size_t refused = 0;
  std::string why;
  for (const std::string& name : pending.links) {
    const auto link = presence_->link(name);
    if (!link) continue;
    if (link->state == link::LinkState::up || link->state == link::LinkState::standby)
      return Joined{pending.before, pending.links};
    ++there;
    if (!link->refused) continue;
    ++refused;
    why = "link '" + name + "' to " + link->remote + " was refused: " + link->error;
  }
  if (there == 0) return error(Error::Code::not_found, "the link was removed while it was being made");
  if (refused < there) return std::nullopt;
  if (!pending.before) {
    const auto forgotten = forget_links(pending.links);
    if (!forgotten) return error(forgotten.error().code, why + "; " + forgotten.error().message, forgotten.error().hint);
  }
  return error(Error::Code::refused, why, "nothing was kept; ask for a new token, or see: vanctl doctor TOKEN");
}

Error Site::timed_out(const PendingJoin& pending) const {
  std::string message = "no link is up after " + fmt::format("{:g} s", std::chrono::duration<double>{pending.wait}.count());
  std::string hint = "it goes on trying: see vanctl links; to give up: vanctl leave " + pending.links.front();
  for (const std::string& name : pending.links) {
    const auto link = presence_->link(name);
    if (!link) continue;
    message += "; '" + name + "' to " + link->remote + ": " + (link->error.empty() ? "no answer yet" : link->error);
  }
  for (const LinkState& link : state_.links) {
    if (std::ranges::find(pending.links, link.name) != pending.links.end() && cluster_local(link.endpoint.host))
      hint = "host '" + link.endpoint.host + "' is known inside its cluster only: the other site must be reachable from outside";
  }
  return {Error::Code::timeout, message, hint};
}

Result<void> Site::forget_links(const std::vector<std::string>& names) {
  State next = state_;
  std::erase_if(next.links, [&](const LinkState& link) { return std::ranges::find(names, link.name) != names.end(); });
  const bool forget_site = next.site && !next.site->own && next.links.empty();
  if (forget_site) next.site.reset();
  const auto saved = save(std::move(next));
  if (!saved) return saved;
  if (forget_site) {
    restart_as_before();
  } else {
    for (const std::string& name : names) presence_->disconnect(name);
  }
  return {};
}

Result<void> Site::leave(const std::string& link_name) {
  if (!has_link(state_, link_name)) {
    std::string names;
    for (const LinkState& link : state_.links) names += (names.empty() ? "" : ", ") + link.name;
    return error(Error::Code::not_found, "there is no link '" + printable(link_name) + "' of this site",
                 names.empty() ? "it has no links" : "its links: " + names);
  }
  State next = state_;
  std::erase_if(next.links, [&](const LinkState& link) { return link.name == link_name; });
  const auto saved = save(std::move(next));
  if (!saved) return saved;
  presence_->disconnect(link_name);
  log_.info("link removed name={}", link_name);
  settle_.schedule();
  return {};
}

Result<void> Site::leave_all() {
  if (!state_.site) return error(Error::Code::not_found, "this profile has not joined any network");
  if (!state_.site->own) {
    const auto destroyed = destroy();
    settle_.schedule();
    return destroyed;
  }
  State next = state_;
  const std::vector<LinkState> links = std::exchange(next.links, {});
  const auto saved = save(std::move(next));
  if (!saved) return saved;
  for (const LinkState& link : links) presence_->disconnect(link.name);
  log_.info("all links removed count={}", links.size());
  settle_.schedule();
  return {};
}

}  // namespace van::agent
