#include "core/http/connection_facts.h"

#include <algorithm>

#include "core/http/text.h"

namespace van::http {
namespace {

constexpr std::size_t kLengthDigits = 18;  ///< below 2^63

Expected<std::uint64_t, Error> read_length(std::string_view text) {
  if (!is_digits(text)) return Unexpected{Error{400, "Content-Length is no number"}};
  if (text.size() > kLengthDigits) return Unexpected{Error{413, "Content-Length is too large"}};
  std::uint64_t length = 0;
  for (const char digit : text) length = length * 10 + static_cast<unsigned>(digit - '0');
  return length;
}

/// All that Transfer-Encoding lists.
struct Codings {
  std::size_t all = 0, chunked = 0;
  bool last_is_chunked = false;
  void add(std::string_view coding) {
    last_is_chunked = same(coding, "chunked");
    chunked += last_is_chunked ? 1 : 0;
    ++all;
  }
  /// §6.1: chunked is the last coding of a request, and the only one that we know.
  [[nodiscard]] Expected<void, Error> check() const {
    if (!last_is_chunked) return Unexpected{Error{400, "the last transfer coding is not chunked"}};
    if (chunked != 1) return Unexpected{Error{400, "chunked stands twice among the transfer codings"}};
    if (all > 1) return Unexpected{Error{501, "a transfer coding other than chunked"}};
    return {};
  }
};

/// Of one Connection field; whether it names Upgrade.
bool read_options(std::string_view list, ConnectionFacts& facts) {
  bool upgrade = false;
  for_each_element(list, [&](std::string_view option) {
    const FieldName name = field_name_of(option);
    if (name == FieldName::close) facts.close = true;
    else if (name == FieldName::keep_alive) facts.keep_alive = true;
    else if (name == FieldName::upgrade) upgrade = true;
    else facts.others.push_back(option);
  });
  return upgrade;
}

}  // namespace

Expected<void, Error> ConnectionFacts::read(const Fields& fields) {
  Codings codings;
  bool upgrade_named = false;
  for (const Field& field : fields) {
    switch (field.known) {
      case FieldName::connection:
        upgrade_named |= read_options(field.value, *this);
        break;
      case FieldName::upgrade:
        upgrade = field.value;
        break;
      case FieldName::transfer_encoding:
        chunked = true;
        for_each_element(field.value, [&codings](std::string_view coding) { codings.add(coding); });
        break;
      case FieldName::content_length: {
        if (length) return Unexpected{Error{400, "Content-Length stands twice"}};
        const auto read = read_length(field.value);
        if (!read) return Unexpected{read.error()};
        length = *read;
        break;
      }
      default:
        break;
    }
  }
  if (!upgrade_named) upgrade = {};
  if (chunked && length) return Unexpected{Error{400, "Content-Length and Transfer-Encoding contradict each other"}};
  return chunked ? codings.check() : Expected<void, Error>{};
}

bool ConnectionFacts::hop_by_hop(const Field& field) const {
  switch (field.known) {
    case FieldName::connection:
    case FieldName::keep_alive:
    case FieldName::proxy_connection:
    case FieldName::te:
    case FieldName::transfer_encoding:
    case FieldName::upgrade:
      return true;
    case FieldName::close:
      return close;
    case FieldName::content_length:
    case FieldName::host:
      return false;
    default:
      return std::ranges::any_of(others, [&field](std::string_view name) { return same(name, field.name); });
  }
}

}  // namespace van::http
