#include "core/tls/certificate.h"

#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/platform.h>
#include <mbedtls/platform_util.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "core/base/assert.h"
#include "core/tls/certificate_extensions.h"
#include "core/tls/certificate_info.h"
#include "core/tls/host_name.h"
#include "core/tls/pem.h"
#include "core/tls/secure_random.h"

namespace van::tls {
namespace {

constexpr std::size_t kCommonNameCharacters = 64;
constexpr std::size_t kSerialBytes = 16;
constexpr std::size_t kCertificateBytes = 4096;  // without the hosts: some 800 bytes with RSA signature

Error internal(const char* doing, int code) { return Error{Error::Code::internal, std::string{doing} + ": " + library_error(code)}; }

/// The text up to its 64th character; nullopt when it is empty, not UTF-8, or has control characters.
std::optional<std::string> usable_common_name(std::string_view text) {
  std::size_t at = 0;
  for (std::size_t characters = 0; at < text.size() && characters < kCommonNameCharacters; ++characters) {
    const auto lead = static_cast<std::uint8_t>(text[at]);
    if (lead < 0x20 || lead == 0x7f) return std::nullopt;
    const std::size_t length = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
    if (length == 0 || length > text.size() - at) return std::nullopt;
    for (std::size_t i = 1; i < length; ++i) {
      if ((static_cast<std::uint8_t>(text[at + i]) & 0xc0) != 0x80) return std::nullopt;
    }
    at += length;
  }
  if (at == 0) return std::nullopt;
  return std::string{text.substr(0, at)};
}

unsigned char* copied(ByteView bytes) {
  auto* memory = static_cast<unsigned char*>(mbedtls_calloc(1, std::max<std::size_t>(bytes.size(), 1)));
  VAN_ASSERT(memory != nullptr);
  if (!bytes.empty()) std::memcpy(memory, bytes.data(), bytes.size());
  return memory;
}

/// Adds one attribute in front: the writer fills its buffer from the end, so the first in the list is the last
/// in the certificate. By hand and not by the library's text form, which merges equal attributes and forgets
/// the kind of string: an issuer that differs from the authority's subject by one byte is another to Go.
void push_attribute(mbedtls_asn1_named_data*& names, ByteView oid, int tag, ByteView value) {
  auto* node = static_cast<mbedtls_asn1_named_data*>(mbedtls_calloc(1, sizeof(mbedtls_asn1_named_data)));
  VAN_ASSERT(node != nullptr);
  node->oid.tag = MBEDTLS_ASN1_OID;
  node->oid.len = oid.size();
  node->oid.p = copied(oid);
  node->val.tag = tag;
  node->val.len = value.size();
  node->val.p = copied(value);
  node->next = names;
  names = node;
}

void push_common_name(mbedtls_asn1_named_data*& names, std::string_view text) {
  push_attribute(names, as_bytes({MBEDTLS_OID_AT_CN, MBEDTLS_OID_SIZE(MBEDTLS_OID_AT_CN)}), MBEDTLS_ASN1_UTF8_STRING, as_bytes(text));
}

void copy_name(mbedtls_asn1_named_data*& names, const mbedtls_x509_name& from) {
  for (const mbedtls_x509_name* part = &from; part != nullptr; part = part->next) {
    if (part->oid.p == nullptr) continue;
    push_attribute(names, {part->oid.p, part->oid.len}, part->val.tag, {part->val.p, part->val.len});
  }
}

std::string time_text(WallTime time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const hh_mm_ss clock{floor<seconds>(time - day)};
  std::string text = date_text(time);
  std::erase(text, '-');
  for (const auto part : {clock.hours().count(), clock.minutes().count(), static_cast<long>(clock.seconds().count())}) {
    text += static_cast<char>('0' + part / 10);
    text += static_cast<char>('0' + part % 10);
  }
  return text;
}

int set_serial(CertificateWriter& writer, SecureRandom& random) {
  std::array<std::uint8_t, kSerialBytes> serial{};
  random.fill(serial);
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7f) | 0x40);  // positive, and always 16 bytes
#if MBEDTLS_VERSION_NUMBER >= 0x03040000
  return mbedtls_x509write_crt_set_serial_raw(writer.get(), serial.data(), serial.size());
#else
  Owned<mbedtls_mpi, mbedtls_mpi_init, mbedtls_mpi_free> number;
  if (const int read = mbedtls_mpi_read_binary(number.get(), serial.data(), serial.size()); read != 0) return read;
  return mbedtls_x509write_crt_set_serial(writer.get(), number.get());
#endif
}

