#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"

namespace van::tls {

// Private to core/tls: the names that certificates carry.

/// The 4 or 16 bytes of an IPv4 or IPv6 address as a certificate has them (RFC 5280 §4.2.1.6); nullopt when the
/// text is something else. No brackets, no zone, no prefix length.
std::optional<Bytes> parse_ip(std::string_view text);

/// The text of 4 or 16 bytes, IPv6 in full groups without leading zeros; hexadecimal of any other length.
std::string ip_text(ByteView address);

/// Whether the text may stand as a DNS entry: 1 to 253 visible ASCII characters, labels of 1 to 63, "*" only as
/// the first label.
bool is_dns_name(std::string_view text);

/// Text of a peer for a message: control and non-ASCII bytes as \xNN, cut after 64 bytes.
std::string printable(std::string_view text);

std::string hexadecimal(ByteView bytes);

}  // namespace van::tls
