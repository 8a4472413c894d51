#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "core/amqp/error.h"
#include "core/amqp/value.h"

namespace van::amqp {

// AMQP 1.0 §3.4. All fields are kept, because a transit router passes states back verbatim.
struct Received {  ///< §3.4.1, not terminal
  std::uint32_t section_number = 0;
  std::uint64_t section_offset = 0;
  friend bool operator==(const Received&, const Received&) = default;
};
struct Accepted {
  friend bool operator==(Accepted, Accepted) { return true; }
};
struct Rejected {
  std::optional<Error> error;
  friend bool operator==(const Rejected&, const Rejected&) = default;
};
struct Released {
  friend bool operator==(Released, Released) { return true; }
};
struct Modified {
  bool delivery_failed = false;
  bool undeliverable_here = false;
  Map message_annotations;
  friend bool operator==(const Modified&, const Modified&) = default;
};
/// A state of another specification (transactions), carried as it came.
struct OtherState {
  Described value;
  friend bool operator==(const OtherState&, const OtherState&) = default;
};
using DeliveryState = std::variant<Received, Accepted, Rejected, Released, Modified, OtherState>;

/// §3.4: accepted, rejected, released, modified are outcomes; received and others are not.
bool is_terminal(const DeliveryState& state);

/// The described list of §3.4, trailing defaults left out.
Value to_value(const DeliveryState& state);
/// Errors: decode_error when `value` is not described, or a state of §3.4 has wrong fields.
Result<DeliveryState> delivery_state_from(const Value& value);

}  // namespace van::amqp
