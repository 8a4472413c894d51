#include "core/tls/certificate.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <set>

#include "core/tls/secure_random.h"
#include "tests/core/tls/fixtures.h"
#include "tests/core/tls/session_pair.h"
#include "tests/support/catch.h"

using namespace van;
using namespace std::chrono_literals;
using Code = tls::Error::Code;

namespace {

// libcrypto as an independent reader of what we write.
struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using X509Pointer = std::unique_ptr<X509, FreeX509>;

X509Pointer parse(const std::string& pem) {
  const std::unique_ptr<BIO, FreeX509> bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  X509Pointer certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)};
  REQUIRE(certificate != nullptr);
  return certificate;
}

/// "ok", or why not, in strict mode.
std::string verify(const std::string& leaf, const std::string& authority, int purpose) {
  const X509Pointer certificate = parse(leaf);
  const X509Pointer root = parse(authority);
  const std::unique_ptr<X509_STORE, FreeX509> store{X509_STORE_new()};
  X509_STORE_add_cert(store.get(), root.get());
  X509_STORE_set_flags(store.get(), X509_V_FLAG_X509_STRICT);
  const std::unique_ptr<X509_STORE_CTX, FreeX509> context{X509_STORE_CTX_new()};
  X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr);
  X509_STORE_CTX_set_purpose(context.get(), purpose);
  X509_verify_cert(context.get());
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

tls::LeafOptions server_options(std::vector<std::string> hosts) {
  return {.use = tls::LeafOptions::Use::server, .common_name = "server", .hosts = std::move(hosts), .now = test::today(), .validity = 1h};
}

}  // namespace

TEST_CASE("an authority says what it is", "[tls][certificate]") {
  tls::SystemRandom random;
  const tls::WallTime now{std::chrono::sys_days{std::chrono::year{2026} / 3 / 4} + 5h + 6min + 7s};
  const auto authority = tls::create_authority({.common_name = "site CA", .now = now, .validity = 24h * 365 * 30}, random);
  REQUIRE(authority);
  const auto info = tls::inspect(authority->certificate_pem);
  REQUIRE(info);
  CHECK(info->subject_common_name == "site CA");
  CHECK(info->issuer_common_name == "site CA");
  CHECK(info->is_ca);
  CHECK(info->not_before == now - tls::kBackdated);
  CHECK(info->not_after == now + 24h * 365 * 30);
  CHECK(info->dns_names.empty());
  CHECK(info->serial.size() == 32);
  CHECK(info->fingerprint_sha256.size() == 64);
  CHECK(tls::check_key_pair(authority->certificate_pem, authority->key_pem));
  CHECK(authority->key_pem.starts_with("-----BEGIN EC PRIVATE KEY-----"));
}

TEST_CASE("an independent library accepts what we issue, for its use only", "[tls][certificate]") {
  tls::SystemRandom random;
  const tls::Issued authority = test::make_authority(random);
  const tls::Issued server = test::make_server(authority, {"a.example", "10.1.2.3", "fd00::12"}, random);
  const tls::Issued client = test::make_client(authority, random);
  CHECK(verify(server.certificate_pem, authority.certificate_pem, X509_PURPOSE_SSL_SERVER) == "ok");
  CHECK(verify(client.certificate_pem, authority.certificate_pem, X509_PURPOSE_SSL_CLIENT) == "ok");
  CHECK(verify(server.certificate_pem, authority.certificate_pem, X509_PURPOSE_SSL_CLIENT) != "ok");
  CHECK(verify(client.certificate_pem, authority.certificate_pem, X509_PURPOSE_SSL_SERVER) != "ok");
  CHECK(verify(server.certificate_pem, test::make_authority(random).certificate_pem, X509_PURPOSE_SSL_SERVER) != "ok");

  const X509Pointer parsed = parse(server.certificate_pem);
  CHECK(X509_check_host(parsed.get(), "a.example", 0, 0, nullptr) == 1);
  CHECK(X509_check_host(parsed.get(), "b.example", 0, 0, nullptr) == 0);
  CHECK(X509_check_ip_asc(parsed.get(), "10.1.2.3", 0) == 1);
  CHECK(X509_check_ip_asc(parsed.get(), "fd00::12", 0) == 1);
  CHECK(X509_check_ip_asc(parsed.get(), "fd00::13", 0) == 0);
  CHECK(X509_get_version(parsed.get()) == X509_VERSION_3);
  CHECK((X509_get_key_usage(parsed.get()) & KU_DIGITAL_SIGNATURE) != 0);
  CHECK((X509_get_key_usage(parsed.get()) & (KU_KEY_CERT_SIGN | KU_KEY_ENCIPHERMENT)) == 0);
  CHECK(X509_get_signature_nid(parsed.get()) == NID_ecdsa_with_SHA256);
  CHECK(X509_get_pathlen(parse(authority.certificate_pem).get()) == 0);
}

