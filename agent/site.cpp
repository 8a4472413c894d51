#include "agent/site.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "agent/identity.h"
#include "agent/management.h"
#include "agent/management_entities.h"
#include "agent/printable.h"
#include "agent/time_text.h"
#include "core/link/log.h"

namespace van::agent {
namespace {

using router::Mode;
using router::PeerRole;

constexpr std::chrono::hours kTokenValidity{24 * 365 * 5};  // as Skupper's (tokens 8.3)
constexpr std::chrono::seconds kTokenValidityMin{60};
constexpr std::chrono::hours kTokenValidityMax{24 * 365 * 10};
constexpr std::size_t kPublicHostsMax = 16;
constexpr std::size_t kLabelMax = 63;

Unexpected<Error> error(Error::Code code, std::string message, std::string hint = {}) {
  return Unexpected{Error{code, std::move(message), std::move(hint)}};
}

std::int64_t seconds(tls::WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

/// Nobody but this machine, unless the user says that others come: by a host in `text`, or by public hosts.
Result<ListenerState> read_listener(PeerRole role, const std::optional<std::string>& text, std::uint16_t default_port,
                                    bool public_site) {
  const std::string_view host = public_site ? "::" : "127.0.0.1";
  if (!text) return ListenerState{role, std::string{host}, default_port};
  const auto endpoint = proxy::parse_endpoint(*text, {.default_host = host, .zero_port = true});
  if (!endpoint) return error(Error::Code::bad_request, "listen: " + endpoint.error(), "give [HOST:]PORT");
  if (endpoint->is_path())
    return error(Error::Code::bad_request, "sites link over TCP: '" + printable(*text) + "' is a local socket",
                 "give [HOST:]PORT");
  return ListenerState{role, endpoint->host, endpoint->port};
}

Result<std::vector<ListenerState>> read_listeners(const CreateSite& command) {
  std::vector<ListenerState> listeners;
  if (command.no_listen && (command.listen || command.listen_edge))
    return error(Error::Code::bad_request, "no_listen does not go with listen and listen_edge");
  if (command.no_listen) return listeners;
  for (const auto& [role, text, port] : {std::tuple{PeerRole::inter_router, &command.listen, kInterRouterPort},
                                         std::tuple{PeerRole::edge, &command.listen_edge, kEdgePort}}) {
    auto listener = read_listener(role, *text, port, !command.public_hosts.empty());
    if (!listener) return Unexpected{listener.error()};
    listeners.push_back(*std::move(listener));
  }
  return listeners;
}

bool any_address(const std::string& host) { return host == "::" || host == "0.0.0.0"; }

/// Every host that a token of the site may name.
std::vector<std::string> certified_hosts(std::vector<std::string> hosts, const std::vector<ListenerState>& listeners) {
  for (const ListenerState& listener : listeners)
    if (!any_address(listener.host) && std::ranges::find(hosts, listener.host) == hosts.end()) hosts.push_back(listener.host);
  return hosts;
}

/// How others reach a listener: what the user says, else where it listens.
std::vector<std::string> hosts_of(const SiteState& site, const ListenerState& listener, const std::string& machine) {
  if (!site.public_hosts.empty()) return site.public_hosts;
  return {any_address(listener.host) ? machine : listener.host};
}

/// A Link for each host that a role has; hosts of the roles in their order belong together.
std::vector<LinkToken> links_of(const State& state, const std::string& machine, const LinkToken& like) {
  std::vector<LinkToken> links;
  for (const ListenerState& listener : state.listeners) {
    const std::vector<std::string> hosts = hosts_of(*state.site, listener, machine);
    for (std::size_t at = 0; at < hosts.size(); ++at) {
      if (links.size() <= at) {
        links.push_back(like);
        if (at > 0) links.back().name += "-" + std::to_string(at + 1);
      }
      links[at].endpoints.push_back({listener.role, hosts[at], listener.port});
    }
  }
  return links;
}

Result<std::string> new_token_name(const State& state, const std::string& asked, SecureRandom& random) {
  const std::string label = asked.empty() ? make_router_id(state.site->name, random) : asked;
  const std::string name = resource_name(label);
  if (!asked.empty() && (asked.size() > kLabelMax || name != asked))
    return error(Error::Code::bad_request, "'" + printable(asked) + "' is no name for a token",
                 "use at most 63 lower-case letters, digits, '-' and '.', for example " + name.substr(0, kLabelMax));
  if (std::ranges::any_of(state.tokens, [&](const IssuedTokenState& token) { return token.name == name; }))
    return error(Error::Code::conflict, "a token called '" + name + "' was issued already", "choose another name");
  return name;
}

}  // namespace

Site::Site(Parts parts)
    : parts_{std::move(parts)}, log_{parts_.logs.component("site")}, events_{parts_.loop}, settle_{parts_.loop, [this] {
        settle_joins();
        settle_bindings();
      }} {}

Site::~Site() {
  events_.attach(nullptr);
  presence_.reset();  // while what it tells us can still be heard
}

Result<std::unique_ptr<Site>> Site::open(Parts parts) {
  std::unique_ptr<Site> site{new Site{std::move(parts)}};
  auto state = site->parts_.store.load();
  if (!state) return Unexpected{state.error()};
  site->state_ = *std::move(state);
  const auto started = site->start(site->state_, Missing::go_on);
  VAN_ASSERT(started);
  return site;
}

Result<void> Site::start(State& next, Missing missing) {
  events_.attach(nullptr);
  presence_.reset();  // its ports are wanted again
  Identity identity;
  if (next.site) {
    identity = {next.site->role, next.site->router_id, next.site->id, next.site->name};
  } else {  // in no network: the identity is nobody's, and nobody sees it
    identity = {Mode::edge, make_router_id("none", parts_.random), make_uuid(parts_.random), "none"};
  }
  presence_ = std::make_unique<Presence>(
      Presence::Parts{parts_.loop, parts_.random, parts_.logs, *this, parts_.idle_timeout, parts_.workers, [this] { settle_.schedule(); }}, identity);
  presence_->take_messages(kManagementName, *this);
  events_.attach(presence_.get());

  for (ListenerState& listener : next.listeners) {
    const auto listening = start_listener(listener, *next.site->own);
    if (!listening && missing == Missing::refuse) return listening;
    if (!listening) log_.error("not listening: {}", listening.error().message);
  }
  for (const BindingState& binding : next.bindings) {
    const auto bound = presence_->bind(binding);
    if (!bound) log_.error("no stand-in: {}", bound.error().message);
  }
  for (const ExposureState& exposure : next.exposures) presence_->expose(exposure);
  start_proxy(next);
  for (const LinkState& link : next.links) {
    const auto connecting = presence_->connect(link);
    if (!connecting) log_.error("link not usable: {}", connecting.error().message);
  }
  return {};
}

Result<void> Site::start_listener(ListenerState& listener, const AuthorityState& own) {
  auto port = presence_->listen(listener, own);
  if (!port && port.error().code != Error::Code::conflict && listener.host == "::") {
    listener.host = "0.0.0.0";  // a machine without IPv6
    port = presence_->listen(listener, own);
  }
  if (!port) return Unexpected{port.error()};
  listener.port = *port;
  return {};
}

void Site::on_message(amqp::Message request) {
  const EntityParts parts{.state = state_,
                          .presence = *presence_,
                          .machine = parts_.machine,
                          .now = io::Loop::now(),
                          .wall_now = io::Loop::wall_clock()};
  auto answer = answer_management(request, SiteEntities{parts});
  if (answer) presence_->send(*std::move(answer));
}

void Site::restart_as_before() {
  const auto started = start(state_, Missing::go_on);
  VAN_ASSERT(started);
}

Result<void> Site::save(State next) {
  const auto saved = parts_.store.save(next);
  if (saved) {
    state_ = std::move(next);
  } else {
    log_.error("state not saved: {}", saved.error().message);
  }
  return saved;
}

Result<void> Site::create(const CreateSite& command) {
  if (state_.site && state_.site->own)
    return error(Error::Code::conflict, "this profile is site '" + state_.site->name + "' already",
                 "delete it first (vanctl site delete), or use another profile (--profile)");
  if (state_.site)
    return error(Error::Code::conflict, "this profile has joined a network as site '" + state_.site->name + "'",
                 "leave it first (vanctl leave --all), or use another profile (--profile)");
  const auto name = check_site_name(command.name);
  if (!name) return name;
  if (command.public_hosts.size() > kPublicHostsMax)
    return error(Error::Code::bad_request, "more than " + std::to_string(kPublicHostsMax) + " public hosts");

  const auto listeners = read_listeners(command);
  if (!listeners) return Unexpected{listeners.error()};
  const auto now = io::Loop::wall_clock();
  const auto own =
      make_authority(command.name, parts_.machine, certified_hosts(command.public_hosts, *listeners), now, parts_.random);
  if (!own) return Unexpected{own.error()};
  State next = state_;
  next.site = SiteState{.id = make_uuid(parts_.random),
                        .name = command.name,
                        .role = Mode::interior,
                        .router_id = make_router_id(command.name, parts_.random),
                        .created = seconds(now),
                        .public_hosts = command.public_hosts,
                        .own = *own};
  next.listeners = *listeners;

  // The system may pick ports, and tokens must stay good over restarts: so first listen, then keep what came of it.
  auto done = start(next, Missing::refuse);
  if (done) done = save(next);
  if (!done) {
    restart_as_before();
    return done;
  }
  log_.info("site created name={} id={} router={}", state_.site->name, state_.site->id, state_.site->router_id);
  return {};
}

Result<void> Site::destroy() {
  const auto removed = parts_.store.remove();
  if (!removed) return removed;
  log_.info("site deleted name={}", state_.site ? state_.site->name : "none");
  state_ = {};
  restart_as_before();
  return {};
}

Result<CreatedToken> Site::create_token(const CreateToken& command) {
  if (!state_.site) return error(Error::Code::not_found, "there is no site here that others could join", "vanctl site create NAME");
  if (!state_.site->own || state_.listeners.empty())
    return error(Error::Code::conflict, "site '" + state_.site->name + "' does not listen, so nobody could join with a token of it",
                 "only a site made by `vanctl site create` without --no-listen issues tokens");
  const auto validity = command.validity.value_or(kTokenValidity);
  if (validity < kTokenValidityMin || validity > kTokenValidityMax)
    return error(Error::Code::bad_request, "a token's life is from one minute to ten years");
  if (command.cost < 1) return error(Error::Code::bad_request, "a link's cost is 1 or more");

  const auto now = io::Loop::wall_clock();
  State next = state_;
  std::erase_if(next.tokens, [&](const IssuedTokenState& token) { return token.expires < seconds(now); });
  if (next.tokens.size() >= kIssuedTokensMax) return error(Error::Code::conflict, "too many tokens were issued that are still good");
  const auto name = new_token_name(next, command.name, parts_.random);
  if (!name) return Unexpected{name.error()};

  const AuthorityState& own = *state_.site->own;
  const auto issued = tls::issue(
      own.authority,
      {.use = tls::LeafOptions::Use::client, .common_name = *name, .hosts = {}, .now = now, .validity = validity}, parts_.random);
  if (!issued) return error(Error::Code::failed, "making a certificate: " + issued.error().message);
  const auto certificate = tls::inspect(issued->certificate_pem);
  if (!certificate) return error(Error::Code::failed, "making a certificate: " + certificate.error().message);

  LinkToken like;
  like.name = *name;
  like.cost = command.cost;
  like.credentials = {own.authority.certificate_pem, issued->certificate_pem, issued->key_pem};
  next.tokens.push_back({.name = *name,
                         .fingerprint = certificate->fingerprint_sha256,
                         .issued = seconds(now),
                         .expires = seconds(certificate->not_after)});
  const std::string text = write_token(links_of(next, parts_.machine, like));
  const auto saved = save(std::move(next));
  if (!saved) return Unexpected{saved.error()};
  log_.info("token issued name={} expires={}", *name, rfc3339(certificate->not_after));
  return CreatedToken{text, *name, certificate->not_after};
}

}  // namespace van::agent
