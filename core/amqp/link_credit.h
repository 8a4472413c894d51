#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace van::amqp {

/// Credit of one link, AMQP 1.0 §2.6.7, as seen by either end. Both ends count a delivery with its first transfer
/// (data-plane 1.5). Counts are serial numbers (§2.8.10).
class LinkCredit {
 public:
  [[nodiscard]] std::uint32_t available() const { return credit_; }
  [[nodiscard]] std::uint32_t delivery_count() const { return delivery_count_; }

  /// Whether a delivery may begin.
  [[nodiscard]] bool has_any() const { return credit_ > 0 || withdrawn_ > 0; }
  /// A delivery begins. False: there is no credit for it.
  [[nodiscard]] bool take() {
    if (!has_any()) return false;
    --(credit_ > 0 ? credit_ : withdrawn_);
    ++delivery_count_;
    return true;
  }

  // ---- As sender ----
  /// The receiver's flow; without a count it has not seen our attach yet.
  void on_receiver_flow(std::optional<std::uint32_t> delivery_count, std::uint32_t link_credit, bool drain) {
    std::uint32_t in_flight = delivery_count_ - delivery_count.value_or(0);
    if (in_flight > 0x7FFFFFFF) in_flight = 0;  // a receiver ahead of us counts wrongly: the safe side is none in flight
    credit_ = link_credit > in_flight ? link_credit - in_flight : 0;
    drain_ = drain;
  }
  [[nodiscard]] bool drain() const { return drain_; }
  /// Gives up what was not used.
  void drained() {
    delivery_count_ += credit_;
    credit_ = 0;
  }

  // ---- As receiver ----
  void start(std::uint32_t initial_delivery_count) { delivery_count_ = initial_delivery_count; }
  void set_target(std::uint32_t target) { target_ = target; }
  [[nodiscard]] std::uint32_t target() const { return target_; }
  /// Half or less is left of `wanted`, the target or less: topped up in batches; or anything is missing and it is to be `at_once`.
  [[nodiscard]] bool is_due(std::uint32_t wanted, bool at_once) const { return credit_ < wanted && (at_once || credit_ <= wanted / 2); }
  /// What was granted above `wanted` is withdrawn, but the sender may have used it before it hears of that.
  void grant(std::uint32_t wanted) {
    const std::uint64_t granted = std::uint64_t{credit_} + withdrawn_;
    credit_ = wanted;
    withdrawn_ = granted > wanted ? static_cast<std::uint32_t>(granted - wanted) : 0;
  }
  /// The sender's flow. A count behind ours is that of a sender which counts deliveries at their end: ignored.
  void on_sender_flow(std::optional<std::uint32_t> delivery_count) {
    if (!delivery_count) return;
    const std::uint32_t ahead = *delivery_count - delivery_count_;
    if (ahead > 0x7FFFFFFF) return;
    delivery_count_ += ahead;
    const std::uint32_t withdrawn = std::min(ahead, withdrawn_);
    withdrawn_ -= withdrawn;
    credit_ -= std::min(ahead - withdrawn, credit_);
  }

 private:
  std::uint32_t delivery_count_ = 0;
  std::uint32_t credit_ = 0;
  std::uint32_t withdrawn_ = 0;  // receiver: granted once, taken back, and perhaps used before
  std::uint32_t target_ = 0;
  bool drain_ = false;
};

}  // namespace van::amqp
