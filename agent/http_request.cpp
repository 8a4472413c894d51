#include "agent/http_request.h"

#ifdef VAN_HAVE_LLHTTP
#include <llhttp.h>
#else
#include <http_parser.h>
#endif

#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "core/base/limits.h"

namespace van::agent {
namespace {

// The two libraries have the same callbacks and differ in a handful of names.
#ifdef VAN_HAVE_LLHTTP
using Parser = llhttp_t;
using Settings = llhttp_settings_t;

void prepare(Parser& parser, Settings& settings) {
  llhttp_settings_init(&settings);
  llhttp_init(&parser, HTTP_REQUEST, &settings);
}
/// Bytes consumed; less than all when paused or in error.
std::size_t execute(Parser& parser, const Settings&, std::string_view bytes) {
  const llhttp_errno_t result = llhttp_execute(&parser, bytes.data(), bytes.size());
  if (result == HPE_OK) return bytes.size();
  if (result != HPE_PAUSED && result != HPE_PAUSED_UPGRADE) return 0;
  return static_cast<std::size_t>(llhttp_get_error_pos(&parser) - bytes.data());
}
int pause(Parser&) { return HPE_PAUSED; }
void resume(Parser& parser) { llhttp_resume(&parser); }
bool failed(const Parser& parser) {
  const llhttp_errno_t result = llhttp_get_errno(&parser);
  return result != HPE_OK && result != HPE_PAUSED && result != HPE_PAUSED_UPGRADE;
}
std::string method_name(const Parser& parser) {
  return llhttp_method_name(static_cast<llhttp_method_t>(parser.method));
}
bool should_keep_alive(const Parser& parser) { return llhttp_should_keep_alive(&parser) != 0; }
#else
using Parser = http_parser;
using Settings = http_parser_settings;

void prepare(Parser& parser, Settings& settings) {
  http_parser_settings_init(&settings);
  http_parser_init(&parser, HTTP_REQUEST);
}
std::size_t execute(Parser& parser, const Settings& settings, std::string_view bytes) {
  return http_parser_execute(&parser, &settings, bytes.data(), bytes.size());
}
int pause(Parser& parser) {
  http_parser_pause(&parser, 1);
  return 0;
}
void resume(Parser& parser) { http_parser_pause(&parser, 0); }
bool failed(const Parser& parser) {
  return HTTP_PARSER_ERRNO(&parser) != HPE_OK && HTTP_PARSER_ERRNO(&parser) != HPE_PAUSED;
}
std::string method_name(const Parser& parser) { return http_method_str(static_cast<http_method>(parser.method)); }
bool should_keep_alive(const Parser& parser) { return http_should_keep_alive(&parser) != 0; }
#endif

constexpr int kStop = -1;  // from a callback: the parser ends in an error, and ours says why (1 and 2 mean other things)

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

std::string lower(std::string_view text) {
  std::string result{text};
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

/// Fills path and query from a request target in origin form. False when it is in no form that we serve.
bool read_target(std::string_view target, HttpRequest& request) {
  const std::size_t question = target.find('?');
  const auto path = decode_percent(target.substr(0, question));
  if (!path || !path->starts_with('/') || target.find('#') != std::string_view::npos) return false;
  request.path = *path;
  if (question == std::string_view::npos) return true;
  std::string_view rest = target.substr(question + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const auto name = decode_percent(pair.substr(0, equals));
    const auto value = decode_percent(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1));
    if (!name || !value || !request.query.emplace(*name, *value).second) return false;
  }
  return true;
}

}  // namespace

std::optional<std::string> decode_percent(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      result += text[at];
      continue;
    }
    if (at + 2 >= text.size()) return std::nullopt;
    const auto high = hex_digit(text[at + 1]);
    const auto low = hex_digit(text[at + 2]);
    if (!high || !low) return std::nullopt;
    const unsigned value = *high << 4 | *low;
    if (value < ' ' || value == 127) return std::nullopt;
    result += static_cast<char>(value);
    at += 2;
  }
  return result;
}

class HttpRequestParser::Machine {
 public:
  Machine() {
    prepare(parser_, settings_);
    settings_.on_message_begin = [](Parser* parser) { return self(parser).on_begin(); };
    settings_.on_url = [](Parser* parser, const char* at, std::size_t size) { return self(parser).on_target({at, size}); };
    settings_.on_header_field = [](Parser* parser, const char* at, std::size_t size) {
      return self(parser).on_field({at, size});
    };
    settings_.on_header_value = [](Parser* parser, const char* at, std::size_t size) {
      return self(parser).on_value({at, size});
    };
    settings_.on_headers_complete = [](Parser* parser) { return self(parser).on_headers(); };
    settings_.on_body = [](Parser* parser, const char* at, std::size_t size) { return self(parser).on_body({at, size}); };
    settings_.on_message_complete = [](Parser* parser) { return self(parser).on_complete(); };
    parser_.data = this;
  }

