#include "core/http/request_reader.h"

#include <algorithm>

#include "core/http/text.h"
#include "core/http/version.h"

namespace van::http {
namespace {

Unexpected<Error> refuse(int status, std::string_view what) { return {{status, what}}; }

/// RFC 9112 §3.2: one Host, also when it is empty; HTTP/1.0 does without. The target's authority counts more.
Expected<std::string_view, Error> read_host(const Fields& fields, int minor) {
  const Field* host = find(fields, FieldName::host);
  if (host == nullptr && minor > 0) return refuse(400, "there is no Host");
  if (host == nullptr) return std::string_view{};
  if (std::ranges::count(fields, FieldName::host, &Field::known) > 1) return refuse(400, "Host stands twice");
  if (!host->value.empty() && !is_authority(host->value)) return refuse(400, "Host is not valid");
  return host->value;
}

Expected<bool, Error> read_expectation(const Fields& fields) {
  const Field* expect = find(fields, FieldName::expect);
  if (expect == nullptr) return false;
  if (!same(expect->value, "100-continue")) return refuse(417, "an expectation other than 100-continue");
  return true;
}

}  // namespace

Expected<std::size_t, Error> RequestReader::feed(ByteView octets) {
  if (whole()) return std::size_t{0};
  const auto used = text_.feed(octets);
  if (!used || !whole()) return used;
  auto read = read_line();
  if (read) read = read_fields();
  if (read) return used;
  head_ = {};
  return Unexpected{read.error()};
}

Expected<void, Error> RequestReader::read_line() {
  const std::string_view line = text_.start_line();
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return refuse(400, "the request line is not METHOD TARGET HTTP/1.1");
  head_.method = line.substr(0, first);
  head_.target_text = line.substr(first + 1, last - first - 1);
  if (!is_token(head_.method)) return refuse(400, "the method is no token");
  const auto minor = read_version(line.substr(last + 1));
  if (!minor) return Unexpected{minor.error()};
  head_.minor = *minor;
  const auto target = read_target(head_.method, head_.target_text);
  if (!target) return Unexpected{target.error()};
  head_.target = *target;
  return {};
}

Expected<void, Error> RequestReader::read_fields() {
  const Fields& fields = text_.fields();
  const auto host = read_host(fields, head_.minor);
  if (!host) return Unexpected{host.error()};
  head_.host = head_.target.authority.empty() ? *host : head_.target.authority;
  ConnectionFacts& connection = head_.connection;
  if (const auto facts = connection.read(fields); !facts) return facts;
  if (head_.minor == 0 && connection.chunked) return refuse(400, "HTTP/1.0 has no transfer codings");  // §6.1
  if (head_.minor == 0) connection.upgrade = {};                                                        // RFC 9110 §7.8
  if (connection.chunked) head_.body = {Framing::Kind::chunked};
  else if (connection.length.value_or(0) > 0) head_.body = {Framing::Kind::length, *connection.length};
  head_.keep_alive = !connection.close && (head_.minor > 0 || connection.keep_alive);  // §9.3

  const auto expects = read_expectation(fields);
  if (!expects) return Unexpected{expects.error()};
  head_.expects_continue = *expects && head_.minor > 0 && head_.body.kind != Framing::Kind::none;
  return {};
}

void RequestReader::reset() {
  text_.reset();
  head_ = {};
}

}  // namespace van::http
