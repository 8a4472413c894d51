#pragma once

#include <string>
#include <string_view>

#include "core/http/connection_facts.h"
#include "core/http/head_text.h"

namespace van::http {

/// Puts a head together. Names and values come from heads that were read, or are our own: they are not checked again.
class HeadWriter {
 public:
  /// Appends to `text`, which must outlive it.
  explicit HeadWriter(std::string& text) : text_{text} { text_.reserve(text_.size() + kUsualHead); }
  void request_line(std::string_view method, std::string_view target);
  void status_line(int status, std::string_view reason);  ///< `status`: 100 to 999
  void field(std::string_view name, std::string_view value);
  void field(const Field& read);  ///< of a head that was read
  /// Those fields that are not for the one connection they came on, and that `keep` agrees with.
  template <class Keep>
  void end_to_end(const Fields& fields, const ConnectionFacts& connection, Keep keep) {
    for (const Field& each : fields)
      if (!connection.hop_by_hop(each) && keep(each)) field(each);
  }
  void end() { text_ += "\r\n"; }

 private:
  static constexpr std::size_t kUsualHead = 512;  ///< octets that are made room for at once
  std::string& text_;
};

/// The usual reason of the statuses that we answer with ourselves.
std::string_view reason_of(int status);

}  // namespace van::http
