#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/limits.h"
#include "core/routing/address.h"
#include "core/routing/messages.h"

namespace van::routing {

struct Node;

/// Addresses of all other routers together; beyond it they are not stored, like those beyond
/// limits::kAddressesPerRouter.
inline constexpr std::size_t kAddressesTotal = 1u << 20;

/// Which router has which mobile address, control-plane 3.7. Nodes are known by where they are in the database:
/// forget() one before it goes.
class RemoteAddresses {
 public:
  struct Holder {
    const Node* node;
    std::uint32_t producers;
    std::uint32_t cost;
    std::string mesh;  ///< empty: none
    bool early;        ///< AddressDescriptor::early
    friend bool operator==(const Holder&, const Holder&) = default;
  };
  struct Entry {
    Treatment hint;  ///< of whoever told us first; balanced when there was none
    std::vector<Holder> holders;
  };

  enum class Added : std::uint8_t { unchanged, changed, limit };
  Added add(const Node& node, const AddressDescriptor& descriptor);
  bool remove(const Node& node, const AddressKey& key);  ///< whether it was there
  std::vector<AddressKey> forget(const Node& node);      ///< what it had

  [[nodiscard]] const Entry* find(const AddressKey& key) const;
  [[nodiscard]] std::vector<AddressKey> keys() const;  ///< all of them, in no order
  [[nodiscard]] std::vector<AddressKey> of(const Node& node) const;
  [[nodiscard]] std::size_t count(const Node& node) const;
  [[nodiscard]] std::size_t total() const { return total_; }

 private:
  void remove_holder(const Node& node, const AddressKey& key);

  std::unordered_map<AddressKey, Entry> entries_;
  std::unordered_map<const Node*, std::set<AddressKey>> keys_;
  std::size_t total_ = 0;
};

}  // namespace van::routing