int generate_key(Key& key, SecureRandom& random) {
  if (const int set = mbedtls_pk_setup(key.get(), mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)); set != 0) return set;
  return mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key.get()), fill_random, &random);
}

Expected<std::string, Error> key_text(Key& key) {
  std::array<unsigned char, 1024> buffer{};
  const int written = mbedtls_pk_write_key_pem(key.get(), buffer.data(), buffer.size());
  std::string text{reinterpret_cast<const char*>(buffer.data())};
  mbedtls_platform_zeroize(buffer.data(), buffer.size());
  if (written != 0) return Unexpected{internal("writing a key", written)};
  return text;
}

Expected<std::string, Error> certificate_text(CertificateWriter& writer, std::size_t hosts, SecureRandom& random) {
  // DER and PEM share the buffer: the one is written to its end, and the other takes 4/3 of its size.
  std::vector<unsigned char> buffer(2 * (kCertificateBytes + hosts * kHostBytes));
  const int written = mbedtls_x509write_crt_pem(writer.get(), buffer.data(), buffer.size(), fill_random, &random);
  if (written != 0) return Unexpected{internal("writing a certificate", written)};
  return std::string{reinterpret_cast<const char*>(buffer.data())};
}

/// What all our certificates have in common.
int set_common(CertificateWriter& writer, Key& subject_key, WallTime not_before, WallTime not_after, SecureRandom& random) {
  mbedtls_x509write_crt_set_md_alg(writer.get(), MBEDTLS_MD_SHA256);
  mbedtls_x509write_crt_set_subject_key(writer.get(), subject_key.get());
  if (const int result = set_serial(writer, random); result != 0) return result;
  if (const int result = mbedtls_x509write_crt_set_validity(writer.get(), time_text(not_before).c_str(), time_text(not_after).c_str());
      result != 0) {
    return result;
  }
  return mbedtls_x509write_crt_set_subject_key_identifier(writer.get());
}

int set_authority_extensions(CertificateWriter& writer) {
  constexpr unsigned kUsage = MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN | MBEDTLS_X509_KU_DIGITAL_SIGNATURE;
  if (const int result = mbedtls_x509write_crt_set_basic_constraints(writer.get(), 1, 0); result != 0) return result;
  if (const int result = mbedtls_x509write_crt_set_key_usage(writer.get(), kUsage); result != 0) return result;
  return mbedtls_x509write_crt_set_authority_key_identifier(writer.get());
}

int set_leaf_extensions(CertificateWriter& writer, const LeafOptions& options, const mbedtls_x509_crt& authority) {
  if (const int result = mbedtls_x509write_crt_set_basic_constraints(writer.get(), 0, -1); result != 0) return result;
  if (const int result = mbedtls_x509write_crt_set_key_usage(writer.get(), MBEDTLS_X509_KU_DIGITAL_SIGNATURE); result != 0) return result;
  if (const int result = set_extended_usage(writer, options.use); result != 0) return result;
  if (const int result = set_alternative_names(writer, options.hosts); result != 0) return result;
  return set_authority_key_identifier(writer, authority);
}

Expected<Issued, Error> sign(CertificateWriter& writer, Key& key, std::size_t hosts, SecureRandom& random) {
  auto certificate_pem = certificate_text(writer, hosts, random);
  if (!certificate_pem) return Unexpected{certificate_pem.error()};
  auto key_pem = key_text(key);
  if (!key_pem) return Unexpected{key_pem.error()};
  return Issued{std::move(*certificate_pem), std::move(*key_pem)};
}