TEST_CASE("an address is in a certificate as IP and as DNS entry", "[tls][certificate]") {
  tls::SystemRandom random;
  const tls::Issued server = test::make_server(test::make_authority(random), {"127.0.0.1", "a.example", "*.b.example", "fd00::12"}, random);
  const auto info = tls::inspect(server.certificate_pem);
  REQUIRE(info);
  CHECK(info->dns_names == std::vector<std::string>{"127.0.0.1", "a.example", "*.b.example", "fd00::12"});
  CHECK(info->ip_addresses == std::vector<std::string>{"127.0.0.1", "fd00:0:0:0:0:0:0:12"});
  CHECK_FALSE(info->is_ca);
}

TEST_CASE("a client certificate has no names", "[tls][certificate]") {
  tls::SystemRandom random;
  const tls::Issued authority = test::make_authority(random);
  const auto info = tls::inspect(test::make_client(authority, random).certificate_pem);
  REQUIRE(info);
  CHECK(info->dns_names.empty());
  CHECK(info->ip_addresses.empty());
  CHECK(info->issuer_common_name == "test authority");
  tls::LeafOptions options = server_options({"a.example"});
  options.use = tls::LeafOptions::Use::client;
  const auto named = tls::issue(authority, options, random);
  REQUIRE_FALSE(named);
  CHECK(named.error().code == Code::bad_name);
}

TEST_CASE("a user's RSA authority signs, and the issuer is its subject byte by byte", "[tls][certificate]") {
  tls::SystemRandom random;
  const tls::Issued authority{std::string{test::kRsaAuthorityPem}, std::string{test::kRsaAuthorityKeyPkcs1}};
  const auto server = tls::issue(authority, server_options({"a.example"}), random);
  REQUIRE(server);
  CHECK(verify(server->certificate_pem, authority.certificate_pem, X509_PURPOSE_SSL_SERVER) == "ok");
  const X509Pointer leaf = parse(server->certificate_pem);
  const X509Pointer root = parse(authority.certificate_pem);
  const auto der = [](const X509_NAME* name) {
    const unsigned char* bytes = nullptr;
    std::size_t count = 0;
    REQUIRE(X509_NAME_get0_der(name, &bytes, &count) == 1);
    return to_bytes({bytes, count});
  };
  CHECK(der(X509_get_issuer_name(leaf.get())) == der(X509_get_subject_name(root.get())));
  const ASN1_OCTET_STRING* identifier = X509_get0_authority_key_id(leaf.get());
  REQUIRE(identifier != nullptr);
  CHECK(to_bytes({ASN1_STRING_get0_data(identifier), static_cast<std::size_t>(ASN1_STRING_length(identifier))}) == Bytes{1, 2, 3});
}

TEST_CASE("an issued certificate does not outlive its authority", "[tls][certificate]") {
  tls::SystemRandom random;
  const tls::Issued authority = test::make_authority(random);
  tls::LeafOptions options = server_options({"a.example"});
  options.validity = 24h * 365;
  const auto leaf = tls::issue(authority, options, random);
  REQUIRE(leaf);
  CHECK(tls::inspect(leaf->certificate_pem)->not_after == tls::inspect(authority.certificate_pem)->not_after);
  options.now += 24h * 365;
  const auto late = tls::issue(authority, options, random);
  REQUIRE_FALSE(late);
  CHECK(late.error().code == Code::expired);
}

TEST_CASE("dates on both sides of 2050 are written right", "[tls][certificate]") {
  tls::SystemRandom random;
  const tls::WallTime now{std::chrono::sys_days{std::chrono::year{2049} / 12 / 31} + 23h + 59min + 58s};
  const auto authority = tls::create_authority({.common_name = "late", .now = now, .validity = 3s}, random);
  REQUIRE(authority);
  const auto info = tls::inspect(authority->certificate_pem);
  REQUIRE(info);
  CHECK(info->not_before == now - 1h);
  CHECK(info->not_after == now + 3s);
}

TEST_CASE("serial numbers are positive, of one length, and never the same", "[tls][certificate]") {
  tls::SystemRandom random;
  const tls::Issued authority = test::make_authority(random);
  std::set<std::string> serials;
  for (int i = 0; i < 20; ++i) {
    const auto info = tls::inspect(test::make_client(authority, random).certificate_pem);
    REQUIRE(info);
    CHECK(info->serial.size() == 32);
    CHECK((info->serial[0] >= '4' && info->serial[0] <= '7'));
    serials.insert(info->serial);
  }
  CHECK(serials.size() == 20);
}

