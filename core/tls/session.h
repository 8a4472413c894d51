#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/expected.h"
#include "core/base/slice.h"
#include "core/tls/certificate.h"
#include "core/tls/context.h"
#include "core/tls/error.h"

namespace van::tls {

/// Who is at the other end, known once the handshake is done.
struct Peer {
  std::optional<CertificateInfo> certificate;  ///< nullopt: an anonymous client
  std::string version;                         ///< "TLS 1.2"
  std::string cipher;                          ///< "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256"
  std::string alpn;                            ///< RFC 7301; empty: nothing was agreed on
  bool resumed = false;                        ///< the certificate was verified in an earlier session
};

/// One TLS connection over memory. Per turn: receive() what the socket had, read() until it gives nullopt, write()
/// what is to be sent, and send output(). Whatever arrived is worked off inside read(), the handshake too (a few
/// milliseconds of CPU per side).
///
/// The first error stays: read() and write() repeat it, and what is then in output(), an alert, is still worth
/// sending. Holds as much ciphertext as receive() was given since the last read(); limit that by reading.
class Session {
 public:
  /// Client: `peer_host` is what we dialled, a name or an IP address without brackets; it becomes the SNI and must be
  /// in the server's certificate: a DNS entry, an IP entry, or the common name (control-plane 1.2). Asserts
  /// that a client has one. The first flight is in output() at once. Server: leave it empty.
  explicit Session(const Context& context, std::string_view peer_host = {});
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  /// The octets become the session's, which may overwrite them: the slice must be the only one that shows them.
  void receive(Slice ciphertext);
  /// The socket's end of file. Without close_notify before it, read() gives Code::closed once all is read.
  void receive_end();

  /// Plaintext of one record or more; nullopt: more input is needed, or peer_closed().
  Expected<std::optional<Slice>, Error> read();
  /// Seals `plaintext` from its front into output(), in records of up to 16 KiB that gather small slices, until it is
  /// empty or at least `output_limit` bytes wait in output(). Before handshake_done() it takes nothing.
  Expected<void, Error> write(SliceQueue& plaintext, std::size_t output_limit = std::numeric_limits<std::size_t>::max());
  /// Says that we send nothing more; write() asserts after it. Nothing happens before the handshake or after an error.
  void close_notify();
  /// Bytes for the socket: the caller takes them off.
  SliceQueue& output();

  [[nodiscard]] bool handshake_done() const;
  /// The peer sent close_notify, and everything before it was read.
  [[nodiscard]] bool peer_closed() const;
  /// Asserts handshake_done().
  [[nodiscard]] const Peer& peer() const;

  /// True from 2^24 records in either direction: replace the connection soon (tls-records B5). At 2^24.5 sent,
  /// write() fails with Code::internal.
  [[nodiscard]] bool needs_replacement() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace van::tls
