#include "core/tls/certificate_extensions.h"

#include <mbedtls/asn1write.h>
#include <mbedtls/oid.h>

#include <cstring>
#include <string_view>

#include "core/base/assert.h"
#include "core/base/bytes.h"
#include "core/tls/host_name.h"

namespace van::tls {
namespace {

/// DER from its end to its start, as the library's own writers do; knows only what alternative names need.
class DerWriter {
 public:
  explicit DerWriter(std::size_t capacity) : buffer_(capacity), at_{buffer_.data() + buffer_.size()} {}
  void wrap(std::uint8_t tag, std::size_t content_bytes) {
    VAN_ASSERT(mbedtls_asn1_write_len(&at_, buffer_.data(), content_bytes) > 0);
    VAN_ASSERT(mbedtls_asn1_write_tag(&at_, buffer_.data(), tag) > 0);
  }
  void raw(ByteView bytes) { VAN_ASSERT(mbedtls_asn1_write_raw_buffer(&at_, buffer_.data(), bytes.data(), bytes.size()) >= 0); }
  void element(std::uint8_t tag, ByteView bytes) {
    raw(bytes);
    wrap(tag, bytes.size());
  }
  [[nodiscard]] ByteView written() const { return {at_, static_cast<std::size_t>(buffer_.data() + buffer_.size() - at_)}; }

 private:
  Bytes buffer_;
  unsigned char* at_;
};

constexpr std::uint8_t kSequence = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE;
constexpr std::uint8_t kDnsEntry = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2;
constexpr std::uint8_t kIpEntry = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7;
constexpr std::uint8_t kKeyIdentifier = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 0;

int set_extension(CertificateWriter& writer, std::string_view oid, ByteView value) {
  return mbedtls_x509write_crt_set_extension(writer.get(), oid.data(), oid.size(), 0, value.data(), value.size());
}

/// The subject key identifier of a certificate, empty when it has none: walks the extensions, of which mbedTLS
/// 2.28 does not keep this one. The library has checked their structure.
ByteView subject_key_identifier(const mbedtls_x509_crt& certificate) {
  unsigned char* at = certificate.v3_ext.p;
  if (at == nullptr) return {};
  const unsigned char* end = at + certificate.v3_ext.len;
  std::size_t length = 0;
  if (mbedtls_asn1_get_tag(&at, end, &length, kSequence) != 0) return {};
  while (at < end) {
    if (mbedtls_asn1_get_tag(&at, end, &length, kSequence) != 0) return {};
    unsigned char* const next = at + length;
    mbedtls_asn1_buf oid{};
    int critical = 0;
    if (mbedtls_asn1_get_tag(&at, next, &oid.len, MBEDTLS_ASN1_OID) != 0) return {};
    oid.p = at;
    at += oid.len;
    mbedtls_asn1_get_bool(&at, next, &critical);
    if (mbedtls_asn1_get_tag(&at, next, &length, MBEDTLS_ASN1_OCTET_STRING) != 0) return {};
    if (MBEDTLS_OID_CMP(MBEDTLS_OID_SUBJECT_KEY_IDENTIFIER, &oid) == 0) {
      if (mbedtls_asn1_get_tag(&at, next, &length, MBEDTLS_ASN1_OCTET_STRING) != 0) return {};
      return {at, length};
    }
    at = next;
  }
  return {};
}

}  // namespace

int set_alternative_names(CertificateWriter& writer, const std::vector<std::string>& hosts) {
  if (hosts.empty()) return 0;
  DerWriter der{kHostBytes * hosts.size() + 16};
  for (auto host = hosts.rbegin(); host != hosts.rend(); ++host) {
    der.element(kDnsEntry, as_bytes(*host));
    if (const auto address = parse_ip(*host)) der.element(kIpEntry, *address);
  }
  der.wrap(kSequence, der.written().size());
  return set_extension(writer, {MBEDTLS_OID_SUBJECT_ALT_NAME, MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME)}, der.written());
}

int set_extended_usage(CertificateWriter& writer, LeafOptions::Use use) {
  const std::string_view purpose = use == LeafOptions::Use::server
                                       ? std::string_view{MBEDTLS_OID_SERVER_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)}
                                       : std::string_view{MBEDTLS_OID_CLIENT_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH)};
  DerWriter der{32};
  der.element(MBEDTLS_ASN1_OID, as_bytes(purpose));
  der.wrap(kSequence, der.written().size());
  return set_extension(writer, {MBEDTLS_OID_EXTENDED_KEY_USAGE, MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE)}, der.written());
}

int set_authority_key_identifier(CertificateWriter& writer, const mbedtls_x509_crt& authority) {
  const ByteView identifier = subject_key_identifier(authority);
  if (identifier.empty()) return 0;
  DerWriter der{identifier.size() + 16};
  der.element(kKeyIdentifier, identifier);
  der.wrap(kSequence, der.written().size());
  return set_extension(writer, {MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER, MBEDTLS_OID_SIZE(MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER)}, der.written());
}

}  // namespace van::tls
