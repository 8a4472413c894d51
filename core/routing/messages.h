#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/routing/address.h"

/// The six router protocol messages (control-plane 3.3 to 3.7) as values. The encoder writes what is constant and so
/// not here: `area` is always "0", and an LSU's `ls` repeats `id`, `area` and `ls_seq`.
namespace van::routing {

inline constexpr std::int64_t kLinkStateVersion = 1;  ///< `pv` of HELLO, RA, LSR, LSU; a higher one is ignored
inline constexpr std::int64_t kMobileVersion = 2;     ///< `pv` of MAR, MAU; a higher one is ignored
inline constexpr std::size_t kRouterIdBytes = 256;    ///< length of a router id
inline constexpr std::size_t kSiteTextBytes = 256;    ///< length of a site's id or name; longer ones are left out

/// A router id is not empty, not longer than kRouterIdBytes, has no '/' and is not "all" (control-plane 1.7).
bool valid_router_id(std::string_view id);

/// Ordered by code point of the id, as UTF-8 bytes are.
using PeerCosts = std::map<std::string, std::uint32_t, std::less<>>;

struct Hello {
  std::string id;
  std::int64_t pv = kLinkStateVersion;
  std::int64_t instance = 0;  ///< 0: not known
  std::vector<std::string> seen = {};
  friend bool operator==(const Hello&, const Hello&) = default;
};

struct Ra {
  std::string id;
  std::int64_t pv = kLinkStateVersion;
  std::int64_t instance = 0;
  std::int64_t ls_seq = 0;
  std::int64_t mobile_seq = 0;
  friend bool operator==(const Ra&, const Ra&) = default;
};

struct Lsr {
  std::string id;  ///< the requester
  std::int64_t pv = kLinkStateVersion;
  friend bool operator==(const Lsr&, const Lsr&) = default;
};

struct Lsu {
  std::string id;
  std::int64_t pv = kLinkStateVersion;
  std::int64_t instance = 0;
  std::int64_t ls_seq = 0;  ///< the number inside `ls`
  PeerCosts peers = {};     ///< costs are 1 or more
  // Ours, extra fields of the body that real routers do not look at; empty: left out.
  std::string site_id = {};
  std::string site_name = {};
  friend bool operator==(const Lsu&, const Lsu&) = default;
};

struct Mar {
  std::string id;  ///< the requester
  std::int64_t pv = kMobileVersion;
  std::int64_t have_seq = 0;
  friend bool operator==(const Mar&, const Mar&) = default;
};

/// What a MAU says of one address: the list [key, treatment, producers, null, mesh], cut after the last field that is
/// there.
struct AddressDescriptor {
  AddressKey key;
  std::optional<Treatment> treatment = std::nullopt;  ///< index 1; nullopt: no hint
  std::uint32_t producers = 0;                        ///< index 2; a hint that readers do not use
  std::optional<std::string> mesh =
      std::nullopt;  ///< index 4; written only when all local destinations are edges of one mesh
  /// Ours: the exposure's cost, in the extra field `vanctl.costs` of the body, a map key -> cost; 0 is left out.
  std::uint32_t cost = 0;
  /// Ours: all providers there are routers of ours, so that a client's octets may come before they have answered. The keys of the
  /// other addresses stand in the extra field `vanctl.late` of the body, a list; without that field none of them is.
  bool early = false;
  friend bool operator==(const AddressDescriptor&, const AddressDescriptor&) = default;
};

/// Mobile address update. One of two forms, so that a malformed mixture (control-plane 3.7; pitfalls 1 and 12: a real
/// router crashes or ignores it) can't be made: a descriptor always has its key and is always written as a list; the
/// differential form always writes both `add` and `del`, the absolute form only `exist`.
struct Mau {
  struct Differential {
    std::vector<AddressDescriptor> add;
    std::vector<AddressKey> del;  ///< each written as the list [key]
    friend bool operator==(const Differential&, const Differential&) = default;
  };
  struct Absolute {
    std::vector<AddressDescriptor> exist;
    friend bool operator==(const Absolute&, const Absolute&) = default;
  };

  std::string id;
  std::int64_t pv = kMobileVersion;
  std::int64_t mobile_seq = 0;
  std::variant<Differential, Absolute> content;
  friend bool operator==(const Mau&, const Mau&) = default;
};

using Message = std::variant<Hello, Ra, Lsr, Lsu, Mar, Mau>;

/// "HELLO", "RA", "LSR", "LSU", "MAR" or "MAU": the application property `opcode`.
std::string_view opcode_of(const Message& message);
const std::string& sender_of(const Message& message);

/// Addresses of control messages, control-plane 3.2. The encoder uses Outgoing::to as it stands.
namespace destination {
inline constexpr std::string_view hello = "amqp:/_local/qdhello";
inline constexpr std::string_view flood = "amqp:/_topo/0/all/qdrouter";
inline constexpr std::string_view multicast = "_topo/0/all/qdrouter.ma";
std::string link_state_of(std::string_view id);  ///< "amqp:/_topo/0/<id>/qdrouter"
std::string mobile_of(std::string_view id);      ///< "amqp:/_topo/0/<id>/qdrouter.ma"
}  // namespace destination

/// What a router does with a control message that arrived for `key` (control-plane 3.2).
enum class ControlScope : std::uint8_t {
  link,       ///< HELLO: consume
  here,       ///< addressed to us: consume
  flood,      ///< consume, and forward on flood_links()
  multicast,  ///< consume, and forward on multicast_links()
};
/// nullopt when `key` is none of the keys of router control (Lqdhello, Lqdrouter, Lqdrouter.ma, Tqdrouter,
/// Tqdrouter.ma).
std::optional<ControlScope> control_scope(const AddressKey& key);

}  // namespace van::routing
