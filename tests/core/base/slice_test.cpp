#include "core/base/slice.h"

#include <algorithm>

#include "core/base/random.h"
#include "tests/support/catch.h"

namespace van {
namespace {

Slice written(BlockWriter& writer, std::string_view text) {
  const auto space = writer.space(text.size());
  std::copy(text.begin(), text.end(), space.begin());
  return writer.commit(text.size());
}

std::string text_of(const Slice& slice) { return std::string{as_text(slice.view())}; }

std::string text_of(const SliceQueue& queue) {
  std::string all;
  for (const Slice& slice : queue.slices()) all += as_text(slice.view());
  return all;
}

TEST_CASE("a slice shares its bytes with its parts and copies", "[base][slice]") {
  Slice part;
  {
    const Slice whole = Slice::copy_of(as_bytes("hello world"));
    part = whole.part(6, 5);
    CHECK(part.data() == whole.data() + 6);
    CHECK(text_of(whole.from(6)) == "world");
  }
  CHECK(text_of(part) == "world");
  const Slice copy = part;
  part.remove_prefix(2);
  CHECK(text_of(part) == "rld");
  CHECK(text_of(copy) == "world");
}

TEST_CASE("a slice of nothing is empty", "[base][slice]") {
  CHECK(Slice{}.empty());
  CHECK(Slice::copy_of({}).empty());
  CHECK(Slice::copy_of(as_bytes("a")).part(1, 0).empty());
  CHECK(Slice{}.from(0).view().empty());
}

TEST_CASE("a slice survives assignment to itself and a move", "[base][slice]") {
  Slice slice = Slice::copy_of(as_bytes("abc"));
  const Slice& same = slice;
  slice = same;
  CHECK(text_of(slice) == "abc");
  const Slice moved = std::move(slice);
  CHECK(text_of(moved) == "abc");
}

TEST_CASE("a block writer fills a block with many small slices", "[base][slice]") {
  BlockWriter writer{64};
  const Slice first = written(writer, "abc");
  const Slice second = written(writer, "defg");
  CHECK(second.data() == first.data() + 3);
  CHECK(text_of(first) == "abc");
  CHECK(text_of(second) == "defg");
}

TEST_CASE("a block writer takes a new block when the rest is too small, and a larger one when asked", "[base][slice]") {
  BlockWriter writer{16};
  const Slice first = written(writer, "0123456789");
  CHECK(writer.space(6).size() == 6);
  CHECK(writer.space(7).size() == 16);
  const Slice second = written(writer, std::string(100, 'x'));
  CHECK(second.size() == 100);
  CHECK(text_of(first) == "0123456789");
}

TEST_CASE("a block is used again once its slices are gone, never before", "[base][slice]") {
  BlockWriter writer{16};
  const std::uint8_t* start = nullptr;
  {
    const Slice slice = written(writer, "abcd");
    start = slice.data();
    CHECK(writer.space(1).data() == start + 4);
  }
  CHECK(writer.space(16).data() == start);
}

TEST_CASE("a full block whose slices are gone is used again", "[base][slice]") {
  BlockWriter writer{8};
  const std::uint8_t* start = nullptr;
  {
    const Slice slice = written(writer, "12345678");
    start = slice.data();
  }
  CHECK(writer.space(8).data() == start);
}

TEST_CASE("slices outlive the writer and its release", "[base][slice]") {
  Slice slice;
  {
    BlockWriter writer{16};
    slice = written(writer, "kept");
    writer.release();
    CHECK(writer.commit(0).empty());
    const Slice other = written(writer, "other");
    CHECK(text_of(other) == "other");
  }
  CHECK(text_of(slice) == "kept");
}

TEST_CASE("a queue gives the bytes in the order they were pushed, however they are taken", "[base][slice]") {
  Rng rng{11};
  for (int round = 0; round < 200; ++round) {
    std::string expected;
    SliceQueue queue;
    for (std::uint64_t pieces = rng.below(8); pieces > 0; --pieces) {
      const std::string piece = rng.discriminator(rng.below(10));
      expected += piece;
      queue.push_copy(as_bytes(piece));
    }
    REQUIRE(queue.bytes() == expected.size());
    std::string taken;
    while (!queue.empty()) {
      const std::size_t limit = 1 + rng.below(6);
      REQUIRE(as_text(queue.peek(limit)) == std::string_view{expected}.substr(taken.size(), limit));
      if (rng.below(2) == 0) {
        const Slice slice = queue.pop(limit);
        REQUIRE(slice.size() <= limit);
        taken += as_text(slice.view());
      } else {
        const std::size_t count = std::min(limit, queue.bytes());
        taken += as_text(queue.peek(count));
        queue.consume(count);
      }
      REQUIRE(queue.bytes() == expected.size() - taken.size());
    }
    CHECK(taken == expected);
    CHECK(queue.slices().empty());
  }
}

TEST_CASE("an empty queue gives nothing", "[base][slice]") {
  SliceQueue queue;
  queue.push({});
  CHECK(queue.empty());
  CHECK(queue.slices().empty());
  CHECK(queue.pop(10).empty());
  CHECK(queue.peek(10).empty());
  queue.consume(0);
}

TEST_CASE("a queue appended to another moves all its slices", "[base][slice]") {
  SliceQueue first;
  SliceQueue second;
  first.push_copy(as_bytes("ab"));
  second.push_copy(as_bytes("cd"));
  second.push_copy(as_bytes("ef"));
  first.append(std::move(second));
  CHECK(text_of(first) == "abcdef");
  CHECK(first.bytes() == 6);
  first.clear();
  CHECK(first.empty());
  CHECK(first.slices().empty());
}

}  // namespace
}  // namespace van
