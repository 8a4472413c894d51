#include "core/io/stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/io/timer.h"
#include "tests/core/io/stream_pair.h"

namespace van::io {
using namespace std::chrono_literals;
using test::Kind;
using test::Recorder;
using test::StreamPair;
using test::text;

namespace {

/// FNV-1a, over any split of the bytes.
struct Checksum {
  void add(ByteView bytes) {
    for (const std::uint8_t byte : bytes) value = (value ^ byte) * 1099511628211u;
    count += bytes.size();
  }
  std::uint64_t value = 14695981039346656037u;
  std::size_t count = 0;
};

/// Writes `total` pseudo-random bytes in pieces of many sizes, and stops while more than `mark` are queued.
struct Source : StreamHandler {
  Source(Stream& to, std::size_t bytes, std::size_t queue_mark) : stream{to}, total{bytes}, mark{queue_mark} {}
  void pump() {
    while (sent.count < total && stream.queued_bytes() <= mark) {
      SliceQueue pieces;
      for (int i = 0; i < 3 && sent.count < total; ++i) {
        Bytes piece(std::min<std::size_t>(1 + rng.below(20'000), total - sent.count));
        for (std::uint8_t& byte : piece) byte = static_cast<std::uint8_t>(rng.next());
        sent.add(piece);
        pieces.push_copy(piece);
      }
      stream.write(std::move(pieces));
      queued_max = std::max(queued_max, stream.queued_bytes());
    }
    if (sent.count == total && !stream.shut()) stream.shutdown();
  }
  void on_data(Slice data) override { echoed.add(data.view()); }
  void on_end() override { ended = true; }
  void on_drained() override { pump(); }
  void on_closed(const Error& why) override { FAIL(why.message); }

  Stream& stream;
  std::size_t total;
  std::size_t mark;
  Rng rng{42};
  Checksum sent;
  Checksum echoed;
  std::size_t queued_max = 0;
  bool ended = false;
};

/// Sends back what comes, sharing its blocks, and stops reading while more than `mark` are queued.
struct Echo : StreamHandler {
  Echo(Stream& on, std::size_t queue_mark) : stream{on}, mark{queue_mark} {}
  void on_data(Slice data) override {
    stream.write(std::move(data));
    queued_max = std::max(queued_max, stream.queued_bytes());
    if (stream.queued_bytes() > mark) {
      stream.read_stop();
      ++stops;
    }
  }
  void on_end() override { stream.shutdown(); }
  void on_drained() override { stream.read_start(); }
  void on_closed(const Error& why) override { FAIL(why.message); }

  Stream& stream;
  std::size_t mark;
  std::size_t queued_max = 0;
  int stops = 0;
};

}  // namespace

TEST_CASE("50 MB come back unchanged, and no queue outgrows its owner's mark", "[io][stream]") {
  constexpr std::size_t kTotal = 50u << 20;
  constexpr std::size_t kMark = 256 * 1024;
  const Kind kind = GENERATE(Kind::tcp, Kind::local);
  Loop loop;
  StreamPair pair{loop, kind};
  Source source{*pair.a, kTotal, kMark};
  Echo echo{*pair.b, kMark};
  pair.a->set_handler(source);
  pair.b->set_handler(echo);
  pair.a->set_low_water(kMark / 2);
  pair.b->set_low_water(kMark / 2);
  source.pump();

  // A slow reader: the source reads its echo only now and then, so that all queues on the way fill up.
  int pauses = 0;
  Timer pace{loop, [&pair, &source, &pauses, &pace] {
               if (source.ended) return;
               if (pair.a->reading()) {
                 pair.a->read_stop();
                 ++pauses;
               } else {
                 pair.a->read_start();
               }
               if (pauses < 20) {
                 pace.arm(2ms);
               } else {
                 pair.a->read_start();
               }
             }};
  pace.arm(0ms);
  REQUIRE(loop.run_until([&source] { return source.ended; }));

  CHECK(source.sent.count == kTotal);
  CHECK(source.echoed.count == kTotal);
  CHECK(source.echoed.value == source.sent.value);
  CHECK(source.queued_max <= kMark + 3 * 20'000);
  CHECK(echo.queued_max <= kMark + Loop::Options{}.bulk_block_bytes);
  CHECK(echo.stops > 0);
}

TEST_CASE("a writer whose reader stopped is told when the queue falls to the low-water mark, and when it is empty",
          "[io][stream]") {
  const Kind kind = GENERATE(Kind::tcp, Kind::local);
  Loop loop;
  StreamPair pair{loop, kind};
  pair.b->read_stop();
  pair.a->set_low_water(100'000);
  const Slice block = Slice::copy_of(Bytes(64 * 1024, 'x'));
  std::size_t written = 0;
  while (pair.a->queued_bytes() < 1'000'000) {  // until the kernel takes no more
    pair.a->write(block);
    written += block.size();
    REQUIRE(written < 100'000'000);
  }
  std::vector<std::size_t> levels;
  pair.at_a.after_drained = [&pair, &levels] { levels.push_back(pair.a->queued_bytes()); };
  pair.b->read_start();
  REQUIRE(loop.run_until([&pair, written] { return pair.at_b.bytes == written; }));
  REQUIRE(!levels.empty());
  CHECK(levels.size() <= 2);
  CHECK(levels.front() <= 100'000);
  CHECK(levels.back() == 0);
  CHECK(pair.a->queued_bytes() == 0);
}

TEST_CASE("each direction ends by itself", "[io][stream]") {
  const Kind kind = GENERATE(Kind::tcp, Kind::local);
  Loop loop;
  StreamPair pair{loop, kind};
  pair.a->write(text("question"));
  pair.a->shutdown();
  pair.a->shutdown();
  REQUIRE(loop.run_until([&pair] { return pair.at_b.ends == 1; }));
  CHECK(pair.at_b.received == "question");
  CHECK(pair.b->ended());

  pair.b->write(text("long "));  // the other half still works
  pair.b->write(text("answer"));
  REQUIRE(loop.run_until([&pair] { return pair.at_a.received == "long answer"; }));
  CHECK(pair.at_a.ends == 0);
  pair.b->shutdown();
  REQUIRE(loop.run_until([&pair] { return pair.at_a.ends == 1; }));
  CHECK(pair.at_a.closes + pair.at_b.closes == 0);
  pair.b->read_start();  // nothing happens after the end
  CHECK_FALSE(pair.b->reading());
}

TEST_CASE("what a socket has at once is had without waiting, and the rest by reading", "[io][stream]") {
  const Kind kind = GENERATE(Kind::tcp, Kind::local);
  Loop loop;
  StreamPair pair{loop, kind};
  pair.b->read_stop();
  CHECK(pair.b->read_at_once(5).empty());
  pair.a->write(text("question"));
  pair.a->shutdown();
  std::string first;
  Timer look_again{loop, [] {}};  // nothing else wakes a loop on which nobody reads
  REQUIRE(loop.run_until([&] {
    look_again.arm(1ms);
    first += as_text(pair.b->read_at_once(5 - first.size()).view());
    return first.size() == 5;
  }));
  CHECK(first == "quest");
  CHECK(pair.at_b.bytes == 0);
  pair.b->read_start();
  REQUIRE(loop.run_until([&] { return pair.at_b.ends == 1; }));
  CHECK(pair.at_b.received == "ion");
  CHECK(pair.b->read_at_once(5).empty());
}

TEST_CASE("shutdown comes after all that is queued", "[io][stream]") {
  const Kind kind = GENERATE(Kind::tcp, Kind::local);
  Loop loop;
  StreamPair pair{loop, kind};
  const std::size_t total = 20'000'000;
  pair.a->write(Slice::copy_of(Bytes(total, 'x')));
  CHECK(pair.a->queued_bytes() > 0);
  pair.a->shutdown();
  REQUIRE(loop.run_until([&pair] { return pair.at_b.ends == 1; }));
  CHECK(pair.at_b.bytes == total);
}

TEST_CASE("what the kernel has is delivered although the stream is destroyed", "[io][stream]") {
  Loop loop;
  StreamPair pair{loop, Kind::tcp};
  pair.a->write(text("last words"));
  REQUIRE(pair.a->queued_bytes() == 0);
  pair.a.reset();
  REQUIRE(loop.run_until([&pair] { return pair.at_b.ends == 1; }));
  CHECK(pair.at_b.received == "last words");
}

TEST_CASE("a reset is an error with code reset at the other end, not an end", "[io][stream]") {
  Loop loop;
  StreamPair pair{loop, Kind::tcp};
  SECTION("of an idle connection") { pair.a->reset(); }
  SECTION("after our direction has ended") {
    pair.a->shutdown();
    REQUIRE(loop.run_until([&pair] { return pair.at_b.ends == 1; }));
    pair.b->write(text("x"));  // a stream that has ended hears of it when it writes
    REQUIRE(loop.run_until([&pair] { return pair.at_a.received == "x"; }));
    pair.a->reset();
  }
  SECTION("with a queue") {
    pair.b->read_stop();
    pair.a->write(Slice::copy_of(Bytes(30'000'000, 'x')));
    pair.a->reset();
    CHECK(pair.a->queued_bytes() == 0);
    pair.b->read_start();
  }
  // Writing finds out too, whoever notices first.
  Timer writer{loop, [&pair, &writer] {
                 pair.b->write(text("more"));
                 writer.arm(1ms);
               }};
  writer.arm(1ms);
  REQUIRE(loop.run_until([&pair] { return pair.at_b.closes == 1; }));
  CHECK(pair.at_b.error->code == Error::Code::reset);
  CHECK(pair.at_a.closes == 0);
}

TEST_CASE("reset of a local stream is a plain end", "[io][stream]") {
  Loop loop;
  StreamPair pair{loop, Kind::local};
  pair.a->reset();
  pair.a->reset();
  pair.a->write(text("dropped"));
  pair.a->read_start();
  CHECK_FALSE(pair.a->reading());
  REQUIRE(loop.run_until([&pair] { return pair.at_b.ends == 1; }));
}

TEST_CASE("a failed write is reported once, later, and drops what follows", "[io][stream]") {
  Loop loop;
  StreamPair pair{loop, Kind::local};
  pair.b.reset();
  SECTION("while reading, at the end of what can be read") {}
  SECTION("at once when nobody reads") { pair.a->read_stop(); }
  SECTION("when reading stops") {
    pair.a->write(text("x"));
    CHECK(pair.a->reading());
    pair.a->read_stop();
  }
  pair.a->write(text("x"));
  pair.a->write(text("y"));
  CHECK(pair.at_a.closes == 0);  // not from inside write()
  CHECK(pair.a->queued_bytes() == 0);
  REQUIRE(loop.run_until([&pair] { return pair.at_a.closes == 1; }));
  CHECK(pair.at_a.error->code == Error::Code::reset);
  CHECK(pair.at_a.ends == 0);
  pair.a->write(text("z"));
  pair.a->shutdown();
  bool later = false;
  loop.post([&later] { later = true; });
  REQUIRE(loop.run_until([&later] { return later; }));
  CHECK(pair.at_a.closes == 1);
}

TEST_CASE("an answer that was sent before the peer refused the rest is still read", "[io][stream]") {
  Loop loop;
  StreamPair pair{loop, Kind::local};
  pair.b->write(text("413 too large"));
  pair.b.reset();
  pair.a->write(text("the rest of the question"));
  REQUIRE(loop.run_until([&pair] { return pair.at_a.closes == 1; }));
  CHECK(pair.at_a.received == "413 too large");
  CHECK(pair.at_a.error->code == Error::Code::reset);
}

TEST_CASE("read_stop inside on_data holds back the rest until read_start", "[io][stream]") {
  Loop loop{{.read_block_bytes = 4096}};
  StreamPair pair{loop, Kind::local};
  pair.at_b.after_data = [&pair] { pair.b->read_stop(); };
  pair.a->write(Slice::copy_of(Bytes(40'000, 'x')));
  REQUIRE(loop.run_until([&pair] { return pair.at_b.bytes > 0; }));
  const std::size_t first = pair.at_b.bytes;
  CHECK(first <= 4096);
  bool later = false;
  loop.post([&later] { later = true; });
  REQUIRE(loop.run_until([&later] { return later; }));
  CHECK(pair.at_b.bytes == first);
  pair.at_b.after_data = nullptr;
  pair.b->read_start();
  REQUIRE(loop.run_until([&pair] { return pair.at_b.bytes == 40'000; }));
}

TEST_CASE("a read brings no more than its limit, and bulk is read in large pieces without one", "[io][stream]") {
  Loop loop;
  StreamPair pair{loop, Kind::local};
  std::size_t largest = 0, before = 0;
  pair.at_b.after_data = [&] { largest = std::max(largest, pair.at_b.bytes - std::exchange(before, pair.at_b.bytes)); };
  pair.b->set_read_limit(1000);
  pair.a->write(Slice::copy_of(Bytes(100'000, 'x')));
  REQUIRE(loop.run_until([&pair] { return pair.at_b.bytes == 100'000; }));
  CHECK(largest == 1000);
  pair.b->set_read_limit(SIZE_MAX);
  pair.b->read_stop();
  pair.a->write(Slice::copy_of(Bytes(4'000'000, 'y')));
  bool later = false;
  loop.post([&later] { later = true; });
  REQUIRE(loop.run_until([&later] { return later; }));
  pair.b->read_start();
  REQUIRE(loop.run_until([&pair] { return pair.at_b.bytes == 4'100'000; }));
  CHECK(largest > Loop::Options{}.read_block_bytes);
  CHECK(largest <= Loop::Options{}.bulk_block_bytes);
}

TEST_CASE("who reads alone may read more in a turn than one of several", "[io][stream]") {
  Loop loop;
  const auto turns = [&loop](std::size_t count) {
    const std::size_t end = loop.turns() + count;
    REQUIRE(loop.run_until([&] {
      loop.post([] {});
      return loop.turns() >= end;
    }));
  };
  const std::size_t block = Loop::Options{}.bulk_block_bytes;
  const int link = 0, client = 0, other = 0;
  CHECK(loop.read_share(&link, false) == block);
  turns(100);
  CHECK(loop.read_share(&link, false) > block);
  CHECK(loop.read_share(&client, true) == block);
  CHECK(loop.read_share(&link, false) == block);  // what it reads may keep the client waiting
  turns(100);
  CHECK(loop.read_share(&client, true) > block);  // what comes by the link may be its own answers
  CHECK(loop.read_share(&link, false) == block);
  CHECK(loop.read_share(&other, true) == block);
  CHECK(loop.read_share(&client, true) == block);
}

TEST_CASE("a stream may be destroyed in each of its callbacks, and is silent then", "[io][stream]") {
  const Kind kind = GENERATE(Kind::tcp, Kind::local);
  const std::string where = GENERATE("data", "end", "drained", "closed");
  CAPTURE(where);
  Loop loop;
  StreamPair pair{loop, kind};
  Recorder& at_a = pair.at_a;
  int calls = -1;
  const auto destroy = [&pair, &at_a, &calls] {
    pair.a.reset();
    calls = at_a.calls();
  };
  if (where == "data") {
    at_a.after_data = destroy;
    pair.b->write(text("hello"));
    pair.b->shutdown();
  } else if (where == "end") {
    at_a.after_end = destroy;
    pair.b->shutdown();
  } else if (where == "drained") {
    at_a.after_drained = destroy;
    pair.a->write(Slice::copy_of(Bytes(20'000'000, 'x')));
    pair.a->shutdown();
    REQUIRE(pair.a->queued_bytes() > 0);
  } else {
    at_a.after_closed = destroy;
    pair.a->read_stop();
    pair.b.reset();
    Timer writer{loop, [&pair, &writer] {  // the first write to a TCP peer that is gone still succeeds
                   if (pair.a) pair.a->write(text("x"));
                   writer.arm(1ms);
                 }};
    writer.arm(0ms);
    REQUIRE(loop.run_until([&pair] { return pair.a == nullptr; }));
  }
  REQUIRE(loop.run_until([&pair] { return pair.a == nullptr; }));
  if (pair.b && !pair.b->shut()) pair.b->write(text("anybody there?"));
  bool later = false;
  Timer timer{loop, [&later] { later = true; }};
  timer.arm(5ms);
  REQUIRE(loop.run_until([&later] { return later; }));
  CHECK(at_a.calls() == calls);
}

TEST_CASE("a stream destroyed with a queue, a failure to report or a pending end calls nobody", "[io][stream]") {
  Loop loop;
  StreamPair pair{loop, Kind::local};
  SECTION("queue") { pair.a->write(Slice::copy_of(Bytes(5'000'000, 'x'))); }
  SECTION("shutdown behind a queue") {
    pair.a->write(Slice::copy_of(Bytes(5'000'000, 'x')));
    pair.a->shutdown();
  }
  SECTION("failure") {
    pair.a->read_stop();
    pair.b.reset();
    pair.a->write(text("x"));
  }
  SECTION("shutdown") { pair.a->shutdown(); }
  pair.a.reset();
  bool later = false;
  loop.post([&later] { later = true; });
  REQUIRE(loop.run_until([&later] { return later; }));
  CHECK(pair.at_a.calls() == 0);
}

TEST_CASE("small reads of many streams share one block", "[io][stream]") {
  struct Keeper : StreamHandler {
    void on_data(Slice data) override { kept.push_back(std::move(data)); }
    void on_end() override {}
    void on_closed(const Error&) override {}
    std::vector<Slice> kept;
  };
  Loop loop;
  StreamPair one{loop, Kind::local};
  StreamPair two{loop, Kind::local};
  Keeper keeper;
  one.b->set_handler(keeper);
  two.b->set_handler(keeper);
  one.a->write(text("first"));
  REQUIRE(loop.run_until([&keeper] { return keeper.kept.size() == 1; }));
  two.a->write(text("second"));
  REQUIRE(loop.run_until([&keeper] { return keeper.kept.size() == 2; }));
  CHECK(keeper.kept[1].data() == keeper.kept[0].data() + 5);
  CHECK(as_text(keeper.kept[0].view()) == "first");
  CHECK(as_text(keeper.kept[1].view()) == "second");
}

TEST_CASE("a stream knows its addresses and options", "[io][stream]") {
  Loop loop;
  StreamPair tcp{loop, Kind::tcp};
  CHECK(tcp.a->is_tcp());
  CHECK(tcp.a->local_address().substr(0, 10) == "127.0.0.1:");
  CHECK(tcp.a->peer_address() == tcp.b->local_address());
  CHECK(tcp.b->peer_address() == tcp.a->local_address());
  tcp.a->set_keepalive(30s);
  tcp.a->set_nodelay(false);
  StreamPair local{loop, Kind::local};
  CHECK_FALSE(local.a->is_tcp());
  CHECK(local.a->peer_address() == "unix:");
}

TEST_CASE("only stream sockets are adopted", "[io][stream]") {
  Loop loop;
  int fds[2] = {-1, -1};
  REQUIRE(::pipe(fds) == 0);
  const auto result = Stream::adopt(loop, fds[0]);
  CHECK_FALSE(result);
  ::close(fds[1]);
}

TEST_CASE("a socket goes from one loop to another, with what was not read yet", "[io][stream]") {
  Loop first;
  Loop second;
  const auto kind = GENERATE(test::Kind::tcp, test::Kind::local);
  test::StreamPair pair{first, kind};
  pair.b->read_stop();
  pair.a->write(test::text("before"));
  auto socket = pair.b->detach();
  REQUIRE(socket);
  pair.b.reset();
  bool turned = false;
  first.post([&turned] { turned = true; });
  first.run_until([&turned] { return turned; });
  pair.a->write(test::text(" and after"));

  auto moved = Stream::adopt(second, socket->release());
  REQUIRE(moved);
  test::Recorder heard;
  (*moved)->set_handler(heard);
  (*moved)->read_start();
  REQUIRE(second.run_until([&heard] { return heard.bytes == 16; }));
  CHECK(heard.received == "before and after");
  (*moved)->write(test::text("answer"));
  REQUIRE(first.run_until([&pair] { return pair.at_a.bytes == 6; }));
  CHECK(pair.at_a.closes + pair.at_a.ends + pair.at_b.calls() == 0);
}

}  // namespace van::io
