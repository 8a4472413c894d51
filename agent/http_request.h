#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/expected.h"

namespace van::agent {

struct HttpRequest {
  std::string method;
  std::string path;                          ///< decoded, begins with '/'
  std::map<std::string, std::string> query;  ///< decoded; a name given twice is an error of the parser
  std::string body;
  bool keep_alive = true;
};

/// Why a request is refused. The connection has no boundary any more and is closed after the answer.
struct HttpError {
  int status = 400;
  std::string message;  ///< one line for people
};

/// Cuts a byte stream into HTTP/1.0 and 1.1 requests (RFC 9112). Bodies are held whole.
///
/// Feed it with push() in any split, then call next() until it gives nullopt. Limits: limits::kApiHeaderBytes for the request
/// line and headers (431), limits::kApiBodyBytes for the body (413). Bytes of later requests wait until next() comes to
/// them, so stop pushing while a request is being worked on.
class HttpRequestParser {
 public:
  HttpRequestParser();
  ~HttpRequestParser();
  HttpRequestParser(const HttpRequestParser&) = delete;
  HttpRequestParser& operator=(const HttpRequestParser&) = delete;

  void push(ByteView bytes);  ///< copies
  /// The next whole request; nullopt when more bytes are needed. After an error the same error again.
  Expected<std::optional<HttpRequest>, HttpError> next();
  /// Whether the client waits for "100 Continue" before it sends the body of the request at hand; once per request.
  bool take_expects_continue();
  /// Bytes pushed that next() has not come to.
  [[nodiscard]] std::size_t waiting_bytes() const;
  /// No byte of another request has come yet: the connection may be closed without loss.
  [[nodiscard]] bool between_requests() const;

 private:
  class Machine;
  std::unique_ptr<Machine> machine_;
};

/// Decodes %XX; '+' stays. nullopt for a broken escape, or one of a control character.
std::optional<std::string> decode_percent(std::string_view text);

}  // namespace van::agent
