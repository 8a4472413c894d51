#include "proxy/tls_files.h"

#include <array>
#include <cerrno>
#include <fstream>
#include <utility>

#include "core/io/loop.h"
#include "core/link/log.h"
#include "core/tls/certificate.h"

namespace van::proxy {
namespace {

constexpr std::chrono::seconds kLookAgain{1};

/// Where systems keep the authorities that they trust, in one file.
constexpr std::array<const char*, 5> kSystemAuthorities{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                                        "/etc/ssl/ca-bundle.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                                                        "/etc/ssl/cert.pem"};

io::Result<std::string> read_file(const std::string& path) {
  if (path.empty()) return std::string{};
  errno = 0;
  std::ifstream file{path, std::ios::binary};
  std::string text(kTlsFileBytes + 1, '\0');
  if (!file || !(file.read(text.data(), static_cast<std::streamsize>(text.size())) || file.eof()))
    return Unexpected{io::error_from_errno(errno != 0 ? errno : EIO, "read " + path)};
  if (file.gcount() > static_cast<std::streamsize>(kTlsFileBytes))
    return Unexpected{io::Error{io::Error::Code::other, path + " is no file of certificates: it is too large"}};
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

io::Error of_file(const std::string& path, const tls::Error& error) { return {io::Error::Code::other, path + ": " + error.message}; }

/// Our own certificate; a peer would refuse it at each connection.
io::Result<void> check_dates(const std::string& path, std::string_view certificate) {
  const auto info = tls::inspect(certificate);
  if (!info) return Unexpected{of_file(path, info.error())};
  const auto now = io::Loop::wall_clock();
  if (info->not_after < now) return Unexpected{io::Error{io::Error::Code::other, path + ": the certificate has expired"}};
  if (info->not_before > now) return Unexpected{io::Error{io::Error::Code::other, path + ": the certificate is not valid yet"}};
  return {};
}

std::string system_authorities() {
  std::error_code error;
  for (const char* path : kSystemAuthorities)
    if (std::filesystem::exists(path, error)) return path;
  return {};
}

}  // namespace

TlsContexts::Texts::~Texts() { std::fill(key.begin(), key.end(), '\0'); }

TlsContexts::TlsContexts(TlsFiles files, TlsSide side, spdlog::logger& log) : files_{std::move(files)}, side_{side}, log_{log} {
  if (side_ == TlsSide::target && files_.authorities.empty()) files_.authorities = system_authorities();
}

io::Result<std::shared_ptr<const tls::Context>> TlsContexts::context(const std::vector<std::string>& alpn) {
  look_again();
  const auto found = made_.find(alpn);
  if (found != made_.end()) return found->second;
  auto made = make(alpn);
  if (made) made_[alpn] = *made;
  return made;
}

std::vector<std::string> TlsContexts::paths() const { return {files_.certificate, files_.key, files_.authorities}; }

std::vector<TlsContexts::Stamp> TlsContexts::stamps() const {
  std::vector<Stamp> stamps;
  for (const std::string& path : paths()) {
    std::error_code error;
    Stamp stamp;
    stamp.time = std::filesystem::last_write_time(path, error);
    stamp.size = std::filesystem::file_size(path, error);
    stamps.push_back(stamp);
  }
  return stamps;
}

/// Contexts of files that have changed are made anew, all or none: a certificate and its key are not replaced in one moment.
void TlsContexts::look_again() {
  const TimePoint now = io::Loop::now();
  if (!seen_.empty() && now - looked_ < kLookAgain) return;
  looked_ = now;
  if (std::vector<Stamp> stamps_now = stamps(); std::exchange(seen_, stamps_now) == stamps_now) return;
  decltype(made_) anew;
  for (const auto& [alpn, context] : made_) {
    auto made = make(alpn);
    if (!made) return log_.warn("certificate not renewed why=\"{}\"", made.error().message);
    anew[alpn] = *std::move(made);
  }
  if (!anew.empty()) log_.info("certificate read again file={}", files_.certificate.empty() ? files_.authorities : files_.certificate);
  made_ = std::move(anew);
}

io::Result<TlsContexts::Texts> TlsContexts::read() const {
  Texts texts;
  for (const auto& [path, text] : {std::pair{&files_.certificate, &texts.certificate}, {&files_.key, &texts.key}, {&files_.authorities, &texts.authorities}}) {
    auto read = read_file(*path);
    if (!read) return Unexpected{read.error()};
    *text = *std::move(read);
  }
  return texts;
}

io::Result<std::shared_ptr<const tls::Context>> TlsContexts::make(const std::vector<std::string>& alpn) const {
  if (side_ == TlsSide::target && files_.authorities.empty())
    return Unexpected{io::Error{io::Error::Code::not_found, "this system has no file of trusted authorities; name one"}};
  const auto texts = read();
  if (!texts) return Unexpected{texts.error()};
  if (!files_.certificate.empty()) {
    if (const auto good = check_dates(files_.certificate, texts->certificate); !good) return Unexpected{good.error()};
  }
  auto context = side_ == TlsSide::stand_in
                     ? tls::Context::server({.ca_pem = {}, .certificate_pem = texts->certificate, .key_pem = texts->key, .anonymous_clients = true, .alpn = alpn})
                     : tls::Context::client({.ca_pem = texts->authorities,
                                             .certificate_pem = texts->certificate,
                                             .key_pem = texts->key,
                                             .verify_host = files_.verify_host,
                                             .alpn = alpn});
  if (context) return std::shared_ptr<const tls::Context>{*std::move(context)};
  using Code = tls::Error::Code;
  const Code code = context.error().code;
  const bool of_key = code == Code::bad_key || code == Code::key_mismatch;
  return Unexpected{of_file(of_key ? files_.key : side_ == TlsSide::stand_in ? files_.certificate : files_.authorities, context.error())};
}

}  // namespace van::proxy
