#pragma once

#include <cstdint>
#include <string>

namespace van::tls {

// Private to core/tls: TLS alerts, RFC 8446 §6 and RFC 5246 §7.2.

inline constexpr std::uint8_t kAlertCloseNotify = 0;
inline constexpr std::uint8_t kAlertUnexpectedMessage = 10;
inline constexpr std::uint8_t kAlertBadRecordMac = 20;
inline constexpr std::uint8_t kAlertRecordOverflow = 22;
inline constexpr std::uint8_t kAlertHandshakeFailure = 40;
inline constexpr std::uint8_t kAlertDecodeError = 50;
inline constexpr std::uint8_t kAlertProtocolVersion = 70;
inline constexpr std::uint8_t kAlertNoRenegotiation = 100;

/// "it does not know the authority that signed our certificate (alert unknown_ca)".
std::string describe_alert(std::uint8_t number);

}  // namespace van::tls
