#include "cli/api_client.h"

#include <array>

#include "cli/http_response.h"

namespace van::cli {
namespace {

constexpr std::size_t kReadBytes = 65536;

Failure socket_failure(const SystemError& error) {
  switch (error.code) {
    case SystemError::Code::not_found:
      return {ExitCode::no_agent, "no agent runs", {}, {}};
    case SystemError::Code::timeout:
      return {ExitCode::timeout, "the agent did not answer in time", "give it more time: --timeout SECONDS", {}};
    case SystemError::Code::closed:
      return {ExitCode::failed, "the agent closed the connection", "see: vanctl logs", {}};
    case SystemError::Code::other:
      break;
  }
  return {ExitCode::failed, "can't talk to the agent: " + error.message, {}, {}};
}

std::string text_field(const Json& object, const char* name) {
  const auto field = object.find(name);
  return field != object.end() && field->is_string() ? field->get<std::string>() : std::string{};
}

/// The failure that an answer other than 2xx carries.
Failure answered_failure(int status, const std::optional<Json>& document) {
  if (document && document->is_object()) {
    const auto error = document->find("error");
    if (error != document->end() && error->is_object() && !text_field(*error, "message").empty())
      return {exit_code_of(text_field(*error, "code")), text_field(*error, "message"), text_field(*error, "hint"), {}};
  }
  return {ExitCode::failed,
          "the agent answered with status " + std::to_string(status) + " and no reason",
          "see: vanctl logs",
          {}};
}

Unexpected<Failure> no_answer(const std::string& why) { return fail(ExitCode::failed, why, "see: vanctl logs"); }

}  // namespace

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    if (unreserved.find(c) != std::string_view::npos) {
      result += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    result += '%';
    result += digits[byte >> 4u];
    result += digits[byte & 15u];
  }
  return result;
}

std::string api_query(std::string_view path, std::span<const std::pair<std::string_view, std::string>> values) {
  std::string result{path};
  char separator = '?';
  for (const auto& [name, value] : values) {
    if (value.empty()) continue;
    result += separator + std::string{name} + "=" + percent_encoded(value);
    separator = '&';
  }
  return result;
}

Result<ApiClient> ApiClient::connect(const std::filesystem::path& socket, Deadline deadline) {
  auto stream = LocalStream::connect(socket, deadline);
  if (!stream) return Unexpected{socket_failure(stream.error())};
  return ApiClient{std::move(*stream)};
}

Result<void> ApiClient::send(const ApiRequest& request, Deadline deadline) {
  std::string text =
      std::string{request.method} + " " + request.target + " HTTP/1.1\r\nHost: vanctl\r\nConnection: close\r\n";
  std::string body;
  if (request.body) {
    const auto encoded = compact_json(*request.body);
    if (!encoded) return fail(ExitCode::usage, "a word is not UTF-8 text");
    body = *encoded;
    text += "Content-Type: application/json\r\n";
  }
  if (request.octets) {
    body = *request.octets;
    text += "Content-Type: application/octet-stream\r\n";
  }
  if (request.method != "GET") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  const auto written = stream_.write(text + "\r\n" + body, deadline);
  // An agent that refuses a request early may close before it has read all of it: its answer says why.
  if (!written && written.error().code != SystemError::Code::closed) return Unexpected{socket_failure(written.error())};
  return {};
}

Result<ApiAnswer> ApiClient::call(const ApiRequest& request, Deadline deadline) {
  if (auto sent = send(request, deadline); !sent) return Unexpected{sent.error()};
  HttpResponse response;
  std::vector<char> block(kReadBytes);
  while (!response.done()) {
    const auto count = stream_.read(block, deadline);
    if (!count) return Unexpected{socket_failure(count.error())};
    const auto parsed = *count == 0 ? response.finish() : response.push({block.data(), *count});
    if (!parsed) return no_answer(parsed.error());
  }
  auto document = parse_json(response.take_body());
  if (response.status() / 100 != 2) return Unexpected{answered_failure(response.status(), document)};
  if (!document) return no_answer("the agent's answer is not JSON");
  return ApiAnswer{response.status(), std::move(*document)};
}

Result<void> ApiClient::follow(const ApiRequest& request, Deadline deadline,
                               const std::function<bool(std::string_view)>& take) {
  if (auto sent = send(request, deadline); !sent) return sent;
  HttpResponse response;
  std::vector<char> block(kReadBytes);
  while (!response.done()) {
    const auto count = stream_.read(block, response.has_head() ? Deadline::max() : deadline);
    if (!count) return Unexpected{socket_failure(count.error())};
    const auto parsed = *count == 0 ? response.finish() : response.push({block.data(), *count});
    if (!parsed) return no_answer(parsed.error());
    const bool refused = response.status() / 100 != 2;
    if (response.has_head() && !refused && !take(response.take_body())) return {};
  }
  if (response.status() / 100 != 2)
    return Unexpected{answered_failure(response.status(), parse_json(response.take_body()))};
  return {};
}

}  // namespace van::cli
