#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "core/http/body_reader.h"
#include "core/http/request_reader.h"
#include "core/http/response_reader.h"

namespace van::http::test {

/// What is read out of octets, in words, with the same result for any split of them.
struct Described {
  std::string_view octets;
  std::size_t piece = std::string_view::npos;  ///< octets handed in at a time
  std::size_t used = 0;
  std::string_view why = {};  ///< a request's head was refused

  [[nodiscard]] ByteView next() const { return as_bytes(octets.substr(used, piece)); }
  [[nodiscard]] bool left() const { return used < octets.size(); }

  static std::string framing(const Framing& framing) {
    switch (framing.kind) {
      case Framing::Kind::none: return "none";
      case Framing::Kind::length: return "length " + std::to_string(framing.length);
      case Framing::Kind::chunked: return "chunked";
      case Framing::Kind::until_close: return "until close";
      case Framing::Kind::tunnel: return "tunnel";
    }
    return {};
  }

  /// "=content", and "+trailers" when there are some; or the status.
  std::string body(const Framing& framing) {
    BodyReader reader{framing};
    std::string content;
    while (left() && !reader.complete()) {
      const auto piece_read = reader.read(next());
      if (!piece_read) {
        used = octets.size();  // there is no next message
        return " " + std::to_string(piece_read.error().status);
      }
      used += piece_read->used;
      content += as_text(piece_read->content);
    }
    if (!reader.complete() && !reader.end()) return " =" + content + "…";
    std::string trailers = reader.trailers();
    std::ranges::replace(trailers, '\r', ' ');
    std::ranges::replace(trailers, '\n', ';');
    return (framing.kind == Framing::Kind::none || framing.kind == Framing::Kind::tunnel ? "" : " =" + content) + (trailers.empty() ? "" : " +" + trailers);
  }

  /// All requests, separated by " | ".
  std::string requests() {
    std::string all;
    RequestReader reader;
    while (left()) {
      const auto fed = reader.feed(next());
      if (!fed) {
        why = fed.error().what;
        return all + std::to_string(fed.error().status);
      }
      used += *fed;
      if (!reader.whole()) continue;
      const RequestHead& head = reader.head();
      all += std::string{head.method} + " " + std::string{head.target_text} + " " + framing(head.body);
      if (!head.host.empty() && head.host != "a") all += " host=" + std::string{head.host};
      if (!head.keep_alive) all += " last";
      if (head.expects_continue) all += " expects";
      if (!head.connection.upgrade.empty()) all += " upgrade=" + std::string{head.connection.upgrade};
      all += body(head.body);
      all += left() ? " | " : "";
      reader.reset();
    }
    return reader.begun() ? all + "…" : all;
  }

  std::string response(Question question) {
    ResponseReader reader;
    while (left() && !reader.whole()) {
      const auto fed = reader.feed(next(), question);
      if (!fed) return std::to_string(fed.error().status);
      used += *fed;
    }
    if (!reader.whole()) return "…";
    const ResponseHead& head = reader.head();
    std::string all = std::to_string(head.status) + " " + framing(head.body) + (head.keep_alive ? "" : " last") + body(head.body);
    return left() ? all + " | " + std::string{octets.substr(used)} : all;
  }
};

}  // namespace van::http::test
