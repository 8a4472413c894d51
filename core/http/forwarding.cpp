#include "core/http/forwarding.h"

#include <charconv>

#include "core/http/head_writer.h"
#include "core/http/text.h"

namespace van::http {
namespace {

bool names(std::string_view list, std::string_view wanted) {
  bool found = false;
  for_each_element(list, [&](std::string_view element) { found = found || same(element, wanted); });
  return found;
}

/// All values of a list field in one line, with one more.
void append_to_list(HeadWriter& writer, const Fields& fields, FieldName known, std::string_view name, const std::string& last) {
  std::string all;
  for (const Field& field : fields)
    if (field.known == known && !field.value.empty()) all.append(field.value).append(", ");
  writer.field(name, all + last);
}

std::string scheme_of(const RequestForwarding& how) { return how.secure ? "https" : "http"; }

/// RFC 7239 §4 and §6: an address of IPv6 stands in brackets, and what is no token in quotes.
std::string forwarded_element(const RequestForwarding& how, std::string_view host) {
  const bool v6 = how.client.find(':') != std::string::npos;
  std::string element = "for=" + (how.client.empty() ? "unknown" : v6 ? "\"[" + how.client + "]\"" : how.client) + ";proto=" + scheme_of(how);
  if (!host.empty()) element.append(";host=\"").append(host).append("\"");
  return element;
}

void write_forwarded(HeadWriter& writer, const Fields& fields, const RequestForwarding& how, const RequestHead& head) {
  if (how.forwarded == Forwarded::none) return;
  append_to_list(writer, fields, FieldName::via, "Via", "1." + std::to_string(head.minor) + " vanctl");
  if (how.forwarded == Forwarded::standard) return append_to_list(writer, fields, FieldName::forwarded, "Forwarded", forwarded_element(how, head.host));
  append_to_list(writer, fields, FieldName::x_forwarded_for, "X-Forwarded-For", how.client.empty() ? "unknown" : how.client);
  // Whoever was before us may have ended TLS: that stays.
  if (find(fields, FieldName::x_forwarded_proto) == nullptr) writer.field("X-Forwarded-Proto", scheme_of(how));
  if (find(fields, FieldName::x_forwarded_host) == nullptr && !head.host.empty()) writer.field("X-Forwarded-Host", head.host);
}

/// Whether write_forwarded() writes it in another way.
bool rewritten(FieldName name, Forwarded forwarded) {
  if (forwarded == Forwarded::none) return false;
  return name == FieldName::via || name == (forwarded == Forwarded::standard ? FieldName::forwarded : FieldName::x_forwarded_for);
}

/// RFC 9110 §7.6.2; a value that is no number goes on as it is.
std::string one_less(std::string_view hops) {
  unsigned count = 0;
  const auto [end, error] = std::from_chars(hops.data(), hops.data() + hops.size(), count);
  return error != std::errc{} || end != hops.data() + hops.size() || count == 0 ? std::string{hops} : std::to_string(count - 1);
}

void write_target(HeadWriter& writer, const RequestHead& head) {
  const Target& target = head.target;
  if (target.form != Target::Form::absolute || target.path.starts_with('/')) return writer.request_line(head.method, target.path);
  if (target.path.empty() && head.method == "OPTIONS") return writer.request_line(head.method, "*");  // RFC 9112 §3.2.4
  writer.request_line(head.method, "/" + std::string{target.path});
}

}  // namespace

void write_request(std::string& text, const RequestHead& head, const Fields& fields, const RequestForwarding& how) {
  HeadWriter writer{text};
  write_target(writer, head);
  const bool without_host = head.host.empty() && find(fields, FieldName::host) == nullptr;
  writer.field("Host", without_host ? how.host : head.host);
  const bool counted = head.method == "OPTIONS" || head.method == "TRACE";
  writer.end_to_end(fields, head.connection, [&](const Field& field) {
    if (field.known == FieldName::expect) return head.expects_continue;
    if (field.known == FieldName::max_forwards) return !counted;
    return field.known != FieldName::host && !rewritten(field.known, how.forwarded);
  });
  if (const Field* hops = counted ? find(fields, FieldName::max_forwards) : nullptr; hops != nullptr) writer.field(hops->name, one_less(hops->value));
  write_forwarded(writer, fields, how, head);
  if (head.body.kind == Framing::Kind::chunked) writer.field("Transfer-Encoding", "chunked");

  std::string options;
  const auto option = [&options](std::string_view name) { options.append(options.empty() ? "" : ", ").append(name); };
  if (const Field* te = find(fields, FieldName::te); te != nullptr && names(te->value, "trailers")) {
    writer.field("TE", "trailers");
    option("TE");
  }
  // h2c would take all that follows out of our hands, and RFC 9113 §3.1 has given it up.
  if (!head.connection.upgrade.empty() && !names(head.connection.upgrade, "h2c")) {
    writer.field("Upgrade", head.connection.upgrade);
    option("Upgrade");
  } else if (how.close_server) {
    option("close");
  }
  if (!options.empty()) writer.field("Connection", options);
  writer.end();
}

Coding coding_for(const ResponseHead& head, int client_minor) {
  if (head.body.kind == Framing::Kind::chunked && client_minor == 0) return Coding::out_of_chunks;
  if (head.body.kind == Framing::Kind::until_close && client_minor > 0) return Coding::into_chunks;
  return Coding::as_it_came;
}

void write_response(std::string& text, const ResponseHead& head, const Fields& fields, int client_minor, bool keep_alive) {
  HeadWriter writer{text};
  writer.status_line(head.status, head.reason);
  const bool no_length = head.status < 200 || head.status == 204;  // RFC 9110 §8.6
  writer.end_to_end(fields, head.connection, [&](const Field& field) { return !no_length || field.known != FieldName::content_length; });
  const bool chunks = head.body.kind == Framing::Kind::chunked || head.body.kind == Framing::Kind::until_close;
  if (chunks && client_minor > 0) writer.field("Transfer-Encoding", "chunked");
  const Field* upgrade = head.status == 101 || head.status == 426 ? find(fields, FieldName::upgrade) : nullptr;
  if (upgrade != nullptr) writer.field("Upgrade", upgrade->value);
  if (upgrade != nullptr) writer.field("Connection", keep_alive || head.status == 101 ? "Upgrade" : "Upgrade, close");
  else if (!keep_alive && !head.interim()) writer.field("Connection", "close");
  else if (client_minor == 0 && !head.interim()) writer.field("Connection", "keep-alive");
  writer.end();
}

}  // namespace van::http
