#include "core/base/slice.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <new>

#include "core/base/assert.h"

namespace van {
namespace {

/// Free blocks of this thread, for the next of the same size: memory of that size would otherwise go back to the system and come
/// from it, page by page, with each block.
class FreeBlocks {
 public:
  FreeBlocks() = default;
  FreeBlocks(const FreeBlocks&) = delete;
  FreeBlocks& operator=(const FreeBlocks&) = delete;
  ~FreeBlocks() {
    for (std::size_t i = 0; i < count_; ++i) ::operator delete(blocks_[i], sizeof(Block) + capacities_[i]);
    count_ = 0;
    closed_ = true;
  }

  /// Uninitialised memory for a block of this capacity; nullptr when there is none.
  void* take(std::size_t capacity) {
    for (std::size_t i = count_; i-- > 0;) {
      if (capacities_[i] != capacity) continue;
      void* memory = blocks_[i];
      --count_;
      blocks_[i] = blocks_[count_];
      capacities_[i] = capacities_[count_];
      return memory;
    }
    return nullptr;
  }
  /// False: it is not kept.
  bool keep(void* memory, std::size_t capacity) {
    if (closed_ || capacity < kSmallest || capacity > kLargest || count_ == kKept) return false;
    blocks_[count_] = memory;
    capacities_[count_++] = capacity;
    return true;
  }

 private:
  static constexpr std::size_t kKept = 16;
  static constexpr std::size_t kSmallest = 8 * 1024, kLargest = 256 * 1024;

  std::array<void*, kKept> blocks_{};
  std::array<std::size_t, kKept> capacities_{};
  std::size_t count_ = 0;
  bool closed_ = false;
};

thread_local FreeBlocks free_blocks;

Block* new_block(std::size_t capacity) {
  VAN_ASSERT(capacity <= std::numeric_limits<decltype(Block::capacity)>::max());
  void* memory = free_blocks.take(capacity);
  if (memory == nullptr) memory = ::operator new(sizeof(Block) + capacity);
  Block* block = new (memory) Block;
  block->capacity = static_cast<std::uint32_t>(capacity);
  return block;
}

void unreference(Block* block) {
  if (block == nullptr || block->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::size_t capacity = block->capacity;
  block->~Block();
  if (!free_blocks.keep(block, capacity)) ::operator delete(block, sizeof(Block) + capacity);
}

}  // namespace

Slice Slice::copy_of(ByteView bytes) {
  if (bytes.empty()) return {};
  Block* block = new_block(bytes.size());
  std::memcpy(block->data(), bytes.data(), bytes.size());
  return {block, block->data(), bytes.size()};
}

Slice Slice::part(std::size_t offset, std::size_t count) const {
  VAN_ASSERT(offset <= size_ && count <= size_ - offset);
  if (count == 0) return {};
  Slice result = *this;
  result.data_ += offset;
  result.size_ = count;
  return result;
}

void Slice::remove_prefix(std::size_t count) {
  VAN_ASSERT(count <= size_);
  data_ += count;
  size_ -= count;
}

void Slice::release() { unreference(block_); }

BlockWriter::~BlockWriter() { release(); }

std::span<std::uint8_t> BlockWriter::space(std::size_t minimum) {
  if (used_ > 0 && block_->references.load(std::memory_order_acquire) == 1) {
    used_ = 0;  // all slices of this block are gone: start over in the same memory
  }
  if (block_ == nullptr || block_->capacity - used_ < minimum) {
    release();
    block_ = new_block(std::max(block_size_, minimum));
  }
  return {block_->data() + used_, block_->capacity - used_};
}

Slice BlockWriter::commit(std::size_t count) {
  if (count == 0) return {};
  VAN_ASSERT(block_ != nullptr && count <= block_->capacity - used_);
  block_->references.fetch_add(1, std::memory_order_relaxed);
  Slice slice{block_, block_->data() + used_, count};
  used_ += count;
  return slice;
}

void BlockWriter::release() {
  unreference(block_);
  block_ = nullptr;
  used_ = 0;
}

void SliceQueue::push(Slice slice) {
  if (slice.empty()) return;
  bytes_ += slice.size();
  if (!slices_.empty()) {
    Slice& last = slices_.back();
    if (last.block_ == slice.block_ && last.data_ + last.size_ == slice.data_) {
      last.size_ += slice.size_;
      return;
    }
  }
  slices_.push_back(std::move(slice));
}

void SliceQueue::push_copy(ByteView bytes) { push(Slice::copy_of(bytes)); }

void SliceQueue::consume(std::size_t count) {
  VAN_ASSERT(count <= bytes_);
  if (count == bytes_) return clear();
  bytes_ -= count;
  while (count > 0) {
    Slice& front = slices_.front();
    if (front.size() > count) {
      front.remove_prefix(count);
      return;
    }
    count -= front.size();
    slices_.pop_front();
  }
}

Slice SliceQueue::pop(std::size_t limit) {
  if (slices_.empty() || limit == 0) return {};
  Slice& front = slices_.front();
  if (front.size() > limit) {
    Slice result = front.part(0, limit);
    consume(limit);
    return result;
  }
  Slice result = std::move(front);
  bytes_ -= result.size();
  slices_.pop_front();
  return result;
}

Bytes SliceQueue::peek(std::size_t count) const {
  Bytes result;
  result.reserve(std::min(count, bytes_));
  for (const Slice& slice : slices_) {
    if (result.size() == count) break;
    van::append(result, slice.view().first(std::min(slice.size(), count - result.size())));
  }
  return result;
}

void SliceQueue::copy_front(std::span<std::uint8_t> to) const {
  VAN_ASSERT(to.size() <= bytes_);
  for (const Slice& slice : slices_) {
    const std::size_t count = std::min(slice.size(), to.size());
    std::copy_n(slice.data(), count, to.begin());
    to = to.subspan(count);
    if (to.empty()) return;
  }
}

void SliceQueue::append(SliceQueue&& other) {
  if (empty()) {
    slices_ = std::exchange(other.slices_, {});
    bytes_ = std::exchange(other.bytes_, 0);
    return;
  }
  for (Slice& slice : other.slices_) push(std::move(slice));
  other.clear();
}

void SliceQueue::clear() {
  slices_.clear();
  bytes_ = 0;
}

}  // namespace van
