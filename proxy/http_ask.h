#pragma once

#include <cstdint>
#include <string>

#include "core/http/request_reader.h"

namespace van::proxy {

/// What a request to the port for HTTP clients wants.
struct HttpAsk {
  enum class Kind {
    tunnel,      ///< CONNECT: a connection to `host`
    forward,     ///< a request to the service at `host`
    start_page,  ///< what is there, for people
    pac,         ///< for browsers: which names we are the proxy of
    refuse,      ///< with `status` and `why`
  };
  Kind kind = Kind::refuse;
  std::string host = {};    ///< without port, as it was written
  std::uint16_t port = 0;   ///< asked for; 0: none
  std::string authority = {};  ///< for Host of what is forwarded; of our own pages: how the client calls us
  std::string target = {};  ///< of what is forwarded: origin or asterisk form (RFC 9112 §3.2.2, §3.2.4)
  int status = 0;
  std::string why = {};
};

/// CONNECT and the absolute form are for a proxy. A path alone is for whom Host names: NAME.localhost is a service, localhost and IP
/// addresses are ourselves, and anything else is refused (421), so that no web page reaches us by a name of its own (DNS rebinding).
HttpAsk read_ask(const http::RequestHead& head);

}  // namespace van::proxy
