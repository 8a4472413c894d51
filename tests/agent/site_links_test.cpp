#include "agent/site.h"

#include <algorithm>

#include "tests/agent/credentials.h"
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
}

struct Fixture {
  io::Loop loop;
  Profile mill{loop};
  Profile laptop{loop};
  std::string token;

  Fixture() {
    REQUIRE(mill->create(loopback_site("mill")));
    token = new_token("t");
  }
  std::string new_token(const std::string& name) {
    const auto created = mill->create_token({.name = name});
    REQUIRE(created);
    return created->text;
  }
  Result<Joined> join(const Join& command) { return test::join(loop, *laptop, command); }
  /// The token with other ends or credentials.
  std::string changed(const std::function<void(LinkToken&)>& change) const {
    std::vector<LinkToken> links = *read_token(token);
    for (LinkToken& link : links) change(link);
    return write_token(links);
  }
  link::LinkState state_of(const std::string& name) { return laptop->presence().link(name)->state; }
};

TEST_CASE("joining makes an edge site whose link comes up", "[agent][site]") {
  Fixture f;
  const auto joined = f.join({.token = f.token, .site_name = "laptop"});
  INFO((joined ? std::string{} : joined.error().message));
  REQUIRE(joined);
  CHECK_FALSE(joined->before);
  CHECK(joined->links == std::vector<std::string>{"t"});
  CHECK(f.state_of("t") == link::LinkState::up);
  CHECK(f.laptop->state().site->role == router::Mode::edge);
  CHECK(f.laptop->state().site->name == "laptop");
  const auto nodes = f.laptop->presence().router().nodes();
  CHECK(std::ranges::any_of(nodes, [](const router::NodeInfo& node) { return node.site_name == "mill" && node.direct; }));
}

TEST_CASE("a site can be joined under the address at which it listens", "[agent][site]") {
  io::Loop loop;
  Profile mill{loop};
  CreateSite command = loopback_site("mill");
  command.listen_edge = "127.0.0.9:0";
  REQUIRE(mill->create(command));
  Profile laptop{loop};
  REQUIRE(test::join(loop, *laptop, {.token = mill->create_token({.name = "t"})->text}));
}

TEST_CASE("notes in a token's certificates are not kept, whatever they are", "[agent][site]") {
  Fixture f;
  const std::string token = f.changed([](LinkToken& link) {
    link.credentials.ca = "subject=caf\xe9\n" + link.credentials.ca;
    link.credentials.certificate += "trailing \xff\n";
  });
  REQUIRE(f.join({.token = token}));
  f.laptop.restart();
  const auto again = f.join({.token = f.token});  // the same but for the notes
  REQUIRE(again);
  CHECK(again->before);
}

TEST_CASE("joining again with the same token succeeds and changes nothing", "[agent][site]") {
  Fixture f;
  REQUIRE(f.join({.token = f.token}));
  const std::string saved = f.laptop.saved();
  const auto again = f.join({.token = f.token, .link_name = "other"});
  REQUIRE(again);
  CHECK(again->before);
  CHECK(again->links == std::vector<std::string>{"t"});
  CHECK(f.laptop.saved() == saved);
}

TEST_CASE("a site is called like its machine unless it is told otherwise", "[agent][site]") {
  Fixture f;
  REQUIRE(f.join({.token = f.token, .wait = std::chrono::seconds{0}}));
  CHECK(f.laptop->state().site->name == "box");
}

TEST_CASE("membership survives a restart", "[agent][site]") {
  Fixture f;
  REQUIRE(f.join({.token = f.token, .site_name = "laptop"}));
  const std::string id = f.laptop->state().site->id;
  f.laptop.restart();
  CHECK(f.laptop->state().site->id == id);
  f.loop.run_until([&] { return f.state_of("t") == link::LinkState::up; });
}

TEST_CASE("a second token makes a second link with a name of its own", "[agent][site]") {
  Fixture f;
  REQUIRE(f.join({.token = f.token}));
  Profile harbour{f.loop};
  REQUIRE(harbour->create(loopback_site("harbour")));
  const auto token = harbour->create_token({.name = "t"});
  REQUIRE(token);
  const auto joined = f.join({.token = token->text});
  REQUIRE(joined);
  CHECK(joined->links == std::vector<std::string>{"t-2"});
  check_error(f.join({.token = f.new_token("u"), .link_name = "t-2"}), Error::Code::conflict, "called 't-2' already");
  const auto named = f.join({.token = f.new_token("v"), .cost = 9, .link_name = "mine"});
  REQUIRE(named);
  CHECK(named->links == std::vector<std::string>{"mine"});
  CHECK(f.laptop->state().links.back().cost == 9);
}

TEST_CASE("all links of a site have one role", "[agent][site]") {
  Fixture f;
  REQUIRE(f.join({.token = f.token, .wait = std::chrono::seconds{0}}));
  check_error(f.join({.token = f.new_token("u"), .role = router::Mode::interior}), Error::Code::conflict, "is edge");
  check_error(f.join({.token = f.new_token("v"), .site_name = "other"}), Error::Code::conflict, "is site 'box' already");
}

TEST_CASE("a site made by create joins as interior", "[agent][site]") {
  Fixture f;
  REQUIRE(f.laptop->create(loopback_site("laptop")));
  check_error(f.join({.token = f.token, .role = router::Mode::edge}), Error::Code::conflict, "is interior");
  const auto joined = f.join({.token = f.token});
  REQUIRE(joined);
  CHECK(f.laptop->state().links[0].endpoint.role == router::PeerRole::inter_router);
  check_error(f.laptop->create(loopback_site("again")), Error::Code::conflict, "already");
}

