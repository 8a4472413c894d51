#include "agent/state.h"

#include <sys/stat.h>

#include "core/base/random.h"
#include "tests/agent/temporary_folder.h"
#include "tests/support/catch.h"

namespace van::agent {
namespace {

namespace fs = std::filesystem;
using test::content_of;
using test::TemporaryFolder;
using test::write_file;

/// A state with something in every field.
State full() {
  State state;
  state.site = SiteState{.id = "8d3c",
                         .name = "mill",
                         .role = router::Mode::interior,
                         .router_id = "mill-abc12",
                         .created = 1'790'000'000,
                         .public_hosts = {"mill.example.net", "2001:db8::7"},
                         .own = AuthorityState{{"CA\nPEM\n", "key 1"}, {"server\nPEM\n", "key 2"}}};
  state.listeners = {{router::PeerRole::inter_router, "::", 55671}, {router::PeerRole::edge, "127.0.0.1", 45671}};
  state.links = {{"harbour", {router::PeerRole::inter_router, "gate.example.net", 443}, 5, {"ca", "certificate", "key"}},
                 {"harbour-2", {router::PeerRole::inter_router, "::1", 55671}, 1, {"\nca\r\n", "", ""}}};
  state.exposures = {{"greeting", "localhost:8080", 3, 8080}, {"greeting", "unix:/run/x.sock", 0, 0},
                     {.address = "news", .target = "localhost:9000", .port = 9000, .protocol = proxy::Protocol::udp, .multicast = true}};
  state.bindings = {{"greeting", "127.0.0.1:18080"}, {"greeting", "unix:/tmp/g"},
                    {.address = "both", .local = "127.0.0.1:5432", .both_loopbacks = true},
                    {.address = "web", .local = "127.0.0.1:8080", .protocol = proxy::Protocol::http, .forwarded = http::Forwarded::standard},
                    {.address = "dns", .local = "127.0.0.1:5353", .protocol = proxy::Protocol::udp},
                    {.address = "news", .local = "127.0.0.1:9000", .protocol = proxy::Protocol::udp, .multicast = true}};
  state.exposures[1].health = {.kind = proxy::HealthCheck::Kind::http, .path = "/healthz", .interval = std::chrono::milliseconds{250}, .failures = 3, .successes = 2};
  state.proxy = {"localhost:1080", "10.0.0.7:3128"};
  state.exposures[1].proxy_protocol = true;
  state.exposures[0].tls = proxy::TlsFiles{.certificate = "/c.pem", .key = "/k.pem", .authorities = "/ca.pem", .verify_host = false};
  state.bindings[0].tls = proxy::TlsFiles{.certificate = "/own.pem", .key = "/own-key.pem"};
  state.tokens = {{"for-ann", "00ff", 1'790'000'001, 1'890'000'000}};
  return state;
}
std::string complaint(std::string_view text) {
  const auto state = read_state(text);
  return state ? std::string{} : state.error();
}
std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const std::size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

TEST_CASE("a state is read as it was printed", "[agent][state]") {
  for (const State& state : {State{}, full()}) {
    const std::string text = print_state(state);
    const auto read = read_state(text);
    INFO(text);
    INFO((read ? std::string{} : read.error()));
    REQUIRE(read);
    CHECK(print_state(*read) == text);
  }
  const State read = *read_state(print_state(full()));
  CHECK(read.site->own->server.key_pem == "key 2");
  CHECK(read.site->public_hosts == full().site->public_hosts);
  CHECK(read.links[1].credentials == full().links[1].credentials);
  CHECK(read.links[0].endpoint == full().links[0].endpoint);
  CHECK(read.exposures[0].health == proxy::HealthCheck{});
  CHECK(read.exposures[1].health == full().exposures[1].health);
  CHECK(read.exposures[1].proxy_protocol);
  CHECK(read.exposures[0].tls == full().exposures[0].tls);
  CHECK_FALSE(read.exposures[1].tls);
  CHECK(read.bindings[0].tls == full().bindings[0].tls);
  CHECK_FALSE(read.bindings[1].tls);
}

TEST_CASE("places that can't be are refused", "[agent][state]") {
  const std::string text = print_state(full());
  CHECK(complaint(replaced(text, "127.0.0.1:5432", "127.0.0.2:5432")).find("both_loopbacks") != std::string::npos);
  for (const char* const place : {"1080", "localhost:0", "unix:/x"})
    CHECK(complaint(replaced(text, "localhost:1080", place)).find("proxy.socks must be") != std::string::npos);
  CHECK(complaint(replaced(text, "both_loopbacks = true", "both_loopbacks = 1")).find("true or false") != std::string::npos);
}

TEST_CASE("only udp can be multicast, and it has no Unix sockets", "[agent][state]") {
  const std::string text = print_state(full());
  CHECK(complaint(replaced(text, "localhost:9000", "unix:/x")).find("no Unix sockets") != std::string::npos);
  CHECK(complaint(replaced(text, "127.0.0.1:5353", "unix:/x")).find("no Unix sockets") != std::string::npos);
  CHECK(complaint(replaced(text, "multicast = true", "multicast = 1")).find("true or false") != std::string::npos);
  State state = full();
  state.bindings.back().protocol = proxy::Protocol::tcp;
  CHECK(complaint(print_state(state)).find("multicast") != std::string::npos);
}

TEST_CASE("any text survives the state file", "[agent][state]") {
  Rng rng{11};
  constexpr std::string_view letters = "'\"\\\n\r\t #=[]ab\x01\x7f";
  for (int round = 0; round < 300; ++round) {
    State state = full();
    std::string text;
    for (std::uint64_t size = rng.below(12); size > 0; --size) text += letters[rng.below(letters.size())];
    CAPTURE(text);
    state.links[0].credentials.ca = text;
    const auto read = read_state(print_state(state));
    REQUIRE(read);
    CHECK(read->links[0].credentials.ca == text);
  }
}

TEST_CASE("a state cut at any place is never read as a smaller one of the same file", "[agent][state]") {
  const std::string text = print_state(full());
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto read = read_state(std::string_view{text}.substr(0, size));
    if (read) CHECK(print_state(*read).size() <= size + 1);  // cut between two records: whole as far as it goes
  }
}

TEST_CASE("a damaged state is refused with its line", "[agent][state]") {
  const std::string good = print_state(full());
  CHECK(complaint("version = 1\n[site\n").starts_with("line 2:"));
  CHECK(complaint("\n[[links]]\n").find("version is missing") != std::string::npos);
  CHECK(complaint(replaced(good, "port = 443", "port = 70000")).find("links.port must be a number from 1 to 65535") !=
        std::string::npos);
  CHECK(complaint(replaced(good, "cost = 5", "cost = \"5\"")).find("links.cost") != std::string::npos);
  CHECK(complaint(replaced(good, "role = \"interior\"", "role = \"star\"")).find("site.role") != std::string::npos);
  CHECK(complaint(replaced(good, "router_id = \"mill-abc12\"", "router_id = \"a/b\"")).find("site.router_id") != std::string::npos);
  CHECK(complaint(replaced(good, "\"localhost:8080\"", "\"nowhere\"")).find("exposures.target") != std::string::npos);
  CHECK(complaint(replaced(good, "\"/ca.pem\"", "\"ca.pem\"")).find("exposures.tls_ca must be an absolute path") != std::string::npos);
  CHECK(complaint(replaced(good, "tls = true", "tls = false")).find("exposures.tls") != std::string::npos);
  CHECK(complaint(replaced(good, "http:/healthz", "ping")).find("exposures.health") != std::string::npos);
  CHECK(complaint(replaced(good, "health_failures = 3", "health_failures = 0")).find("exposures.health_failures") != std::string::npos);
  CHECK(complaint(replaced(good, "\"127.0.0.1:18080\"", "\"127.0.0.1:0\"")).find("bindings.local") != std::string::npos);
  CHECK(complaint(replaced(good, "\"harbour-2\"", "\"harbour\"")).find("twice") != std::string::npos);
  CHECK(complaint(replaced(good, "cost = 5", "cost = 5\nspeed = 1")).find("links.speed is not known") != std::string::npos);
  CHECK(complaint("version = 1\n[[links]]\n") != "");
  CHECK(complaint("version = 1\nlinks = 3\n").find("links must be an array of tables") != std::string::npos);
}

TEST_CASE("records that contradict each other are refused", "[agent][state]") {
  State state = full();
  state.site->role = router::Mode::edge;
  CHECK(complaint(print_state(state)).find("another role") != std::string::npos);
  state = full();
  state.site->own.reset();
  CHECK(complaint(print_state(state)).find("no authority") != std::string::npos);
  state = full();
  state.site.reset();
  CHECK(complaint(print_state(state)).find("site is missing") != std::string::npos);
}

TEST_CASE("a state of a newer version is refused as that", "[agent][state]") {
  CHECK(complaint("version = 2\nwhatever = true\n").find("newer vanctl (format 2, this one knows 1)") != std::string::npos);
  CHECK(complaint("version = 0\n") != "");
}

TEST_CASE("saving keeps the state before as a copy, both for their owner only", "[agent][state]") {
  const TemporaryFolder folder;
  const StateStore store{folder / "state.toml"};
  const auto none = store.load();
  REQUIRE(none);
  CHECK_FALSE(none->site);
  REQUIRE(store.save(State{}));
  REQUIRE(store.save(full()));
  CHECK(content_of(folder / "state.toml") == print_state(full()));
  CHECK(content_of(folder / "state.toml.bak") == print_state(State{}));
  for (const char* name : {"state.toml", "state.toml.bak"}) {
    struct stat status {};
    REQUIRE(::stat((folder / name).c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
  }
  CHECK(print_state(*store.load()) == print_state(full()));
  REQUIRE(store.remove());
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("a state that could not be read again is not written", "[agent][state]") {
  const TemporaryFolder folder;
  const StateStore store{folder / "state.toml"};
  REQUIRE(store.save(full()));
  State bad = full();
  bad.exposures[0].address = "two words";
  CHECK_FALSE(store.save(bad));
  CHECK(content_of(folder / "state.toml") == print_state(full()));
}

TEST_CASE("loading a damaged state says where and what to do, and touches nothing", "[agent][state]") {
  const TemporaryFolder folder;
  const StateStore store{folder / "state.toml"};
  write_file(folder / "state.toml", "version = 1\nlinks = [\n");
  const auto state = store.load();
  REQUIRE_FALSE(state);
  CHECK(state.error().code == Error::Code::failed);
  CHECK(state.error().message.find((folder / "state.toml").string()) != std::string::npos);
  CHECK(state.error().message.find("line ") != std::string::npos);
  CHECK(state.error().hint.find("state.toml.bak") != std::string::npos);
  CHECK(content_of(folder / "state.toml") == "version = 1\nlinks = [\n");
}

}  // namespace
}  // namespace van::agent
