#include "proxy/http_heads.h"

#include "core/http/head_writer.h"
#include "core/http/text.h"

namespace van::proxy {
namespace {

using Kind = http::Framing::Kind;

constexpr std::string_view kVia = "1.1 vanctl";  // RFC 9110 §7.6.3

void connection_of(http::HeadWriter& writer, const ClientSide& client) {
  if (!client.keep_alive) writer.field("Connection", "close");
  else if (client.minor == 0) writer.field("Connection", "keep-alive");
}

}  // namespace

std::string forwarded_request(const http::RequestHead& head, const http::Fields& fields, const HttpAsk& ask) {
  std::string text;
  http::HeadWriter writer{text};
  writer.request_line(head.method, ask.target);
  writer.field("Host", ask.authority);
  writer.end_to_end(fields, head.connection, [](const http::Field& field) { return !http::same(field.name, "Host") && !http::same(field.name, "Proxy-Authorization"); });
  if (head.body.kind == Kind::chunked) writer.field("Transfer-Encoding", "chunked");
  writer.field("Via", kVia);
  if (head.connection.upgrade.empty()) {
    writer.field("Connection", "close");
  } else {
    writer.field("Connection", "Upgrade");
    writer.field("Upgrade", head.connection.upgrade);
  }
  writer.end();
  return text;
}

std::string forwarded_response(const http::ResponseHead& head, const http::Fields& fields, const ClientSide& client) {
  std::string text;
  http::HeadWriter writer{text};
  writer.status_line(head.status, head.reason);
  writer.end_to_end(fields, head.connection, [](const http::Field&) { return true; });
  if (head.body.kind == Kind::chunked && client.chunks) writer.field("Transfer-Encoding", "chunked");
  if (head.body.kind == Kind::tunnel) {
    writer.field("Connection", "Upgrade");
    writer.field("Upgrade", head.connection.upgrade);
  } else if (!head.interim()) {
    writer.field("Via", kVia);
    connection_of(writer, client);
  }
  writer.end();
  return text;
}

std::string answer_head(const HttpAnswer& answer, const ClientSide& client) {
  std::string text;
  http::HeadWriter writer{text};
  writer.status_line(answer.status, http::reason_of(answer.status));
  writer.field("Content-Type", answer.type);
  writer.field("Content-Length", std::to_string(answer.body.size()));
  writer.field("Cache-Control", "no-store");
  writer.field("X-Content-Type-Options", "nosniff");
  writer.field("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
  connection_of(writer, client);
  writer.end();
  return text;
}

}  // namespace van::proxy