  void push(ByteView bytes) {
    if (!error_ && !last_) pending_.append(as_text(bytes));
  }

  Expected<std::optional<HttpRequest>, HttpError> next() {
    if (!error_ && !last_ && !pending_.empty()) advance();
    if (error_) return Unexpected{*error_};
    if (!complete_) return std::optional<HttpRequest>{};
    complete_ = false;
    resume(parser_);
    return std::optional{std::exchange(request_, {})};
  }

  bool take_expects_continue() { return std::exchange(expects_continue_, false); }
  [[nodiscard]] std::size_t waiting_bytes() const { return pending_.size(); }
  [[nodiscard]] bool between_requests() const { return !begun_ && pending_.empty(); }

 private:
  static Machine& self(Parser* parser) { return *static_cast<Machine*>(parser->data); }

  void advance() {
    const std::size_t used = execute(parser_, settings_, pending_);
    if (failed(parser_)) {
      if (!error_) error_ = HttpError{400, "this is not an HTTP/1.1 request"};
      return;
    }
    VAN_ASSERT(used <= pending_.size());
    // What has no callback of its own (spaces, line ends, chunk sizes) must not grow without bound either.
    overhead_bytes_ += complete_ ? 0 : used;
    pending_.erase(0, used);
    if (!complete_ && overhead_bytes_ > limits::kApiHeaderBytes + 4 * limits::kApiBodyBytes)
      error_ = HttpError{413, "the request is too long"};
  }

  int fail(int status, std::string message) {
    error_ = HttpError{status, std::move(message)};
    return kStop;
  }
  /// Counts a piece of the head.
  int count(std::size_t bytes) {
    head_bytes_ += bytes;
    if (head_bytes_ > limits::kApiHeaderBytes) return fail(431, "the request line and headers are too long");
    return 0;
  }

  int on_begin() {
    begun_ = true;
    head_bytes_ = 0;
    overhead_bytes_ = 0;
    target_.clear();
    field_.clear();
    value_.clear();
    in_value_ = false;
    expects_continue_ = false;
    request_ = {};
    return 0;
  }
  int on_target(std::string_view part) {
    target_ += part;
    return count(part.size());
  }
  int on_field(std::string_view part) {
    if (in_value_) end_header();
    field_ += part;
    return count(part.size() + 1);
  }
  int on_value(std::string_view part) {
    in_value_ = true;
    value_ += part;
    return count(part.size() + 1);
  }
  void end_header() {
    if (lower(field_) == "expect" && lower(value_) == "100-continue") expects_continue_ = true;
    field_.clear();
    value_.clear();
    in_value_ = false;
  }
  int on_headers() {
    end_header();
    if (parser_.http_major != 1 || parser_.http_minor > 1) return fail(400, "HTTP/1.0 or HTTP/1.1 is expected");
    request_.method = method_name(parser_);
    if (!read_target(target_, request_)) return fail(400, "the request target can't be read");
    return 0;
  }
  int on_body(std::string_view part) {
    if (request_.body.size() + part.size() > limits::kApiBodyBytes) return fail(413, "the request's body is too long");
    request_.body += part;
    return 0;
  }
  int on_complete() {
    complete_ = true;
    begun_ = false;
    expects_continue_ = false;
    // After CONNECT or Upgrade the bytes would not be HTTP any more: we serve neither, so this is the last request.
    last_ = parser_.upgrade != 0 || !should_keep_alive(parser_);
    request_.keep_alive = !last_;
    return pause(parser_);
  }

  Parser parser_{};
  Settings settings_{};
  std::string pending_;
  HttpRequest request_;
  std::string target_, field_, value_;
  bool in_value_ = false;
  bool begun_ = false;
  bool complete_ = false;
  bool last_ = false;
  bool expects_continue_ = false;
  std::size_t head_bytes_ = 0;
  std::size_t overhead_bytes_ = 0;
  std::optional<HttpError> error_;
};

HttpRequestParser::HttpRequestParser() : machine_{std::make_unique<Machine>()} {}
HttpRequestParser::~HttpRequestParser() = default;
void HttpRequestParser::push(ByteView bytes) { machine_->push(bytes); }
Expected<std::optional<HttpRequest>, HttpError> HttpRequestParser::next() { return machine_->next(); }
bool HttpRequestParser::take_expects_continue() { return machine_->take_expects_continue(); }
std::size_t HttpRequestParser::waiting_bytes() const { return machine_->waiting_bytes(); }
bool HttpRequestParser::between_requests() const { return machine_->between_requests(); }

}  // namespace van::agent