TEST_CASE("a profile may join as interior without listening", "[agent][site]") {
  Fixture f;
  REQUIRE(f.join({.token = f.token, .role = router::Mode::interior}));
  CHECK(f.laptop->state().site->role == router::Mode::interior);
  check_error(f.laptop->create(loopback_site("x")), Error::Code::conflict, "has joined a network");
}

TEST_CASE("a site can't join itself", "[agent][site]") {
  Fixture f;
  check_error(test::join(f.loop, *f.mill, {.token = f.token}), Error::Code::conflict, "can't join itself");
}

TEST_CASE("a token that can't be used leaves nothing behind", "[agent][site]") {
  Fixture f;
  const test::Profile& laptop = f.laptop;
  check_error(f.join({.token = "hello"}), Error::Code::refused, "not a token");
  check_error(f.join({.token = f.changed([](LinkToken& link) { link.endpoints.pop_back(); })}), Error::Code::refused,
              "no endpoint for role edge; it offers: inter-router");
  const Credentials old = test::make_credentials({.age = std::chrono::hours{48}});
  check_error(f.join({.token = f.changed([&](LinkToken& link) { link.credentials = old; })}), Error::Code::refused, "expired");
  CHECK_FALSE(f.laptop->state().site);
  CHECK_FALSE(std::filesystem::exists(laptop.state_file()));
}

TEST_CASE("an untrusted certificate is refused by the peer and nothing is kept", "[agent][site]") {
  Fixture f;
  const Credentials stranger = test::make_credentials();
  SECTION("ours, by them") {
    check_error(f.join({.token = f.changed([&](LinkToken& link) {
                          link.credentials = {link.credentials.ca, stranger.certificate, stranger.key};
                        })}),
                Error::Code::refused, "was refused");
  }
  SECTION("theirs, by us") {
    check_error(f.join({.token = f.changed([&](LinkToken& link) { link.credentials.ca = stranger.ca; })}), Error::Code::refused,
                "was refused");
  }
  SECTION("under a host that their certificate does not name") {
    check_error(f.join({.token = f.changed([&](LinkToken& link) { link.endpoints[1].host = "127.1"; })}), Error::Code::refused,
                "was refused");
  }
  CHECK_FALSE(f.laptop->state().site);
  CHECK(f.laptop->state().links.empty());
  CHECK(f.laptop->presence().links().empty());
  CHECK(read_state(f.laptop.saved())->links.empty());
  REQUIRE(f.join({.token = f.token}));
}

TEST_CASE("a refused link leaves the others and the site as they are", "[agent][site]") {
  Fixture f;
  REQUIRE(f.join({.token = f.token}));
  const Credentials stranger = test::make_credentials();
  check_error(f.join({.token = f.changed([&](LinkToken& link) { link.credentials.ca = stranger.ca; })}), Error::Code::refused, "was refused");
  REQUIRE(f.laptop->state().links.size() == 1);
  CHECK(f.state_of("t") == link::LinkState::up);
}

TEST_CASE("a peer that does not answer in time leaves a link that goes on trying", "[agent][site]") {
  Fixture f;
  std::uint16_t closed = 0;
  {
    Profile gone{f.loop};
    REQUIRE(gone->create(loopback_site("gone")));
    closed = gone->state().listeners[1].port;
  }
  const auto joined = f.join({.token = f.changed([&](LinkToken& link) { link.endpoints[1].port = closed; }),
                              .wait = std::chrono::milliseconds{50}});
  check_error(joined, Error::Code::timeout, "no link is up after 0.05 s; 't' to ");
  CHECK(joined.error().message.find("refused") != std::string::npos);
  CHECK(f.laptop->state().links.size() == 1);
  CHECK(f.laptop->presence().link("t"));
}

TEST_CASE("without waiting a join ends at once", "[agent][site]") {
  Fixture f;
  bool done = false;
  f.laptop->join({.token = f.token, .wait = std::chrono::seconds{0}}, [&](const Result<Joined>& joined) {
    done = true;
    CHECK(joined);
  });
  CHECK(done);
  check_error(f.join({.token = f.token, .wait = std::chrono::hours{2}}), Error::Code::bad_request, "wait");
}

TEST_CASE("leaving a link that is being made ends the join", "[agent][site]") {
  Fixture f;
  std::optional<Result<Joined>> outcome;
  f.laptop->join({.token = f.token}, [&](const Result<Joined>& joined) { outcome = joined; });
  CHECK_FALSE(outcome);
  REQUIRE(f.laptop->leave("t"));
  f.loop.run_until([&] { return outcome.has_value(); });
  check_error(*outcome, Error::Code::not_found, "removed while");
}

TEST_CASE("leaving takes one link, or all and the membership", "[agent][site]") {
  Fixture f;
  check_error(f.laptop->leave_all(), Error::Code::not_found, "not joined");
  REQUIRE(f.join({.token = f.token}));
  check_error(f.laptop->leave("x"), Error::Code::not_found, "no link 'x'");
  REQUIRE(f.laptop->leave("t"));
  CHECK(f.laptop->state().site);
  CHECK(f.laptop->presence().links().empty());
  REQUIRE(f.join({.token = f.token}));
  REQUIRE(f.laptop->leave_all());
  CHECK_FALSE(f.laptop->state().site);
  CHECK_FALSE(std::filesystem::exists(f.laptop.state_file()));
}

TEST_CASE("a site made by create keeps its identity when it leaves all links", "[agent][site]") {
  Fixture f;
  REQUIRE(f.laptop->create(loopback_site("laptop")));
  REQUIRE(f.join({.token = f.token}));
  REQUIRE(f.laptop->leave_all());
  CHECK(f.laptop->state().links.empty());
  CHECK(f.laptop->state().site->own);
}

}  // namespace
}  // namespace van::agent
