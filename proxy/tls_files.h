#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <spdlog/fwd.h>

#include "core/base/clock.h"
#include "core/io/error.h"
#include "core/tls/context.h"

namespace van::proxy {

/// Where the certificates of a local end are, as absolute paths of PEM files; empty: none.
struct TlsFiles {
  std::string certificate = {};  ///< with intermediates behind it
  std::string key = {};
  std::string authorities = {};  ///< that a target's certificate may come from; none: the system's
  bool verify_host = true;       ///< a target's certificate must name the host; its authority is always verified
  friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

enum class TlsSide { stand_in, target };

inline constexpr std::size_t kTlsFileBytes = 4u << 20;  ///< of one file; the system's authorities are some 200 kB

/// Contexts made of files that may be replaced at any time, as certificates are renewed: looked at again, at most once a second,
/// when a context is asked for. Files that can't be used any more are logged, and the contexts that were made of them go on.
class TlsContexts {
 public:
  /// `log` must outlive it. No file is read yet.
  TlsContexts(TlsFiles files, TlsSide side, spdlog::logger& log);

  /// `alpn`: for a target, the one protocol that is offered to it; empty: none. For a stand-in, as the constructor of
  /// TlsEntrance says. Errors: not_found, permission; other, when what is in the files can't be used or has expired.
  io::Result<std::shared_ptr<const tls::Context>> context(const std::vector<std::string>& alpn);

 private:
  struct Stamp {
    std::filesystem::file_time_type time;
    std::uintmax_t size = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  struct Texts {
    std::string certificate, key, authorities;
    ~Texts();
  };
  [[nodiscard]] std::vector<std::string> paths() const;
  [[nodiscard]] std::vector<Stamp> stamps() const;
  [[nodiscard]] io::Result<Texts> read() const;
  [[nodiscard]] io::Result<std::shared_ptr<const tls::Context>> make(const std::vector<std::string>& alpn) const;
  void look_again();

  TlsFiles files_;
  TlsSide side_;
  spdlog::logger& log_;
  std::vector<Stamp> seen_;
  TimePoint looked_;
  std::map<std::vector<std::string>, std::shared_ptr<const tls::Context>> made_;  ///< of the files as seen_
};

}  // namespace van::proxy
