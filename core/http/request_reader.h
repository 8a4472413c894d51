#pragma once

#include <cstddef>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/expected.h"
#include "core/http/connection_facts.h"
#include "core/http/framing.h"
#include "core/http/head_text.h"
#include "core/http/target.h"

namespace van::http {

/// All texts look into the reader's memory.
struct RequestHead {
  std::string_view method;
  std::string_view target_text;  ///< as it was written
  Target target;
  int minor = 1;                 ///< of the version, HTTP/1.minor
  std::string_view host;         ///< Host, or the target's authority where it has one; may be empty
  Framing body;
  bool keep_alive = true;        ///< another request may follow
  bool expects_continue = false;  ///< 100-continue, of a request with content
  ConnectionFacts connection;
  [[nodiscard]] bool is_head() const { return method == "HEAD"; }
  [[nodiscard]] bool is_connect() const { return method == "CONNECT"; }
};

/// Reads the heads of requests, one after the other (RFC 9112 §2 to §6). Strict where two readers could disagree on where a message
/// ends: such a request is refused (400), so that nothing can be smuggled past us. Errors name the status of the answer; limits are
/// HeadText's.
class RequestReader {
 public:
  /// As HeadText::feed(): up to the end of the head. The error of the same head comes once.
  Expected<std::size_t, Error> feed(ByteView octets);
  [[nodiscard]] bool whole() const { return text_.whole(); }
  [[nodiscard]] bool begun() const { return text_.begun(); }
  [[nodiscard]] const RequestHead& head() const { return head_; }    ///< of a whole one
  [[nodiscard]] const Fields& fields() const { return text_.fields(); }
  void reset();  ///< for the next one

 private:
  Expected<void, Error> read_line();
  Expected<void, Error> read_fields();

  HeadText text_;
  RequestHead head_;
};

}  // namespace van::http
