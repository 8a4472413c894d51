#include "core/http/head_writer.h"

#include <array>

namespace van::http {

void HeadWriter::request_line(std::string_view method, std::string_view target) {
  text_.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
}

void HeadWriter::status_line(int status, std::string_view reason) {
  const auto digit = [](int number) { return static_cast<char>('0' + number % 10); };
  const std::array<char, 4> code{digit(status / 100), digit(status / 10), digit(status), ' '};
  text_.append("HTTP/1.1 ").append(code.data(), code.size()).append(reason).append("\r\n");
}

void HeadWriter::field(std::string_view name, std::string_view value) { text_.append(name).append(": ").append(value).append("\r\n"); }

void HeadWriter::field(const Field& read) {
  if (read.usual) text_ += read.line();
  else field(read.name, read.value);
}

std::string_view reason_of(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Error";
  }
}

}  // namespace van::http
