#pragma once

#include <string>
#include <string_view>

#include "core/amqp/value.h"
#include "core/base/expected.h"

namespace van::amqp {

/// AMQP 1.0 §2.8.14: an error condition (a symbol such as "amqp:decode-error"), words for people, and the peer's
/// info map passed on.
struct Error {
  std::string condition;
  std::string description;
  Map info;
  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = Expected<T, Error>;

/// The standard's symbols: §2.8.15 (amqp), §2.8.16 (connection), §2.8.17 (session), §2.8.18 (link); `qd:` are the
/// router's.
namespace condition {
inline constexpr std::string_view internal_error = "amqp:internal-error";
inline constexpr std::string_view not_found = "amqp:not-found";
inline constexpr std::string_view unauthorized_access = "amqp:unauthorized-access";
inline constexpr std::string_view decode_error = "amqp:decode-error";
inline constexpr std::string_view resource_limit_exceeded = "amqp:resource-limit-exceeded";
inline constexpr std::string_view not_allowed = "amqp:not-allowed";
inline constexpr std::string_view invalid_field = "amqp:invalid-field";
inline constexpr std::string_view not_implemented = "amqp:not-implemented";
inline constexpr std::string_view precondition_failed = "amqp:precondition-failed";
inline constexpr std::string_view illegal_state = "amqp:illegal-state";
inline constexpr std::string_view connection_forced = "amqp:connection:forced";
inline constexpr std::string_view framing_error = "amqp:connection:framing-error";
inline constexpr std::string_view window_violation = "amqp:session:window-violation";
inline constexpr std::string_view errant_link = "amqp:session:errant-link";
inline constexpr std::string_view handle_in_use = "amqp:session:handle-in-use";
inline constexpr std::string_view unattached_handle = "amqp:session:unattached-handle";
inline constexpr std::string_view detach_forced = "amqp:link:detach-forced";
inline constexpr std::string_view transfer_limit_exceeded = "amqp:link:transfer-limit-exceeded";
inline constexpr std::string_view message_size_exceeded = "amqp:link:message-size-exceeded";
inline constexpr std::string_view qd_forbidden = "qd:forbidden";
inline constexpr std::string_view qd_connection_role = "qd:connection-role";
inline constexpr std::string_view qd_no_route_to_dest = "qd:no-route-to-dest";
}  // namespace condition

inline Unexpected<Error> failure(std::string_view condition, std::string description) {
  return {Error{std::string{condition}, std::move(description), {}}};
}

/// The described list of §2.8.14; an empty description and an empty info are left out.
Value to_value(const Error& error);
/// Errors: decode_error when `value` is no error of §2.8.14.
Result<Error> error_from(const Value& value);

}  // namespace van::amqp
