// operator new and delete of the program: small blocks that are given back stay with their thread, for the next one of their size. A request of
// HTTP/1 takes some fifty for a moment each, and with others between them glibc, which has seven of a size at hand, spends a fifth of the
// program's instructions on that (docs/decisions/0007-small-blocks.md).
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t kStep = 16;
constexpr std::size_t kLargest = 2048;
constexpr std::size_t kKeptBytes = 32 * 1024;  ///< of one size, by one thread

struct Block {
  Block* next;
};

/// The blocks of one size that nobody has.
struct Kept {
  Block* first = nullptr;
  std::size_t bytes = 0;
};
constinit thread_local std::array<Kept, kLargest / kStep> kept_blocks;
constinit thread_local bool clears_up = false;

/// A thread that ends keeps nothing.
struct AtExit {
  bool asked = false;
  ~AtExit() {
    for (Kept& kept : kept_blocks) {
      while (Block* block = kept.first) {
        kept.first = block->next;
        std::free(block);
      }
      kept.bytes = kKeptBytes;  // what comes later is not kept
    }
  }
};
thread_local AtExit at_exit;

[[gnu::noinline]] void clear_up_at_exit() {
  clears_up = true;
  at_exit.asked = true;  // its first use sees to its end
}

std::size_t number_of(std::size_t size) { return (size - 1) / kStep; }
std::size_t bytes_of(std::size_t number) { return (number + 1) * kStep; }

void* allocate(std::size_t size) {
  for (;;) {
    if (void* memory = std::malloc(size)) return memory;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc{};
    handler();
  }
}

}  // namespace

void* operator new(std::size_t size) {
  size = std::max<std::size_t>(size, 1);
  if (size > kLargest) return allocate(size);
  const std::size_t number = number_of(size);
  Kept& kept = kept_blocks[number];
  Block* block = kept.first;
  if (block == nullptr) return allocate(bytes_of(number));
  kept.first = block->next;
  kept.bytes -= bytes_of(number);
  return block;
}

void operator delete(void* memory) noexcept { std::free(memory); }

void operator delete(void* memory, std::size_t size) noexcept {
  size = std::max<std::size_t>(size, 1);
  if (memory == nullptr) return;
  if (size > kLargest) return std::free(memory);
  const std::size_t number = number_of(size);
  Kept& kept = kept_blocks[number];
  if (kept.bytes >= kKeptBytes) return std::free(memory);
  kept.first = ::new (memory) Block{kept.first};
  kept.bytes += bytes_of(number);
  if (!clears_up) clear_up_at_exit();
}
