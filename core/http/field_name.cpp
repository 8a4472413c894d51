#include "core/http/field_name.h"

#include "core/http/text.h"

namespace van::http {

FieldName field_name_of(std::string_view text) {
  const auto is = [text](std::string_view name) { return text == name || same_letters(text, name); };
  switch (text.size()) {
    case 2: return is("TE") ? FieldName::te : FieldName::other;
    case 3: return is("Via") ? FieldName::via : FieldName::other;
    case 4: return is("Host") ? FieldName::host : FieldName::other;
    case 5: return is("close") ? FieldName::close : FieldName::other;
    case 6: return is("Expect") ? FieldName::expect : FieldName::other;
    case 7: return is("Upgrade") ? FieldName::upgrade : FieldName::other;
    case 9: return is("Forwarded") ? FieldName::forwarded : FieldName::other;
    case 10: return is("Connection") ? FieldName::connection : is("Keep-Alive") ? FieldName::keep_alive : FieldName::other;
    case 12: return is("Max-Forwards") ? FieldName::max_forwards : FieldName::other;
    case 14: return is("Content-Length") ? FieldName::content_length : FieldName::other;
    case 15: return is("X-Forwarded-For") ? FieldName::x_forwarded_for : FieldName::other;
    case 16: return is("Proxy-Connection") ? FieldName::proxy_connection : is("X-Forwarded-Host") ? FieldName::x_forwarded_host : FieldName::other;
    case 17: return is("Transfer-Encoding") ? FieldName::transfer_encoding : is("X-Forwarded-Proto") ? FieldName::x_forwarded_proto : FieldName::other;
    default: return FieldName::other;
  }
}

}  // namespace van::http
