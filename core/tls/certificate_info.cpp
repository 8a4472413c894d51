#include "core/tls/certificate_info.h"

#include <mbedtls/md.h>
#include <mbedtls/oid.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "core/tls/host_name.h"
#include "core/tls/pem.h"
#include "core/tls/secure_random.h"

namespace van::tls {
namespace {

// Context-specific tags of GeneralName, RFC 5280 §4.2.1.6.
constexpr int kDnsEntry = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2;
constexpr int kIpEntry = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7;

ByteView bytes_of(const mbedtls_asn1_buf& buffer) { return {buffer.p, buffer.len}; }

template <class Visit>
void for_each_name(const mbedtls_x509_crt& certificate, Visit visit) {
  for (const mbedtls_x509_sequence* entry = &certificate.subject_alt_names; entry != nullptr; entry = entry->next) {
    if (entry->buf.p != nullptr) visit(entry->buf.tag, bytes_of(entry->buf));
  }
}

std::string fingerprint(const mbedtls_x509_crt& certificate) {
  std::array<std::uint8_t, 32> digest{};
  mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), certificate.raw.p, certificate.raw.len, digest.data());
  return hexadecimal(digest);
}

}  // namespace

WallTime wall_time(const mbedtls_x509_time& time) {
  using namespace std::chrono;
  if (time.year > 2261) return WallTime{sys_days{year{2261} / December / 31}};
  if (time.year < 1700) return WallTime{sys_days{year{1700} / January / 1}};
  const sys_days day = year{time.year} / month{static_cast<unsigned>(time.mon)} / std::chrono::day{static_cast<unsigned>(time.day)};
  return WallTime{day} + hours{time.hour} + minutes{time.min} + seconds{time.sec};
}

std::string date_text(WallTime time) {
  using namespace std::chrono;
  const year_month_day date{floor<days>(time)};
  const auto two_digits = [](unsigned number) { return (number < 10 ? "-0" : "-") + std::to_string(number); };
  return std::to_string(static_cast<int>(date.year())) + two_digits(static_cast<unsigned>(date.month())) +
         two_digits(static_cast<unsigned>(date.day()));
}

std::string common_name(const mbedtls_x509_name& name) {
  std::string result;
  for (const mbedtls_x509_name* part = &name; part != nullptr; part = part->next) {
    if (part->oid.p != nullptr && MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) == 0) result = as_text(bytes_of(part->val));
  }
  return result;
}

bool names_address(const mbedtls_x509_crt& certificate, ByteView address) {
  bool found = false;
  for_each_name(certificate, [&found, address](int tag, ByteView value) {
    found = found || (tag == kIpEntry && std::equal(value.begin(), value.end(), address.begin(), address.end()));
  });
  return found;
}

CertificateInfo describe(const mbedtls_x509_crt& certificate) {
  CertificateInfo info;
  info.subject_common_name = common_name(certificate.subject);
  info.issuer_common_name = common_name(certificate.issuer);
  info.not_before = wall_time(certificate.valid_from);
  info.not_after = wall_time(certificate.valid_to);
  for_each_name(certificate, [&info](int tag, ByteView value) {
    if (tag == kDnsEntry) info.dns_names.emplace_back(as_text(value));
    if (tag == kIpEntry) info.ip_addresses.push_back(ip_text(value));
  });
  info.is_ca = certificate.MBEDTLS_PRIVATE(ca_istrue) != 0;
  info.serial = hexadecimal(bytes_of(certificate.serial));
  info.fingerprint_sha256 = fingerprint(certificate);
  return info;
}

Expected<std::vector<CertificateInfo>, Error> inspect_all(std::string_view certificates_pem) {
  CertificateChain chain;
  if (const auto read = read_certificates(certificates_pem, chain); !read) return Unexpected{read.error()};
  std::vector<CertificateInfo> all;
  for (const mbedtls_x509_crt* certificate = chain.get(); certificate != nullptr; certificate = certificate->next) {
    all.push_back(describe(*certificate));
  }
  return all;
}

Expected<CertificateInfo, Error> inspect(std::string_view certificate_pem) {
  CertificateChain chain;
  if (const auto read = read_authorities(certificate_pem, chain); !read) return Unexpected{read.error()};
  return describe(*chain.get());
}

Expected<void, Error> check_key_pair(std::string_view certificate_pem, std::string_view key_pem) {
  CertificateChain chain;
  Key key;
  SystemRandom random;
  if (const auto read = read_authorities(certificate_pem, chain); !read) return Unexpected{read.error()};
  if (const auto read = read_key(key_pem, key, random); !read) return Unexpected{read.error()};
  return check_match(chain, key, random);
}

}  // namespace van::tls
