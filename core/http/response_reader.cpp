#include "core/http/response_reader.h"

#include "core/http/text.h"
#include "core/http/version.h"

namespace van::http {
namespace {

constexpr std::string_view kBegin = "HTTP/1.";

Unexpected<Error> refuse(std::string_view what) { return {{502, what}}; }

/// RFC 9112 §6.3, in its order.
Framing framing_of(const ResponseHead& head, Question question) {
  if (head.status == 101 || (question.is_connect && head.status / 100 == 2)) return {Framing::Kind::tunnel};
  if (question.is_head || head.interim() || head.status == 204 || head.status == 304) return {};
  if (head.connection.chunked) return {Framing::Kind::chunked};
  if (!head.connection.length) return {Framing::Kind::until_close};
  if (*head.connection.length == 0) return {};
  return {Framing::Kind::length, *head.connection.length};
}

}  // namespace

Expected<std::size_t, Error> ResponseReader::feed(ByteView octets, Question question) {
  if (whole()) return std::size_t{0};
  const auto used = text_.feed(octets);
  if (!used) return refuse(used.error().what);
  const std::string_view begin = text_.text().substr(0, kBegin.size());
  // Whoever speaks something else, and maybe waits for an answer, is told at once.
  if (!begin.starts_with('\r') && !kBegin.starts_with(begin)) return refuse("this is not HTTP/1");
  if (!whole()) return used;
  const auto read_head = read(question);
  if (read_head) return used;
  head_ = {};
  return refuse(read_head.error().what);
}

Expected<void, Error> ResponseReader::read(Question question) {
  const std::string_view line = text_.start_line();
  const auto minor = read_version(line.substr(0, line.find(' ')));
  if (!minor) return Unexpected{minor.error()};
  head_.minor = *minor;
  const std::string_view rest = line.size() < 9 ? std::string_view{} : line.substr(9);
  const std::string_view status = rest.substr(0, 3);
  if (status.size() != 3 || !is_digits(status) || status[0] == '0' || (rest.size() > 3 && rest[3] != ' ')) return refuse("the status is no number");
  head_.status = (status[0] - '0') * 100 + (status[1] - '0') * 10 + (status[2] - '0');
  head_.reason = rest.size() > 4 ? rest.substr(4) : std::string_view{};
  if (!is_field_text(head_.reason)) return refuse("the reason has a control character");

  if (const auto facts = head_.connection.read(text_.fields()); !facts) return facts;
  if (head_.minor == 0 && head_.connection.chunked) return refuse("HTTP/1.0 has no transfer codings");  // §6.1
  head_.body = framing_of(head_, question);
  head_.keep_alive = !head_.connection.close && (head_.minor > 0 || head_.connection.keep_alive) && head_.body.kind != Framing::Kind::until_close &&
                    head_.body.kind != Framing::Kind::tunnel;
  return {};
}

void ResponseReader::reset() {
  text_.reset();
  head_ = {};
}

}  // namespace van::http
