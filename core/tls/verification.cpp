#include "core/tls/verification.h"

#include <algorithm>

#include "core/tls/certificate_info.h"
#include "core/tls/host_name.h"

namespace van::tls {
namespace {

/// Who is not trusted need not be asked for dates, and so on.
int severity(Error::Code code) {
  switch (code) {
    case Error::Code::no_client_certificate: return 5;
    case Error::Code::not_trusted: return 4;
    case Error::Code::expired: return 3;
    case Error::Code::not_yet_valid: return 2;
    case Error::Code::wrong_host: return 1;
    case Error::Code::bad_certificate_file:
    case Error::Code::bad_key:
    case Error::Code::key_mismatch:
    case Error::Code::bad_name:
    case Error::Code::refused_by_peer:
    case Error::Code::protocol:
    case Error::Code::closed:
    case Error::Code::internal: return 0;
  }
  return 0;
}

std::string join_names(const CertificateInfo& certificate) {
  constexpr std::size_t kShown = 3;
  std::vector<std::string> names = certificate.dns_names;
  for (const std::string& address : certificate.ip_addresses) {  // many have each address as DNS entry too
    const auto is_same = [bytes = parse_ip(address)](const std::string& name) { return parse_ip(name) == bytes; };
    if (std::none_of(names.begin(), names.end(), is_same)) names.push_back(address);
  }
  if (names.empty()) names.push_back(certificate.subject_common_name);
  std::erase(names, std::string{});
  if (names.empty()) return "no host at all";
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) text += (i > 0 ? ", " : "") + printable(names[i]);
  if (names.size() > kShown) text += " and " + std::to_string(names.size() - kShown) + " more";
  return text;
}

}  // namespace

Verification::Verification(std::string_view peer, std::string_view host) : peer_{peer}, host_{host}, address_{parse_ip(host)} {}

void Verification::note(Error::Code code, std::string message) {
  if (!worst_ || severity(code) > severity(worst_->code)) worst_ = Error{code, std::move(message)};
}

void Verification::judge(const mbedtls_x509_crt& certificate, int depth, std::uint32_t& findings) {
  asked_ = true;
  if (depth == 0 && address_ && names_address(certificate, *address_)) findings &= ~std::uint32_t{MBEDTLS_X509_BADCERT_CN_MISMATCH};
  if (findings == 0) return;
  const CertificateInfo info = describe(certificate);
  const std::string which = depth == 0 ? "the " + peer_ + "'s certificate"
                                       : "'" + printable(info.subject_common_name) + "', an authority of the " + peer_ + "'s certificate,";
  if ((findings & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) {
    note(Error::Code::not_trusted,
         "the " + peer_ + "'s certificate comes from '" + printable(info.issuer_common_name) + "', which is not a trusted authority here");
  }
  if ((findings & MBEDTLS_X509_BADCERT_EXPIRED) != 0) {
    note(Error::Code::expired, which + " expired on " + date_text(info.not_after));
  }
  if ((findings & MBEDTLS_X509_BADCERT_FUTURE) != 0) {
    note(Error::Code::not_yet_valid, which + " is not valid before " + date_text(info.not_before) + "; is the clock of this machine right?");
  }
  if ((findings & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0) {
    note(Error::Code::wrong_host, "the " + peer_ + "'s certificate is for " + join_names(info) + ", not for " + printable(host_));
  }
  if ((findings & (MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY)) != 0) {
    note(Error::Code::not_trusted, which + " has a weak key or signature");
  }
}

std::optional<Error> Verification::verdict(std::uint32_t findings) const {
  if (findings == 0) return std::nullopt;
  if ((findings & MBEDTLS_X509_BADCERT_MISSING) != 0) {
    return Error{Error::Code::no_client_certificate, "the " + peer_ + " presented no certificate"};
  }
  if (worst_) return worst_;
  constexpr std::uint32_t kUsage = MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE | MBEDTLS_X509_BADCERT_NS_CERT_TYPE;
  if ((findings & kUsage) != 0) {
    return Error{Error::Code::not_trusted, "the " + peer_ + "'s certificate is not made for a " + peer_};
  }
  return Error{Error::Code::not_trusted, "the " + peer_ + "'s certificate is not acceptable"};
}

}  // namespace van::tls
