#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/bytes.h"
#include "core/base/expected.h"
#include "core/http/error.h"
#include "core/http/framing.h"

namespace van::http {

/// Finds the end of a message's content (RFC 9112 §6 and §7), and the content in it. Holds no octets but those of a line that has
/// not ended. Limits: limits::kHttpChunkLineBytes for the line of a chunk's size with its extensions, kHttpTrailerBytes for the
/// trailers (431). As strict as HeadText with line ends; fields that frame or route a message are refused among trailers.
class BodyReader {
 public:
  BodyReader() = default;  ///< of a message without content
  explicit BodyReader(Framing framing);

  struct Piece {
    std::size_t used = 0;   ///< octets that belong to the message, from the front; 0 when it is complete or none were there
    ByteView content = {};  ///< of them, those that are content
  };
  /// Reads on; call again with the rest until it is complete() or nothing is left.
  Expected<Piece, Error> read(ByteView octets);
  /// How many octets from the front belong to the message, in the form in which it came.
  Expected<std::size_t, Error> skip(ByteView octets);
  /// The connection has ended. Whether the message is whole: one that is read until then is.
  bool end();
  [[nodiscard]] bool complete() const { return state_ == State::done; }
  /// The trailers that came, as lines with their ends; of a complete chunked message.
  [[nodiscard]] const std::string& trailers() const { return trailers_; }

 private:
  enum class State { data, until_close, chunk_size, chunk_data, chunk_end, trailer, done };
  Expected<Piece, Error> read_line(ByteView octets);
  Expected<void, Error> end_line();
  Expected<void, Error> read_size();
  Expected<void, Error> read_trailer();
  Piece take(ByteView octets, State next);

  State state_ = State::done;
  std::uint64_t left_ = 0;  ///< octets of content that are still to come, of the message or of the chunk
  std::string line_;
  std::string trailers_;
};

}  // namespace van::http
