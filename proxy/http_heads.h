#pragma once

#include <string>

#include "core/http/request_reader.h"
#include "core/http/response_reader.h"
#include "proxy/http_ask.h"

namespace van::proxy {

/// The head by which a request goes on to its service. Its connection is for this request alone, unless it is to become another
/// protocol's (RFC 9110 §7.8).
std::string forwarded_request(const http::RequestHead& head, const http::Fields& fields, const HttpAsk& ask);

/// How a response goes back.
struct ClientSide {
  int minor = 1;            ///< of the client's version
  bool keep_alive = true;   ///< another request may follow
  bool chunks = true;       ///< a chunked response is handed on as it is
};
std::string forwarded_response(const http::ResponseHead& head, const http::Fields& fields, const ClientSide& client);

/// A response of our own.
struct HttpAnswer {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body = {};
};
std::string answer_head(const HttpAnswer& answer, const ClientSide& client);

}  // namespace van::proxy
