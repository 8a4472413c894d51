#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace van::routing {

/// How deliveries to an address are spread; the numbers are those of an address descriptor (control-plane 4.2).
enum class Treatment : std::uint8_t { flood = 0, multicast = 1, closest = 2, balanced = 3, unavailable = 4 };

/// nullopt for a number that is no treatment.
std::optional<Treatment> treatment_of_number(std::int64_t number);
std::string_view name_of(Treatment treatment);

/// The first letter of a key (control-plane 4.1).
enum class AddressClass : char {
  local = 'L',
  topological = 'T',
  router = 'R',
  area = 'A',
  edge = 'H',
  network = 'N',
  mobile = 'M',
};

/// An address as routers look it up: class letter and name, such as "Msvc3" or "HRE". Never empty, at most
/// limits::kAddressBytes plus the letter, compared by its exact bytes.
class AddressKey {
 public:
  /// A key as it stands in an address descriptor. nullopt when it is empty, too long or of no known class.
  static std::optional<AddressKey> parse(std::string_view key);
  /// The key of a service's plain name: "svc3" gives "Msvc3". nullopt when it is empty or too long.
  static std::optional<AddressKey> mobile(std::string_view name);
  /// The key of an edge router, under which `_edge/<id>/...` is found.
  static std::optional<AddressKey> edge(std::string_view id);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] AddressClass address_class() const { return static_cast<AddressClass>(text_.front()); }
  [[nodiscard]] std::string_view name() const { return std::string_view{text_}.substr(1); }
  /// Whether it may be told to other routers: classes M, H and N, but not $management (control-plane 3.7).
  [[nodiscard]] bool advertisable() const;

  friend auto operator<=>(const AddressKey&, const AddressKey&) = default;

 private:
  friend std::optional<AddressKey> make_key(AddressClass address_class, std::string_view name);
  explicit AddressKey(std::string text) : text_{std::move(text)} {}
  std::string text_;
};

enum class RouterMode : std::uint8_t { interior, edge };

/// Who looks an address up. Borrowed: must outlive the call only.
struct Self {
  std::string_view id;
  RouterMode mode = RouterMode::interior;
  std::string_view network = {};  ///< own network id; empty when none is configured
};

/// Address text to key, control-plane 4.1: strips scheme, host and one trailing '.' or '/', then classifies. On an edge
/// every `_topo` and `_edge` address that is not its own becomes "L_edge", the uplink.
/// nullopt when nothing is left of the text, or more than limits::kAddressBytes.
std::optional<AddressKey> classify(std::string_view text, const Self& self);

/// "0/<id>", the name of a router in ingress and trace (control-plane 4.3).
std::string node_name(std::string_view id);
/// The id in "0/<id>"; nullopt for anything else, which is no router (control-plane 7, pitfall 26).
std::optional<std::string_view> id_of_node_name(std::string_view name);

/// One configured rule: addresses below `prefix` have `treatment`. A prefix matches whole tokens: "mc" matches "mc",
/// "mc/x" and "mc.x", but not "mcx".
struct TreatmentRule {
  std::string prefix;
  Treatment treatment = Treatment::balanced;
};

/// The configured treatments; the longest matching prefix decides.
class TreatmentTable {
 public:
  /// With the one rule that every router of a network has: "mc" is multicast (control-plane 3.7).
  TreatmentTable() : rules_{{"mc", Treatment::multicast}} {}
  explicit TreatmentTable(std::vector<TreatmentRule> rules) : rules_{std::move(rules)} {}

  /// What the rules say of a mobile address; nullopt when none matches. Every other class is `closest`.
  [[nodiscard]] std::optional<Treatment> find(const AddressKey& key) const;

 private:
  std::vector<TreatmentRule> rules_;
};

/// The treatment of a key by the standard rules alone: multicast below "mc", else `otherwise`.
Treatment treatment_of_key(const AddressKey& key, Treatment otherwise = Treatment::balanced);

}  // namespace van::routing

template <>
struct std::hash<van::routing::AddressKey> {
  std::size_t operator()(const van::routing::AddressKey& key) const noexcept {
    return std::hash<std::string>{}(key.text());
  }
};
