#include "core/http/request_reader.h"

#include <optional>
#include <utility>

#include "core/http/text.h"
#include "core/http/version.h"

namespace van::http {
namespace {

Unexpected<Error> refuse(int status, std::string_view what) { return {{status, what}}; }

/// RFC 9112 §3.2: one Host, also when it is empty; HTTP/1.0 does without. The target's authority counts more.
Expected<std::string_view, Error> read_host(const Fields& fields, int minor) {
  const Field* host = nullptr;
  for (const Field& field : fields) {
    if (!same(field.name, "Host")) continue;
    if (host != nullptr) return refuse(400, "Host stands twice");
    host = &field;
  }
  if (host == nullptr && minor > 0) return refuse(400, "there is no Host");
  if (host == nullptr || host->value.empty()) return std::string_view{};
  if (!is_authority(host->value)) return refuse(400, "Host is not valid");
  return host->value;
}

Expected<bool, Error> read_expectation(const Fields& fields) {
  const Field* expect = find(fields, "Expect");
  if (expect == nullptr) return false;
  if (!same(expect->value, "100-continue")) return refuse(417, "an expectation other than 100-continue");
  return true;
}

}  // namespace

Expected<std::size_t, Error> RequestReader::feed(ByteView octets) {
  const auto used = text_.feed(octets);
  if (!used || !text_.whole()) return used;
  auto head = read();
  if (!head) return Unexpected{head.error()};
  head_ = *std::move(head);
  return used;
}

Expected<RequestHead, Error> RequestReader::read() const {
  RequestHead head;
  const std::string_view line = text_.start_line();
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return refuse(400, "the request line is not METHOD TARGET HTTP/1.1");
  head.method = line.substr(0, first);
  head.target_text = line.substr(first + 1, last - first - 1);
  if (!is_token(head.method)) return refuse(400, "the method is no token");
  const auto minor = read_version(line.substr(last + 1));
  if (!minor) return Unexpected{minor.error()};
  head.minor = *minor;
  const auto target = read_target(head.method, head.target_text);
  if (!target) return Unexpected{target.error()};
  head.target = *target;

  const Fields& fields = text_.fields();
  const auto host = read_host(fields, head.minor);
  if (!host) return Unexpected{host.error()};
  head.host = head.target.authority.empty() ? *host : head.target.authority;
  auto facts = ConnectionFacts::read(fields);
  if (!facts) return Unexpected{facts.error()};
  head.connection = *std::move(facts);
  if (head.minor == 0 && head.connection.chunked) return refuse(400, "HTTP/1.0 has no transfer codings");  // §6.1
  if (head.minor == 0) head.connection.upgrade = {};                                                         // RFC 9110 §7.8
  if (head.connection.chunked) head.body = {Framing::Kind::chunked};
  else if (head.connection.length.value_or(0) > 0) head.body = {Framing::Kind::length, *head.connection.length};
  head.keep_alive = !head.connection.close && (head.minor > 0 || head.connection.keep_alive);  // §9.3

  const auto expects = read_expectation(fields);
  if (!expects) return Unexpected{expects.error()};
  head.expects_continue = *expects && head.minor > 0 && head.body.kind != Framing::Kind::none;
  return head;
}

void RequestReader::reset() {
  text_.reset();
  head_ = {};
}

}  // namespace van::http
