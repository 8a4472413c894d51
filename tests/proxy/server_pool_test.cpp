#include "proxy/server_pool.h"

#include "tests/proxy/tunnel.h"

namespace van::proxy {
namespace {

/// Connections of one pool, with the servers' ends.
struct Pooled {
  io::Loop loop;
  std::vector<std::unique_ptr<io::test::StreamPair>> pairs;
  ServerPool pool{loop, 2};

  std::unique_ptr<SocketChannel> connection() {
    pairs.push_back(std::make_unique<io::test::StreamPair>(loop, io::test::Kind::local));
    auto channel = std::make_unique<SocketChannel>(std::move(pairs.back()->a));
    channel->start();
    return channel;
  }
  [[nodiscard]] const io::test::Recorder& server(std::size_t number) const { return pairs[number]->at_b; }
};

TEST_CASE("the longest unused connection makes room, and ends in order", "[proxy][http][limits]") {
  Pooled pooled;
  for (int i = 0; i < 3; ++i) pooled.pool.give(pooled.connection());
  CHECK(pooled.pool.size() == 2);
  CHECK(test::run_until(pooled.loop, [&] { return pooled.server(0).ends == 1; }));
  CHECK(pooled.server(1).calls() + pooled.server(2).calls() == 0);
}

TEST_CASE("the connection that was used last is taken first, if it is not too long ago", "[proxy][http]") {
  Pooled pooled;
  CHECK(pooled.pool.take(Duration::max()) == nullptr);
  for (int i = 0; i < 2; ++i) pooled.pool.give(pooled.connection());
  pooled.pool.take(Duration::max())->write(SliceQueue{}, true);
  CHECK(test::run_until(pooled.loop, [&] { return pooled.server(1).ends == 1; }));
  CHECK(pooled.server(0).calls() == 0);
  CHECK(pooled.pool.size() == 1);
  CHECK(pooled.pool.take(Duration{-1}) == nullptr);
}

TEST_CASE("a connection leaves when its server ends it or says what nobody asked for", "[proxy][http]") {
  Pooled pooled;
  for (int i = 0; i < 2; ++i) pooled.pool.give(pooled.connection());
  SECTION("an end") { pooled.pairs[0]->b->shutdown(); }
  SECTION("octets") { pooled.pairs[0]->b->write(test::text("unasked")); }
  CHECK(test::run_until(pooled.loop, [&] { return pooled.pool.size() == 1; }));
  CHECK(test::run_until(pooled.loop, [&] { return pooled.server(0).ends + pooled.server(0).closes > 0; }));
  CHECK(pooled.server(1).calls() == 0);
}

}  // namespace
}  // namespace van::proxy
