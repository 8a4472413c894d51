#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/routing/address.h"
#include "core/routing/messages.h"

namespace van::routing {

/// What this router offers under one address.
struct LocalAddress {
  Treatment treatment = Treatment::balanced;  ///< not unavailable
  std::uint32_t producers = 0;
  std::optional<std::string> mesh = std::nullopt;
  std::uint32_t cost = 0;  ///< the exposure's own cost
  bool early = false;      ///< all providers are routers of ours: AddressDescriptor::early
  friend bool operator==(const LocalAddress&, const LocalAddress&) = default;
};

/// Own addresses and what the network was told of them: the sender's rules of control-plane 3.7. Changes are collected
/// until flush(), which makes one update of them under the next number.
class LocalAddresses {
 public:
  /// False, and nothing changes, when limits::kAddressesPerRouter are set already.
  bool set(const AddressKey& key, LocalAddress address, TimePoint now);
  void remove(const AddressKey& key, TimePoint now);
  [[nodiscard]] const LocalAddress* find(const AddressKey& key) const;

  [[nodiscard]] std::int64_t sequence() const { return sequence_; }
  /// Time of the oldest change that is not told yet; kNever when there is none.
  [[nodiscard]] TimePoint changed_at() const { return changed_at_; }
  /// The changes, under a new sequence(); nullopt (and the old number) when they have cancelled out.
  std::optional<Mau::Differential> flush();
  /// Everything as of sequence(): without what was not told yet.
  [[nodiscard]] Mau::Absolute told() const;

 private:
  using Addresses = std::map<AddressKey, LocalAddress>;
  void touch(const AddressKey& key, TimePoint now);

  Addresses current_;
  Addresses told_;
  std::set<AddressKey> touched_;
  TimePoint changed_at_ = kNever;
  std::int64_t sequence_ = 0;
};

}  // namespace van::routing
