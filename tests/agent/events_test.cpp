#include "agent/events.h"

#include <nlohmann/json.hpp>

#include "core/base/datagram_limits.h"
#include "tests/agent/profile_fixture.h"
#include "tests/support/catch.h"

namespace van::agent {
namespace {

using nlohmann::json;
using test::Profile;

struct Reader {
  explicit Reader(std::unique_ptr<HttpBodySource> from) : source{std::move(from)} {
    REQUIRE(source);
    source->set_wake([this] { ++woken; });
  }
  std::vector<json> read() {
    std::vector<json> events;
    for (std::string text = source->pull(1000); !text.empty(); text = source->pull(1000)) {
      CHECK(text.ends_with('\n'));
      for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = text.find('\n', begin);
        events.push_back(json::parse(text.substr(begin, end - begin)));
        begin = end + 1;
      }
    }
    return events;
  }
  int woken = 0;
  std::unique_ptr<HttpBodySource> source;
};

Events::Published publish(io::Loop& loop, Events& events, const std::string& address, std::vector<std::string> messages) {
  std::optional<Events::Published> published;
  events.publish(address, std::move(messages), [&](const Events::Published& done) { published = done; });
  REQUIRE(loop.run_until([&] { return published.has_value(); }));
  return *published;
}

}  // namespace

TEST_CASE("events reach all who subscribe to the address, and nobody else", "[agent][events]") {
  io::Loop loop;
  Profile profile{loop};
  Events& events = profile->events();
  CHECK_FALSE(publish(loop, events, "news", {"nobody there"}).known);
  Reader one{events.subscribe("news")}, two{events.subscribe("news")}, other{events.subscribe("other")};
  const auto published = publish(loop, events, "news", {"a", "", "\xff"});
  CHECK(published.messages == 3);
  CHECK(published.dropped == 0);
  CHECK(published.known);
  REQUIRE(loop.run_until([&] { return two.woken == 3; }));
  const std::vector<json> expected{{{"text", "a"}}, {{"text", ""}}, {{"base64", "/w=="}}};
  CHECK(one.read() == expected);
  CHECK(two.read() == expected);
  CHECK(other.read().empty());

  two.source.reset();
  publish(loop, events, "news", {"b"});
  REQUIRE(loop.run_until([&] { return one.woken == 4; }));
  one.source.reset();
  CHECK_FALSE(publish(loop, events, "news", {"nobody there again"}).known);
}

TEST_CASE("who reads too slowly loses the oldest events and is told how many", "[agent][events]") {
  io::Loop loop;
  Profile profile{loop};
  Events& events = profile->events();
  Reader slow{events.subscribe("news")};
  const auto run = [&](std::size_t count, const std::string& message) {
    const int before = slow.woken;
    publish(loop, events, "news", std::vector<std::string>(count, message));
    REQUIRE(loop.run_until([&] { return slow.woken == before + static_cast<int>(count); }));
  };
  SECTION("by their number") {
    run(limits::kEventsQueued + 5, "x");
    const auto heard = slow.read();
    REQUIRE(heard.size() == limits::kEventsQueued + 1);
    CHECK(heard.front() == json{{"lost", 5}});
  }
  SECTION("by their size") {
    const std::size_t count = limits::kEventBytesQueued / limits::kEventBytes + 4;
    run(count, std::string(limits::kEventBytes, 'x'));
    const auto heard = slow.read();
    REQUIRE(heard.front().contains("lost"));
    CHECK(heard.front()["lost"].get<std::size_t>() + heard.size() - 1 == count);
    CHECK(heard.size() > 10);
  }
  run(1, "after");
  CHECK(slow.read() == std::vector<json>{{{"text", "after"}}});
}

TEST_CASE("subscribers are limited, and outlive a site that is made anew", "[agent][events]") {
  io::Loop loop;
  Profile profile{loop};
  Events& events = profile->events();
  std::vector<std::unique_ptr<HttpBodySource>> sources;
  for (std::size_t i = 0; i < limits::kSubscribers; ++i) sources.push_back(events.subscribe("news"));
  CHECK(events.subscribe("news") == nullptr);
  sources.pop_back();
  Reader reader{events.subscribe("news")};
  REQUIRE(profile->create(test::loopback_site("mill")));  // another presence
  publish(loop, events, "news", {"still here"});
  REQUIRE(loop.run_until([&] { return reader.woken > 0; }));
  CHECK(reader.read() == std::vector<json>{{{"text", "still here"}}});
}

}  // namespace van::agent
