#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/expected.h"

namespace van::cli {

/// Reads one HTTP/1.1 answer from bytes in any split: RFC 9112, what a client of the control API needs of it. Bodies
/// come by Content-Length, chunked, or up to the end of the connection; interim answers (1xx) are skipped. Strict: a
/// line that is not ended by CR LF, a header without a colon, two lengths are errors.
///
/// Bounds: kApiHeaderBytes for status line, headers and trailers; kBodyBytesMax for the body that was not taken yet.
class HttpResponse {
 public:
  static constexpr std::size_t kBodyBytesMax = 64u << 20;  ///< a status of the largest network we route for

  /// Errors, one line for people; after one the answer is of no use.
  Expected<void, std::string> push(std::string_view bytes);
  /// The peer closed the connection. An error when that cuts the answer short.
  Expected<void, std::string> finish();

  [[nodiscard]] bool has_head() const { return part_ > Part::headers; }
  [[nodiscard]] bool done() const { return part_ == Part::done; }
  /// 100 to 599; 0 until has_head().
  [[nodiscard]] int status() const { return has_head() ? status_ : 0; }
  /// The body so far, or since the last call; it is not bounded as a whole when taken in pieces.
  std::string take_body();

 private:
  enum class Part { status_line, headers, body_by_length, chunk_size, chunk, chunk_end, trailers, body_to_end, done };

  Expected<void, std::string> take_line(std::string_view line);
  Expected<void, std::string> take_status_line(std::string_view line);
  Expected<void, std::string> take_header(std::string_view line);
  Expected<void, std::string> take_chunk_size(std::string_view line);
  void end_headers();
  /// Body bytes off the front of `bytes`; how many.
  Expected<std::size_t, std::string> take_body_bytes(std::string_view bytes);
  [[nodiscard]] bool wants_line() const;

  Part part_ = Part::status_line;
  int status_ = 0;
  bool chunked_ = false;
  bool has_length_ = false;
  std::uint64_t left_ = 0;      ///< bytes of the body or chunk still to come
  std::string line_;            ///< of the head or of chunk framing, not whole yet
  std::size_t line_bytes_ = 0;  ///< of all lines since the answer or its chunk began
  std::string body_;
};

}  // namespace van::cli