TEST_CASE("a common name is cut to 64 characters, not bytes", "[tls][certificate]") {
  tls::SystemRandom random;
  std::string name;
  for (int i = 0; i < 70; ++i) name += "\xc3\xa9";
  const auto info = tls::inspect(test::make_authority(random, name).certificate_pem);
  REQUIRE(info);
  CHECK(info->subject_common_name == name.substr(0, 128));
}

TEST_CASE("a common name may have any characters that names have", "[tls][certificate]") {
  tls::SystemRandom random;
  const std::string name = "a, CN=b+c=\"d\"\\ #e";
  const auto info = tls::inspect(test::make_authority(random, name).certificate_pem);
  REQUIRE(info);
  CHECK(info->subject_common_name == name);
}

TEST_CASE("names that can't stand in a certificate are refused", "[tls][certificate]") {
  tls::SystemRandom random;
  for (const std::string& name : {std::string{}, std::string{"a\nb"}, std::string{"\xff"}, std::string{"\xc3"}, std::string{"a\0b", 3}}) {
    const auto authority = tls::create_authority({.common_name = name, .now = test::today(), .validity = 1h}, random);
    REQUIRE_FALSE(authority);
    CHECK(authority.error().code == Code::bad_name);
  }
  const tls::Issued authority = test::make_authority(random);
  for (const std::string& host : {std::string{}, std::string{"a b"}, std::string{"[::1]"}, std::string{"a..b"}, std::string{"https://a"},
                                  std::string{"a.*.b"}, std::string{"*"}, std::string(254, 'a'), std::string{"10.0.0.0/8"}}) {
    CAPTURE(host);
    const auto leaf = tls::issue(authority, server_options({host}), random);
    REQUIRE_FALSE(leaf);
    CHECK(leaf.error().code == Code::bad_name);
  }
}

TEST_CASE("a certificate takes as many hosts as allowed, of any length, and no more", "[tls][certificate]") {
  tls::SystemRandom random;
  const tls::Issued authority = test::make_authority(random);
  const std::string label(61, 'x');
  std::vector<std::string> hosts;
  for (std::size_t i = 0; i < tls::kHostsMax; ++i) hosts.push_back(std::to_string(i) + "." + label + "." + label + "." + label + "." + label);
  const auto leaf = tls::issue(authority, server_options(hosts), random);
  REQUIRE(leaf);
  CHECK(tls::inspect(leaf->certificate_pem)->dns_names == hosts);
  hosts.push_back("one.more");
  CHECK_FALSE(tls::issue(authority, server_options(hosts), random));
}

TEST_CASE("keys are checked against certificates in all their forms", "[tls][certificate]") {
  CHECK(tls::check_key_pair(test::kLeafPem, test::kLeafKeyPkcs1));
  CHECK(tls::check_key_pair(test::kBarePem, test::kBareKeyPkcs8));
  const auto swapped = tls::check_key_pair(test::kLeafPem, test::kBareKeyPkcs8);
  REQUIRE_FALSE(swapped);
  CHECK(swapped.error().code == Code::key_mismatch);
  const auto no_key = tls::check_key_pair(test::kLeafPem, "");
  REQUIRE_FALSE(no_key);
  CHECK(no_key.error().code == Code::bad_key);
  const auto no_certificate = tls::check_key_pair("nothing", test::kLeafKeyPkcs1);
  REQUIRE_FALSE(no_certificate);
  CHECK(no_certificate.error().code == Code::bad_certificate_file);
}

TEST_CASE("all certificates of a file are read, in order", "[tls][certificate]") {
  const auto all = tls::inspect_all("text before\n" + std::string{test::kLeafPem} + "\r\n" + std::string{test::kIntermediatePem});
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  CHECK(all->at(0).subject_common_name == "fixture leaf");
  CHECK(all->at(0).ip_addresses == std::vector<std::string>{"127.0.0.1", "0:0:0:0:0:0:0:1"});
  CHECK(all->at(1).is_ca);
  CHECK(all->at(0).issuer_common_name == all->at(1).subject_common_name);
  CHECK_FALSE(tls::inspect_all(std::string{test::kLeafPem} + std::string{test::kEd25519AuthorityPem}));
}

TEST_CASE("a certificate cut at any length, or with any byte changed, is read or refused", "[tls][certificate]") {
  const std::string pem{test::kBarePem};
  for (std::size_t length = 0; length + 20 < pem.size(); ++length) CHECK_FALSE(tls::inspect(std::string_view{pem}.substr(0, length)));
  for (std::size_t place = 28; place < pem.size(); ++place) {
    std::string changed = pem;
    changed[place] = changed[place] == 'A' ? 'B' : 'A';
    static_cast<void>(tls::inspect(changed));
  }
}
