#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/base/bytes.h"
#include "core/base/fifo.h"

namespace van {

/// A reference-counted block of bytes; only Slice and BlockWriter handle it.
struct Block {
  std::atomic<std::uint32_t> references{1};
  std::uint32_t capacity = 0;
  std::uint8_t* data() { return reinterpret_cast<std::uint8_t*>(this + 1); }
};

/// A read-only part of a shared block: copying a Slice shares the bytes, the last one frees them. The bytes
/// a Slice shows never change. The count is atomic, so slices may cross threads.
class Slice {
 public:
  Slice() = default;
  /// Copies `bytes` into a block of their own.
  static Slice copy_of(ByteView bytes);
  Slice(const Slice& other) : block_{other.block_}, data_{other.data_}, size_{other.size_} {
    if (block_ != nullptr) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  Slice(Slice&& other) noexcept
      : block_{std::exchange(other.block_, nullptr)},
        data_{std::exchange(other.data_, nullptr)},
        size_{std::exchange(other.size_, 0)} {}
  Slice& operator=(Slice other) noexcept {
    std::swap(block_, other.block_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Slice() {
    if (block_ != nullptr) release();
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] const std::uint8_t* data() const { return data_; }
  [[nodiscard]] ByteView view() const { return {data_, size_}; }

  /// The part [offset, offset + count), sharing the block. Asserts that it lies inside.
  [[nodiscard]] Slice part(std::size_t offset, std::size_t count) const;
  [[nodiscard]] Slice from(std::size_t offset) const { return part(offset, size_ - offset); }
  void remove_prefix(std::size_t count);
  /// The bytes, for who has the only slice that shows them and puts others in their place.
  [[nodiscard]] std::uint8_t* overwrite() { return const_cast<std::uint8_t*>(data_); }

 private:
  friend class BlockWriter;
  friend class SliceQueue;
  Slice(Block* block, const std::uint8_t* data, std::size_t size) : block_{block}, data_{data}, size_{size} {}
  void release();

  Block* block_ = nullptr;
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Memory to read or encode into. What was committed is given out as Slices; free space at the end is
/// used again, so that many small reads share one block.
class BlockWriter {
 public:
  explicit BlockWriter(std::size_t block_size) : block_size_{block_size} {}
  BlockWriter(const BlockWriter&) = delete;
  BlockWriter& operator=(const BlockWriter&) = delete;
  ~BlockWriter();

  /// Free space of at least `minimum` bytes (a new block when the rest of this one is smaller).
  std::span<std::uint8_t> space(std::size_t minimum);
  /// The first `count` bytes of the last space() as a Slice; the space shrinks by them.
  Slice commit(std::size_t count);
  /// Gives up the unused rest, for idle owners.
  void release();

 private:
  std::size_t block_size_;
  Block* block_ = nullptr;
  std::size_t used_ = 0;
};

/// A queue of slices with its total, as output queues and stream buffers need it.
class SliceQueue {
 public:
  /// One that goes on in memory where the last one ends becomes part of it.
  void push(Slice slice);
  /// Pushes a copy in a block of its own.
  void push_copy(ByteView bytes);
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] bool empty() const { return bytes_ == 0; }
  [[nodiscard]] const Fifo<Slice>& slices() const { return slices_; }
  /// Drops `count` bytes from the front. Asserts that they are there.
  void consume(std::size_t count);
  /// Takes at most `limit` bytes off the front, as one slice of one block (so it may be fewer).
  Slice pop(std::size_t limit);
  /// The first `count` bytes (or all, if fewer) as one run of memory; copies.
  [[nodiscard]] Bytes peek(std::size_t count) const;
  /// The same into `to`, which the queue must be able to fill.
  void copy_front(std::span<std::uint8_t> to) const;
  void append(SliceQueue&& other);
  void clear();

 private:
  Fifo<Slice> slices_;
  std::size_t bytes_ = 0;
};

}  // namespace van
