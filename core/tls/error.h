#pragma once

#include <string>

namespace van::tls {

/// What went wrong with a certificate, a key or a TLS connection. `message` is one line for people; names that
/// came from the peer are escaped and cut in it.
struct Error {
  enum class Code {
    bad_certificate_file,   ///< PEM that holds no certificate we can read
    bad_key,                ///< PEM that holds no key we can read, or one with a password
    key_mismatch,           ///< the key does not belong to the certificate
    bad_name,               ///< a common name or host that can't stand in a certificate
    not_trusted,            ///< the peer's certificate has no trusted authority, or is not made for this use
    expired,                ///< the peer's certificate, or an authority above it
    not_yet_valid,          ///< the same; or this machine's clock is behind
    wrong_host,             ///< the server's certificate names other hosts than the one we dialled
    no_client_certificate,  ///< the client sent none, and we require one
    refused_by_peer,        ///< the peer sent a fatal alert; the message names it
    protocol,               ///< the peer does not speak TLS as we understand it, or its bytes were changed
    closed,                 ///< the connection ended without close_notify: data may be missing
    internal,               ///< anything else, such as no common cipher suite on our side
  };
  Code code = Code::internal;
  std::string message;
};

}  // namespace van::tls
