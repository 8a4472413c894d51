#include "core/routing/local_addresses.h"

#include "core/base/assert.h"
#include "core/base/limits.h"

namespace van::routing {

namespace {

AddressDescriptor describe(const AddressKey& key, const LocalAddress& address) {
  return {key, address.treatment, address.producers, address.mesh, address.cost, address.early};
}

}  // namespace

bool LocalAddresses::set(const AddressKey& key, LocalAddress address, TimePoint now) {
  VAN_ASSERT(address.treatment != Treatment::unavailable);
  const auto found = current_.find(key);
  if (found == current_.end()) {
    if (current_.size() >= limits::kAddressesPerRouter) return false;
    current_.emplace(key, std::move(address));
  } else {
    if (found->second == address) return true;
    found->second = std::move(address);
  }
  touch(key, now);
  return true;
}

void LocalAddresses::remove(const AddressKey& key, TimePoint now) {
  if (current_.erase(key) == 0) return;
  if (told_.contains(key)) return touch(key, now);
  touched_.erase(key);  // added and removed before anybody was told
  if (touched_.empty()) changed_at_ = kNever;
}

void LocalAddresses::touch(const AddressKey& key, TimePoint now) {
  if (!key.advertisable()) return;
  touched_.insert(key);
  if (changed_at_ == kNever) changed_at_ = now;
}

const LocalAddress* LocalAddresses::find(const AddressKey& key) const {
  const auto found = current_.find(key);
  return found == current_.end() ? nullptr : &found->second;
}

std::optional<Mau::Differential> LocalAddresses::flush() {
  Mau::Differential update;
  for (const AddressKey& key : touched_) {
    const auto now = current_.find(key);
    const auto before = told_.find(key);
    if (now == current_.end()) {
      if (before == told_.end()) continue;
      told_.erase(before);
      update.del.push_back(key);
    } else if (before == told_.end() || before->second != now->second) {
      told_.insert_or_assign(key, now->second);
      update.add.push_back(describe(key, now->second));
    }
  }
  touched_.clear();
  changed_at_ = kNever;
  if (update.add.empty() && update.del.empty()) return std::nullopt;
  ++sequence_;
  return update;
}

Mau::Absolute LocalAddresses::told() const {
  Mau::Absolute all;
  for (const auto& [key, address] : told_) all.exist.push_back(describe(key, address));
  return all;
}

}  // namespace van::routing
