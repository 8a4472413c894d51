#include "agent/site.h"

#include "agent/token.h"
#include "core/io/dialer.h"
#include "core/io/listener.h"
#include "tests/agent/profile_fixture.h"
#include "tests/support/catch.h"

namespace van::agent {
namespace {

using test::loopback_site;
using test::Profile;

template <class T>
void check_error(const Result<T>& result, Error::Code code, std::string_view message) {
  REQUIRE_FALSE(result);
  INFO(result.error().message);
  CHECK(to_text(result.error().code) == to_text(code));
  CHECK(result.error().message.find(message) != std::string::npos);
  CHECK(result.error().message.find('\n') == std::string::npos);
}

TEST_CASE("a site is created with identity, authority and listeners, and is the same after a restart", "[agent][site]") {
  io::Loop loop;
  Profile profile{loop};
  CHECK_FALSE(std::filesystem::exists(profile.state_file()));
  REQUIRE(profile->create(loopback_site("mill")));
  const State before = profile->state();
  REQUIRE(before.listeners.size() == 2);
  CHECK(before.listeners[0].port != 0);
  CHECK(before.site->router_id.starts_with("mill-"));
  profile.restart();
  CHECK(print_state(profile->state()) == print_state(before));
  CHECK(profile->presence().identity().router_id == before.site->router_id);
}

TEST_CASE("a site listens on loopback unless it is told that others come", "[agent][site]") {
  io::Loop loop;
  CreateSite command = loopback_site("mill");
  command.listen = "0";
  command.listen_edge = "0";
  Profile alone{loop};
  REQUIRE(alone->create(command));
  for (const ListenerState& listener : alone->state().listeners) CHECK(listener.host == "127.0.0.1");
  command.public_hosts = {"mill.example.net"};
  Profile open{loop};
  REQUIRE(open->create(command));
  for (const ListenerState& listener : open->state().listeners) CHECK((listener.host == "::" || listener.host == "0.0.0.0"));
}

TEST_CASE("a second site in a profile is refused, and so is a bad command", "[agent][site]") {
  io::Loop loop;
  Profile profile{loop};
  CreateSite command = loopback_site("a b");
  check_error(profile->create(command), Error::Code::bad_request, "'a b' is no name");
  command = loopback_site("mill");
  command.listen = "unix:/x";
  check_error(profile->create(command), Error::Code::bad_request, "local socket");
  command.listen = "nonsense:";
  check_error(profile->create(command), Error::Code::bad_request, "listen:");
  command = loopback_site("mill");
  command.public_hosts = {"no host"};
  check_error(profile->create(command), Error::Code::bad_request, "certificate");
  command = loopback_site("mill");
  command.no_listen = true;
  check_error(profile->create(command), Error::Code::bad_request, "no_listen");
  CHECK_FALSE(profile->state().site);
  CHECK_FALSE(std::filesystem::exists(profile.state_file()));
  REQUIRE(profile->create(loopback_site("mill")));
  check_error(profile->create(loopback_site("mill")), Error::Code::conflict, "is site 'mill' already");
}

TEST_CASE("a port in use is a conflict and nothing of the site is kept", "[agent][site]") {
  io::Loop loop;
  Profile first{loop};
  REQUIRE(first->create(loopback_site("first")));
  Profile second{loop};
  REQUIRE(second->expose({.address = "greeting", .target = "8080"}));
  const std::string saved = second.saved();
  CreateSite command = loopback_site("second");
  command.listen_edge = "127.0.0.1:" + std::to_string(first->state().listeners[0].port);
  check_error(second->create(command), Error::Code::conflict, "listener");
  CHECK_FALSE(second->state().site);
  CHECK(second.saved() == saved);
  CHECK(second->presence().exposure(second->state().exposures[0]));  // runs on
  REQUIRE(second->create(loopback_site("second")));
}

TEST_CASE("when the state can't be saved every command fails and changes nothing", "[agent][site]") {
  io::Loop loop;
  Profile other{loop};
  REQUIRE(other->create(loopback_site("other")));
  const auto token = other->create_token({.name = "t"});
  REQUIRE(token);

  Profile profile{loop};
  REQUIRE(profile->create(loopback_site("mill")));
  REQUIRE(profile->expose({.address = "greeting", .target = "8080"}));
  const auto bound = profile->bind({.address = "orders", .local = "0"});
  REQUIRE(bound);
  const std::string before = print_state(profile->state());
  profile.break_disk();
  check_error(profile->expose({.address = "x", .target = "1"}), Error::Code::failed, "can't write");
  check_error(profile->unexpose("greeting", {}), Error::Code::failed, "can't write");
  check_error(profile->bind({.address = "x", .local = "0"}), Error::Code::failed, "can't write");
  check_error(profile->unbind("orders", {}), Error::Code::failed, "can't write");
  check_error(profile->create_token({.name = "t"}), Error::Code::failed, "can't write");
  check_error(test::join(loop, *profile, {.token = token->text}), Error::Code::failed, "can't write");
  CHECK(print_state(profile->state()) == before);
  CHECK(profile->presence().exposure(profile->state().exposures[0]));
  CHECK(profile->presence().stand_in(profile->state().bindings[0]));
  CHECK(profile->presence().links().empty());
  profile.mend_disk();
  REQUIRE(profile->expose({.address = "x", .target = "1"}));

  Profile fresh{loop};
  fresh.break_disk();
  check_error(fresh->create(loopback_site("mill")), Error::Code::failed, "can't write");
  CHECK_FALSE(fresh->state().site);
  check_error(test::join(loop, *fresh, {.token = token->text}), Error::Code::failed, "can't write");
  CHECK_FALSE(fresh->state().site);
}

TEST_CASE("a damaged state is not opened and not changed", "[agent][site]") {
  io::Loop loop;
  Profile profile{loop};
  test::write_file(profile.state_file(), "version = 1\n[[links]\n");
  tls::SystemRandom random;
  const auto site = Site::open({loop, random, profile.logs(), StateStore{profile.state_file()}, "box"});
  REQUIRE_FALSE(site);
  CHECK(site.error().message.find("line 2") != std::string::npos);
  CHECK(profile.saved() == "version = 1\n[[links]\n");
}

TEST_CASE("a site issues tokens for its roles, each with a certificate of its own", "[agent][site]") {
  io::Loop loop;
  Profile profile{loop};
  check_error(profile->create_token(CreateToken{}), Error::Code::not_found, "no site");
  REQUIRE(profile->create(loopback_site("mill")));
  const auto one = profile->create_token({.cost = 4});
  const auto two = profile->create_token({.name = "for-ann", .validity = std::chrono::hours{1}});
  REQUIRE(one);
  REQUIRE(two);
  CHECK(two->name == "for-ann");
  CHECK(two->expires < io::Loop::wall_clock() + std::chrono::hours{1});
  const auto read = read_token(one->text);
  REQUIRE(read);
  REQUIRE(read->size() == 1);
  CHECK(read->front().cost == 4);
  CHECK(read->front().endpoints.size() == 2);
  CHECK(endpoint_for(read->front(), router::PeerRole::edge)->port == profile->state().listeners[1].port);
  CHECK(check_credentials(read->front(), io::Loop::wall_clock()));
  CHECK(read->front().credentials.key != read_token(two->text)->front().credentials.key);
  CHECK(profile->state().tokens.size() == 2);
  check_error(profile->create_token({.name = "for-ann"}), Error::Code::conflict, "issued already");
  check_error(profile->create_token({.name = "For Ann"}), Error::Code::bad_request, "no name for a token");
  check_error(profile->create_token({.validity = std::chrono::seconds{1}}), Error::Code::bad_request, "life");
}

TEST_CASE("a token has a Link for each public host", "[agent][site]") {
  io::Loop loop;
  Profile profile{loop};
  CreateSite command = loopback_site("mill");
  command.public_hosts = {"one.example.net", "two.example.net"};
  REQUIRE(profile->create(command));
  const auto token = profile->create_token({.name = "t"});
  REQUIRE(token);
  const auto links = read_token(token->text);
  REQUIRE(links);
  REQUIRE(links->size() == 2);
  CHECK(links->at(0).name == "t");
  CHECK(links->at(1).name == "t-2");
  for (const LinkToken& link : *links) CHECK(link.endpoints.size() == 2);
  CHECK(links->at(1).endpoints[0].host == "two.example.net");
}

TEST_CASE("a site that does not listen issues no tokens", "[agent][site]") {
  io::Loop loop;
  Profile profile{loop};
  CreateSite command;
  command.name = "mill";
  command.no_listen = true;
  REQUIRE(profile->create(command));
  check_error(profile->create_token(CreateToken{}), Error::Code::conflict, "does not listen");
}

TEST_CASE("services may come before any site, and are there after it and after a restart", "[agent][site]") {
  io::Loop loop;
  Profile profile{loop};
  REQUIRE(profile->expose({.address = "greeting", .target = "8080", .cost = 2}));
  const auto bound = profile->bind({.address = "orders"});
  REQUIRE(bound);
  CHECK_FALSE(bound->before);
  const BindingState binding = bound->binding;
  CHECK(profile->presence().stand_in(binding));
  REQUIRE(profile->create(loopback_site("mill")));
  CHECK(profile->presence().stand_in(binding));
  profile.restart();
  CHECK(profile->presence().stand_in(binding));
  REQUIRE(profile->state().bindings.size() == 1);
  CHECK(profile->state().bindings[0].local == binding.local);
  REQUIRE(profile->state().exposures.size() == 1);
  CHECK(profile->presence().exposure(profile->state().exposures[0]));
}

TEST_CASE("exposing is refused for what is there already or can't be", "[agent][site]") {
  io::Loop loop;
  Profile profile{loop};
  const auto exposed = profile->expose({.address = "greeting", .target = "8080"});
  REQUIRE(exposed);
  CHECK(exposed->target == "localhost:8080");
  CHECK(exposed->port == 8080);
  check_error(profile->expose({.address = "greeting", .target = "localhost:8080"}), Error::Code::conflict, "already");
  REQUIRE(profile->expose({.address = "greeting", .target = "localhost:8081", .port = 80}));
  REQUIRE(profile->expose({.address = "greeting", .target = "tcp://127.0.0.1:8082"}));
  REQUIRE(profile->expose({.address = "greeting", .target = "unix:/run/x"}));
  check_error(profile->expose({.address = "_topo/x", .target = "1"}), Error::Code::bad_request, "no address");
  check_error(profile->expose({.address = "x", .target = "no port"}), Error::Code::bad_request, "target");
  check_error(profile->expose({.address = "x", .target = "udp:unix:/x"}), Error::Code::bad_request, "no Unix sockets");
  check_error(profile->expose({.address = "x", .target = "9000", .multicast = true}), Error::Code::bad_request, "only udp");
  check_error(profile->expose({.address = "x", .target = "80", .protocol = "sctp"}), Error::Code::bad_request, "no protocol");
  check_error(profile->expose({.address = "x", .target = "80", .tls = {.authorities = "/ca.pem"}}), Error::Code::bad_request, "a target that speaks TLS");
  check_error(profile->expose({.address = "x", .target = "tls://a:1", .tls = {.authorities = "ca.pem"}}), Error::Code::bad_request, "no absolute path");
  check_error(profile->expose({.address = "x", .target = "https://a:1", .tls = {.authorities = "/nowhere/ca.pem"}}), Error::Code::not_found, "/nowhere/ca.pem");
  check_error(profile->expose({.address = "x", .target = "80", .health = "ping"}), Error::Code::bad_request, "health check is");
  check_error(profile->expose({.address = "x", .target = "80", .health_failures = 2}), Error::Code::bad_request, "none is asked for");
  CHECK(profile->state().exposures.size() == 4);

  check_error(profile->unexpose("absent", {}), Error::Code::not_found, "nothing is exposed here as 'absent'");
  check_error(profile->unexpose("greeting", "9999"), Error::Code::not_found, "localhost:9999");
  CHECK(profile->unexpose("greeting", "8080")->size() == 1);
  CHECK(profile->unexpose("greeting", {})->size() == 3);
  CHECK(profile->state().exposures.empty());
}

TEST_CASE("an address is carried in one way", "[agent][site]") {
  io::Loop loop;
  Profile profile{loop};
  REQUIRE(profile->expose({.address = "streams", .target = "8080"}));
  check_error(profile->expose({.address = "streams", .target = "udp:8081"}), Error::Code::conflict, "exposed here for streams");
  check_error(profile->bind({.address = "streams", .protocol = "udp"}), Error::Code::conflict, "exposed here for streams");

  const auto datagrams = profile->expose({.address = "datagrams", .target = "udp:9000"});
  REQUIRE(datagrams);
  CHECK(datagrams->protocol == proxy::Protocol::udp);
  CHECK(datagrams->target == "localhost:9000");
  CHECK(datagrams->port == 9000);
  check_error(profile->expose({.address = "datagrams", .target = "9001"}), Error::Code::conflict, "exposed here for datagrams");
  check_error(profile->expose({.address = "datagrams", .target = "udp:9001", .multicast = true}), Error::Code::conflict, "not for multicast");
  const auto bound = profile->bind({.address = "datagrams", .local = "127.0.0.1:0"});
  REQUIRE(bound);
  CHECK(bound->binding.protocol == proxy::Protocol::udp);  // as it is known
  REQUIRE(profile->unexpose("datagrams", {}));
  check_error(profile->expose({.address = "datagrams", .target = "9001"}), Error::Code::conflict, "bound here for datagrams");

  REQUIRE(profile->expose({.address = "news", .target = "9000", .protocol = "udp", .multicast = true}));
  const auto news = profile->bind({.address = "news", .local = "127.0.0.1:0"});
  REQUIRE(news);
  CHECK(news->binding.multicast);
  check_error(profile->bind({.address = "x", .local = "unix:/tmp/x", .protocol = "udp"}), Error::Code::bad_request, "no Unix sockets");
  profile.restart();
  CHECK(profile->presence().stand_in(profile->state().bindings.back()).has_value());
}

TEST_CASE("a stand-in takes the port it is given, else the service's own, else a free one", "[agent][site]") {
  io::Loop loop;
  Profile profile{loop};
  const auto free = profile->bind({.address = "a"});
  REQUIRE(free);
  CHECK(free->binding.local.starts_with("127.0.0.1:"));
  CHECK(profile->bind({.address = "a"})->before);  // that one
  const auto again = profile->bind({.address = "a", .local = free->binding.local});
  REQUIRE(again);
  CHECK(again->before);
  check_error(profile->bind({.address = "b", .local = free->binding.local}), Error::Code::conflict, "stand-in for 'b'");
  const auto second = profile->bind({.address = "a", .local = "127.0.0.1:0"});
  REQUIRE(second);
  CHECK_FALSE(second->before);
  check_error(profile->unbind("a", "1"), Error::Code::not_found, "127.0.0.1:1");
  CHECK(profile->unbind("a", free->binding.local)->size() == 1);
  // Its port is free again at once.
  const std::string port = free->binding.local.substr(free->binding.local.rfind(':') + 1);
  REQUIRE(profile->expose({.address = "own", .target = "localhost:1", .port = static_cast<std::uint16_t>(std::stoi(port))}));
  CHECK(profile->bind({.address = "own"})->binding.local == free->binding.local);
  REQUIRE(profile->expose({.address = "taken", .target = "localhost:1", .port = static_cast<std::uint16_t>(std::stoi(port))}));
  CHECK(profile->bind({.address = "taken"})->binding.local != free->binding.local);
}

TEST_CASE("a service of http has stand-ins of http, whose requests may say who their client is", "[agent][site]") {
  io::Loop loop;
  Profile profile{loop};
  REQUIRE(profile->expose({.address = "web", .target = "http://localhost:1"}));
  const auto bound = profile->bind({.address = "web", .forwarded = "x-forwarded"});
  REQUIRE(bound);
  CHECK(bound->binding.protocol == proxy::Protocol::http);
  CHECK(bound->binding.forwarded == http::Forwarded::x_forwarded);
  CHECK(profile->bind({.address = "web"})->before);
  check_error(profile->bind({.address = "web", .forwarded = "forwarded"}), Error::Code::conflict, "with forwarded x-forwarded");
  check_error(profile->bind({.address = "web", .local = "127.0.0.1:0", .forwarded = "x"}), Error::Code::bad_request, "is not known");
  check_error(profile->bind({.address = "web", .local = "127.0.0.1:0", .protocol = "tcp", .forwarded = "forwarded"}), Error::Code::bad_request, "only requests of http");
}

TEST_CASE("a stand-in's port without a host is one of both loopbacks, over restarts too", "[agent][site]") {
  io::Loop loop;
  Profile profile{loop};
  const auto answers = [&loop](const std::string& host, const std::string& local) {
    const auto port = static_cast<std::uint16_t>(std::stoi(local.substr(local.rfind(':') + 1)));
    std::optional<bool> connected;
    const io::Dialer dialer{loop, io::HostPort{host, port}, [&connected](const auto& result) { connected = result.has_value(); }};
    loop.run_until([&connected] { return connected.has_value(); });
    return *connected;
  };
  const bool ipv6 = io::TcpListener::listen(loop, "::1", 0, [](std::unique_ptr<io::Stream>) {}).has_value();
  const auto both = profile->bind({.address = "a", .local = "0"});
  REQUIRE(both);
  const std::string local = both->binding.local;
  CHECK(local.starts_with("127.0.0.1:"));
  CHECK(profile->bind({.address = "a", .local = "localhost" + local.substr(local.rfind(':'))})->before);
  const auto unasked = profile->bind({.address = "b"});
  REQUIRE(unasked);
  const auto one = profile->bind({.address = "a", .local = "127.0.0.1:0"});
  REQUIRE(one);
  for (const bool restarted : {false, true}) {
    CAPTURE(restarted);
    if (restarted) profile.restart();
    CHECK(answers("127.0.0.1", local));
    CHECK(answers("::1", local) == ipv6);
    CHECK(answers("::1", unasked->binding.local) == ipv6);
    CHECK(answers("127.0.0.1", one->binding.local));
    CHECK_FALSE(answers("::1", one->binding.local));
  }
  REQUIRE(profile->unbind("a", local.substr(local.rfind(':') + 1)));
  CHECK_FALSE(answers("::1", local));
}

TEST_CASE("a stand-in may be a local socket", "[agent][site]") {
  io::Loop loop;
  Profile profile{loop};
  const std::string local = "unix:" + (profile.folder() / "orders.sock").string();
  REQUIRE(profile->bind({.address = "orders", .local = local}));
  CHECK(std::filesystem::is_socket(profile.folder() / "orders.sock"));
  check_error(profile->bind({.address = "x", .local = "unix:/no/such/folder/s"}), Error::Code::bad_request, "folder");
  REQUIRE(profile->unbind("orders", local));
  CHECK_FALSE(std::filesystem::exists(profile.folder() / "orders.sock"));
}

TEST_CASE("a stand-in whose port is taken at the start stays in the state and can be opened later", "[agent][site]") {
  io::Loop loop;
  Profile profile{loop};
  const auto bound = profile->bind({.address = "orders"});
  REQUIRE(bound);
  Profile other{loop};
  REQUIRE(profile->unbind("orders", {}));
  REQUIRE(other->bind({.address = "x", .local = bound->binding.local}));
  State state = profile->state();
  state.bindings = {bound->binding};
  REQUIRE(StateStore{profile.state_file()}.save(state));
  profile.restart();
  CHECK_FALSE(profile->presence().stand_in(bound->binding));
  check_error(profile->bind({.address = "orders"}), Error::Code::conflict, "orders");
  REQUIRE(other->unbind("x", {}));
  CHECK(profile->bind({.address = "orders"})->binding.local == bound->binding.local);
  CHECK(profile->presence().stand_in(bound->binding));
}

TEST_CASE("the proxy ports are opened where it is said, and stay so over a restart", "[agent][site]") {
  io::Loop loop;
  Profile profile{loop};
  const auto& socks = name_ports()[0];
  REQUIRE(socks.name == "socks");
  CHECK(profile->presence().names().find(socks) == nullptr);
  REQUIRE(profile->open_proxy({}));
  const std::string first = profile->state().proxy.socks;
  CHECK(first.starts_with("localhost:"));
  REQUIRE(profile->open_proxy({}));
  CHECK(profile->state().proxy.socks == first);
  Profile other{loop};
  check_error(other->open_proxy({{{"socks", first}}}), Error::Code::conflict, "socks port");
  CHECK(other->state().proxy.socks.empty());
  REQUIRE(other->open_proxy({}));  // the usual port is taken: another one
  CHECK(other->state().proxy.socks != first);
  REQUIRE(profile->open_proxy({{{"socks", "127.0.0.1:0"}}}));
  const std::string second = profile->state().proxy.socks;
  CHECK(second.starts_with("127.0.0.1:"));
  check_error(profile->open_proxy({{{"socks", other->state().proxy.socks}}}), Error::Code::conflict, "socks port");
  REQUIRE(profile->presence().names().find(socks) != nullptr);
  CHECK(profile->presence().names().find(socks)->local().text() == second);  // as before
  check_error(profile->open_proxy({{{"socks", "unix:/tmp/x"}}}), Error::Code::bad_request, "no port");
  profile.restart();
  REQUIRE(profile->presence().names().find(socks) != nullptr);
  CHECK(profile->presence().names().find(socks)->local().text() == second);
  profile.break_disk();
  CHECK_FALSE(profile->close_proxy());
  CHECK(profile->presence().names().find(socks) != nullptr);
  CHECK_FALSE(profile->open_proxy({{{"socks", "0"}}}));
  CHECK(profile->presence().names().find(socks)->local().text() == second);
  profile.mend_disk();
  REQUIRE(profile->close_proxy());
  CHECK(profile->presence().names().find(socks) == nullptr);
  REQUIRE(profile->open_proxy({{{"socks", second}}}));  // free again
}

TEST_CASE("deleting a site leaves no file with keys", "[agent][site]") {
  io::Loop loop;
  Profile profile{loop};
  REQUIRE(profile->create(loopback_site("mill")));
  REQUIRE(profile->expose({.address = "greeting", .target = "8080"}));
  REQUIRE(profile->destroy());
  CHECK_FALSE(profile->state().site);
  CHECK(profile->state().exposures.empty());
  CHECK(std::filesystem::is_empty(profile.folder().path()));
  REQUIRE(profile->create(loopback_site("mill")));
}

}  // namespace
}  // namespace van::agent
