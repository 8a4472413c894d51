#pragma once

#include <string>
#include <string_view>

#include "core/http/forwarded.h"
#include "core/http/request_reader.h"
#include "core/http/response_reader.h"

namespace van::http {

struct RequestForwarding {
  Forwarded forwarded = Forwarded::none;
  std::string client = {};     ///< IP address without brackets; empty: unknown
  std::string host = {};       ///< in place of a Host that HTTP/1.0 leaves out
  bool secure = false;         ///< the client came by TLS
  bool close_server = false;   ///< the server is asked to end its connection after the answer
};

/// Appends the head of a request as a gateway sends it on (RFC 9110 §7.6, RFC 9112 §3): in origin form and with the Host that counts,
/// without what was for the connection it came on. With `forwarded` it also says so in Via. Content goes on in the form in which it
/// came.
void write_request(std::string& text, const RequestHead& head, const Fields& fields, const RequestForwarding& how);

/// The form in which content of a response goes on to a client.
enum class Coding {
  as_it_came,
  into_chunks,  ///< its end is not told otherwise, and the connection goes on
  out_of_chunks,  ///< HTTP/1.0 knows none
};
Coding coding_for(const ResponseHead& head, int client_minor);
/// Appends the head of a response as a gateway sends it on. `keep_alive`: the client's connection goes on after it.
void write_response(std::string& text, const ResponseHead& head, const Fields& fields, int client_minor, bool keep_alive);

}  // namespace van::http
