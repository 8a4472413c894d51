#include "core/routing/remote_addresses.h"

#include <algorithm>

namespace van::routing {

RemoteAddresses::Added RemoteAddresses::add(const Node& node, const AddressDescriptor& descriptor) {
  Holder holder{&node, descriptor.producers, descriptor.cost, descriptor.mesh.value_or(""), descriptor.early};
  if (const auto found = entries_.find(descriptor.key); found != entries_.end()) {
    for (Holder& known : found->second.holders) {
      if (known.node != &node) continue;
      if (known == holder) return Added::unchanged;
      known = std::move(holder);
      return Added::changed;
    }
  }
  if (total_ >= kAddressesTotal || count(node) >= limits::kAddressesPerRouter) return Added::limit;
  Entry& entry =
      entries_.try_emplace(descriptor.key, Entry{descriptor.treatment.value_or(Treatment::balanced), {}}).first->second;
  entry.holders.push_back(std::move(holder));
  keys_[&node].insert(descriptor.key);
  ++total_;
  return Added::changed;
}

void RemoteAddresses::remove_holder(const Node& node, const AddressKey& key) {
  const auto found = entries_.find(key);
  std::erase_if(found->second.holders, [&](const Holder& holder) { return holder.node == &node; });
  if (found->second.holders.empty()) entries_.erase(found);
  --total_;
}

bool RemoteAddresses::remove(const Node& node, const AddressKey& key) {
  const auto keys = keys_.find(&node);
  if (keys == keys_.end() || keys->second.erase(key) == 0) return false;
  if (keys->second.empty()) keys_.erase(keys);
  remove_holder(node, key);
  return true;
}

std::vector<AddressKey> RemoteAddresses::forget(const Node& node) {
  const auto found = keys_.find(&node);
  if (found == keys_.end()) return {};
  const std::vector<AddressKey> keys{found->second.begin(), found->second.end()};
  keys_.erase(found);
  for (const AddressKey& key : keys) remove_holder(node, key);
  return keys;
}

const RemoteAddresses::Entry* RemoteAddresses::find(const AddressKey& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second;
}

std::vector<AddressKey> RemoteAddresses::keys() const {
  std::vector<AddressKey> keys;
  keys.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) keys.push_back(key);
  return keys;
}

std::vector<AddressKey> RemoteAddresses::of(const Node& node) const {
  const auto found = keys_.find(&node);
  if (found == keys_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

std::size_t RemoteAddresses::count(const Node& node) const {
  const auto found = keys_.find(&node);
  return found == keys_.end() ? 0 : found->second.size();
}

}  // namespace van::routing
