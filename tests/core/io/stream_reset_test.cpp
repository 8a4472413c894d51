#include "tests/core/io/stream_pair.h"

namespace van::io {
using test::Kind;
using test::StreamPair;
using test::text;

TEST_CASE("octets that a reset follows at once are heard, and then the reset instead of an end", "[io][stream]") {
  Loop loop;
  StreamPair pair{loop, Kind::tcp};
  SECTION("while both directions run") {}
  SECTION("after the reader has ended its own direction") {
    pair.b->shutdown();
    REQUIRE(loop.run_until([&pair] { return pair.at_a.ends == 1; }));
  }
  pair.a->write(text("half a sent"));
  pair.a->reset();
  REQUIRE(loop.run_until([&pair] { return pair.at_b.ends + pair.at_b.closes > 0; }));
  CHECK(pair.at_b.received == "half a sent");
  CHECK(pair.at_b.ends == 0);
  REQUIRE(pair.at_b.closes == 1);
  CHECK(pair.at_b.error->code == Error::Code::reset);
  CHECK_FALSE(pair.b->ended());
}

TEST_CASE("octets and the end of a stream that has ended in the other direction are no failure", "[io][stream]") {
  const Kind kind = GENERATE(Kind::tcp, Kind::local);
  Loop loop;
  StreamPair pair{loop, kind};
  pair.b->shutdown();
  REQUIRE(loop.run_until([&pair] { return pair.at_a.ends == 1; }));
  pair.a->write(text("a whole sentence"));
  SECTION("by a shutdown") { pair.a->shutdown(); }
  SECTION("by a close") { pair.a.reset(); }
  REQUIRE(loop.run_until([&pair] { return pair.at_b.ends + pair.at_b.closes > 0; }));
  CHECK(pair.at_b.received == "a whole sentence");
  CHECK(pair.at_b.ends == 1);
  CHECK(pair.at_b.closes == 0);
}

}  // namespace van::io
