#if defined(VAN_SMALL_BLOCKS)
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

namespace {

/// Blocks of every size, each filled with an octet of its own.
class Blocks {
 public:
  ~Blocks() {
    for (const auto& [memory, size] : blocks_) ::operator delete(memory, size);
  }
  void add(std::size_t size) {
    void* memory = ::operator new(size);
    std::memset(memory, octet(blocks_.size()), size);
    blocks_.emplace_back(memory, size);
  }
  [[nodiscard]] bool whole() const {
    for (std::size_t index = 0; index < blocks_.size(); ++index) {
      const auto* octets = static_cast<const unsigned char*>(blocks_[index].first);
      if (reinterpret_cast<std::uintptr_t>(octets) % __STDCPP_DEFAULT_NEW_ALIGNMENT__ != 0) return false;
      if (!std::all_of(octets, octets + blocks_[index].second, [&](unsigned char each) { return each == octet(index); })) return false;
    }
    return true;
  }

 private:
  static unsigned char octet(std::size_t index) { return static_cast<unsigned char>(index * 7 + 1); }
  std::vector<std::pair<void*, std::size_t>> blocks_;
};

#if defined(__GLIBC__)
std::size_t in_use() { return mallinfo2().uordblks; }

void give_back(std::size_t count, std::size_t size) {
  std::vector<void*> blocks;
  for (std::size_t index = 0; index < count; ++index) blocks.push_back(::operator new(size));
  for (void* block : blocks) ::operator delete(block, size);
}
#endif

}  // namespace

TEST_CASE("blocks of every size are there for one at a time, whoever gives them back", "[memory]") {
  for (int round = 0; round < 3; ++round) {
    Blocks here;
    for (std::size_t size = 0; size < 3'000; ++size) here.add(size);
    Blocks elsewhere;
    std::thread{[&] {
      for (std::size_t size = 0; size < 3'000; ++size) elsewhere.add(size);
    }}.join();
    CHECK(here.whole());
    CHECK(elsewhere.whole());
  }
}

TEST_CASE("a small block that was given back is the next one of its size", "[memory]") {
  void* const block = ::operator new(100);
  ::operator delete(block, 100);
  void* const next = ::operator new(112);
  CHECK(next == block);
  ::operator delete(next, 112);
  ::operator delete(nullptr, 16);
}

#if defined(__GLIBC__)
TEST_CASE("of each size a thread keeps so many, and none when it has ended", "[memory]") {
  const std::size_t before = in_use();
  give_back(100'000, 64);
  CHECK(in_use() < before + 64 * 1024);
  for (int count = 0; count < 50; ++count) std::thread{[] { give_back(400, 64); }}.join();
  CHECK(in_use() < before + 128 * 1024);
}
#endif
#endif
