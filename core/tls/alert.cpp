#include "core/tls/alert.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace van::tls {
namespace {

struct Alert {
  std::uint8_t number;
  std::string_view name;
  std::string_view meaning;  // said of the peer that sent it: "the server refused us: it ..."
};

constexpr Alert kAlerts[] = {
    {10, "unexpected_message", "it did not expect what we sent"},
    {20, "bad_record_mac", "a record of ours did not arrive as we sent it"},
    {22, "record_overflow", "a record of ours is too long for it"},
    {40, "handshake_failure", "it could not agree with us, or misses a certificate of ours"},
    {42, "bad_certificate", "it does not accept our certificate"},
    {43, "unsupported_certificate", "our certificate is of a kind, or for a use, that it does not accept"},
    {44, "certificate_revoked", "our certificate was revoked"},
    {45, "certificate_expired", "our certificate has expired, or is not valid yet by its clock"},
    {46, "certificate_unknown", "it does not accept our certificate"},
    {47, "illegal_parameter", "it found a wrong value in what we sent"},
    {48, "unknown_ca", "it does not know the authority that signed our certificate"},
    {49, "access_denied", "it denies us access"},
    {50, "decode_error", "it can't read what we sent"},
    {51, "decrypt_error", "it could not verify a signature or a finished handshake"},
    {70, "protocol_version", "it does not speak our versions of TLS"},
    {71, "insufficient_security", "it wants stronger ciphers"},
    {80, "internal_error", "it has a problem of its own"},
    {86, "inappropriate_fallback", "it believes that we speak a newer version of TLS"},
    {90, "user_canceled", "it gave up"},
    {100, "no_renegotiation", "it does not renegotiate"},
    {109, "missing_extension", "it misses an extension in what we sent"},
    {110, "unsupported_extension", "it does not know an extension that we sent"},
    {112, "unrecognized_name", "it does not serve the host name that we asked for"},
    {113, "bad_certificate_status_response", "it does not accept the status of our certificate"},
    {116, "certificate_required", "it requires a certificate, and we presented none"},
    {120, "no_application_protocol", "it speaks none of our application protocols"},
};

}  // namespace

std::string describe_alert(std::uint8_t number) {
  const auto* alert = std::find_if(std::begin(kAlerts), std::end(kAlerts), [number](const Alert& a) { return a.number == number; });
  if (alert == std::end(kAlerts)) return "alert " + std::to_string(number);
  return std::string{alert->meaning} + " (alert " + std::string{alert->name} + ")";
}

}  // namespace van::tls
