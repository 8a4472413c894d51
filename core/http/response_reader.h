#pragma once

#include <cstddef>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/expected.h"
#include "core/http/connection_facts.h"
#include "core/http/framing.h"
#include "core/http/head_text.h"

namespace van::http {

/// All texts look into the reader's memory.
struct ResponseHead {
  int minor = 1;
  int status = 0;           ///< 100 to 999
  std::string_view reason;  ///< may be empty
  Framing body;
  bool keep_alive = true;  ///< the connection may be used for another request when the message has ended
  ConnectionFacts connection;
  [[nodiscard]] bool interim() const { return status < 200 && status != 101; }  ///< another response follows
};

/// What of a request decides how the response to it ends (RFC 9112 §6.3).
struct Question {
  bool is_head = false;
  bool is_connect = false;
};

/// Reads the heads of responses, one after the other; as strict as RequestReader. A status line may lack the space before an empty
/// reason, which many servers leave out. Errors are for a 502.
class ResponseReader {
 public:
  /// As HeadText::feed(): up to the end of the head.
  Expected<std::size_t, Error> feed(ByteView octets, Question question);
  [[nodiscard]] bool whole() const { return text_.whole(); }
  [[nodiscard]] bool begun() const { return text_.begun(); }
  [[nodiscard]] const ResponseHead& head() const { return head_; }  ///< of a whole one
  [[nodiscard]] const Fields& fields() const { return text_.fields(); }
  void reset();

 private:
  Expected<void, Error> read(Question question);

  HeadText text_;
  ResponseHead head_;
};

}  // namespace van::http
