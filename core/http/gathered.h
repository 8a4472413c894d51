#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "core/base/slice.h"

namespace van::http {

/// Octets to be sent: heads, which are written here, and content, which is shared. A little content goes in one piece with what was
/// written before it, so that a small message is one write.
class Gathered {
 public:
  [[nodiscard]] std::string& text() { return text_; }  ///< to append to
  void add(Slice octets) {
    if (!text_.empty() && text_.size() + octets.size() <= kOnePiece) {
      text_ += as_text(octets.view());
      return;
    }
    flush();
    queue_.push(std::move(octets));
  }
  /// All of it, which is then gone from here.
  [[nodiscard]] SliceQueue& queue() {
    flush();
    return queue_;
  }
  [[nodiscard]] std::size_t bytes() const { return text_.size() + queue_.bytes(); }
  void clear() {
    text_.clear();
    queue_.clear();
  }

 private:
  static constexpr std::size_t kOnePiece = 8 * 1024;
  void flush() {
    if (text_.empty()) return;
    queue_.push_copy(as_bytes(text_));
    text_.clear();
  }

  std::string text_;
  SliceQueue queue_;
};

}  // namespace van::http