Expected<void, Error> check_names(const LeafOptions& options) {
  if (options.use == LeafOptions::Use::client && !options.hosts.empty()) {
    return Unexpected{Error{Error::Code::bad_name, "a client's certificate has no host names"}};
  }
  if (options.hosts.size() > kHostsMax) {
    return Unexpected{Error{Error::Code::bad_name, "more than " + std::to_string(kHostsMax) + " hosts for one certificate"}};
  }
  for (const std::string& host : options.hosts) {
    if (!parse_ip(host) && !is_dns_name(host)) {
      return Unexpected{Error{Error::Code::bad_name, "'" + printable(host) + "' is neither a host name nor an IP address"}};
    }
  }
  return {};
}

Error bad_common_name(std::string_view name) {
  return Error{Error::Code::bad_name, "'" + printable(name) + "' can't be the name of a certificate"};
}

/// The authority's certificate and key, fit to sign.
Expected<void, Error> read_authority(const Issued& authority, WallTime now, CertificateChain& chain, Key& key, SecureRandom& random) {
  if (const auto read = read_authorities(authority.certificate_pem, chain); !read) return Unexpected{read.error()};
  if (const auto read = read_key(authority.key_pem, key, random); !read) return Unexpected{read.error()};
  if (const auto match = check_match(chain, key, random); !match) return Unexpected{match.error()};
  const std::string name = "the certificate of '" + printable(common_name(chain->subject)) + "'";
  if (chain->MBEDTLS_PRIVATE(ca_istrue) == 0) {
    return Unexpected{Error{Error::Code::bad_certificate_file, name + " is not one of an authority: it can't sign others"}};
  }
  if (wall_time(chain->valid_to) <= now) {
    return Unexpected{Error{Error::Code::expired, name + " expired on " + date_text(wall_time(chain->valid_to)) + ": it can't sign others"}};
  }
  return {};
}

}  // namespace

Expected<Issued, Error> create_authority(const AuthorityOptions& options, SecureRandom& random) {
  VAN_ASSERT(options.validity.count() > 0);
  const auto name = usable_common_name(options.common_name);
  if (!name) return Unexpected{bad_common_name(options.common_name)};
  if (const auto started = start_library(); !started) return Unexpected{started.error()};
  Key key;
  CertificateWriter writer;
  int result = generate_key(key, random);
  if (result != 0) return Unexpected{internal("making a key", result)};
  push_common_name(writer->MBEDTLS_PRIVATE(subject), *name);
  push_common_name(writer->MBEDTLS_PRIVATE(issuer), *name);
  mbedtls_x509write_crt_set_issuer_key(writer.get(), key.get());
  result = set_common(writer, key, options.now - kBackdated, options.now + options.validity, random);
  if (result == 0) result = set_authority_extensions(writer);
  if (result != 0) return Unexpected{internal("making a certificate", result)};
  return sign(writer, key, 0, random);
}

Expected<Issued, Error> issue(const Issued& authority, const LeafOptions& options, SecureRandom& random) {
  VAN_ASSERT(options.validity.count() > 0);
  const auto name = usable_common_name(options.common_name);
  if (!name) return Unexpected{bad_common_name(options.common_name)};
  if (const auto checked = check_names(options); !checked) return Unexpected{checked.error()};
  CertificateChain issuer;
  Key issuer_key;
  if (const auto read = read_authority(authority, options.now, issuer, issuer_key, random); !read) return Unexpected{read.error()};
  Key key;
  CertificateWriter writer;
  int result = generate_key(key, random);
  if (result != 0) return Unexpected{internal("making a key", result)};
  push_common_name(writer->MBEDTLS_PRIVATE(subject), *name);
  copy_name(writer->MBEDTLS_PRIVATE(issuer), issuer->subject);
  mbedtls_x509write_crt_set_issuer_key(writer.get(), issuer_key.get());
  const WallTime not_after = std::min(options.now + options.validity, wall_time(issuer->valid_to));
  result = set_common(writer, key, options.now - kBackdated, not_after, random);
  if (result == 0) result = set_leaf_extensions(writer, options, *issuer.get());
  if (result != 0) return Unexpected{internal("making a certificate", result)};
  return sign(writer, key, options.hosts.size(), random);
}

}  // namespace van::tls
