// publish, subscribe.
#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include "cli/command_support.h"
#include "cli/commands.h"
#include "cli/plain_text.h"
#include "core/base/base64.h"
#include "core/base/datagram_limits.h"

namespace van::cli {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

/// What the agent has done with all messages so far.
struct Sum {
  std::int64_t published = 0, dropped = 0;
  bool known = true;

  void add(const Json& answer) {
    published += number_of(answer, "published");
    dropped += number_of(answer, "dropped");
    known = known && answer.value("known", true);
  }
  [[nodiscard]] Json document() const { return {{"published", published}, {"dropped", dropped}, {"known", known}}; }
  [[nodiscard]] std::string notice(const std::string& address) const {
    std::string text = published == 1 ? "published a message to " : "published " + std::to_string(published) + " messages to ";
    text += plain_text(address) + "\n";
    if (!known) text += "nobody is known who subscribes to it\n";
    if (dropped > 0) text += std::to_string(dropped) + " did not reach everybody: a link was stuck\n";
    return text;
  }
};

/// A message may have all of the command's time, and so may the lines that have come by now, from now on.
Result<void> send(Session& session, std::string octets, bool lines, Sum& sum) {
  const auto timeout = session.call.options.duration("timeout").value_or(std::chrono::seconds{60});
  const std::array<std::pair<std::string_view, std::string>, 2> query{
      {{"address", session.call.operands[0]}, {"lines", lines ? "1" : ""}}};
  auto answer = session.agent.call({.method = "POST", .target = api_query("/v1/events", query), .octets = std::move(octets)},
                                   std::chrono::steady_clock::now() + timeout);
  if (!answer) return Unexpected{answer.error()};
  sum.add(answer->document);
  return {};
}

/// Hands lines on as they come, the last one whether it has an end or not.
Result<void> send_lines(Session& session, Sum& sum) {
  std::string waiting;
  std::vector<char> block(kReadBytes);
  for (;;) {
    const auto count = session.host.terminal.read_some(block);
    if (!count) return fail(ExitCode::failed, "standard input: " + count.error().message);
    waiting.append(block.data(), *count);
    const std::size_t whole = *count == 0 ? waiting.size() : waiting.rfind('\n') + 1;  // npos + 1 is 0
    if (whole > 0) {
      const auto sent = send(session, waiting.substr(0, whole), true, sum);
      if (!sent) return sent;
      waiting.erase(0, whole);
    }
    if (*count == 0) return {};
    if (waiting.size() > limits::kEventBytes)
      return fail(ExitCode::usage, "a line has more than " + std::to_string(limits::kEventBytes) + " octets");
  }
}

/// Cuts a body of lines that comes in pieces.
class Lines {
 public:
  explicit Lines(std::function<bool(std::string_view)> take) : take_{std::move(take)} {}
  bool push(std::string_view text) {
    rest_ += text;
    std::size_t begin = 0;
    for (std::size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
      if (!take_(std::string_view{rest_}.substr(begin, end - begin))) return false;
      begin = end + 1;
    }
    rest_.erase(0, begin);
    return true;
  }

 private:
  std::function<bool(std::string_view)> take_;
  std::string rest_;
};

/// Prints events; false when no more are wanted.
class Printer {
 public:
  explicit Printer(Session& session) : session_{session}, left_{session.call.options.number("count")} {}

  bool print(std::string_view line) {
    const auto event = parse_json(line);
    if (!event || !event->is_object()) return true;
    const std::int64_t lost = number_of(*event, "lost");
    Terminal& terminal = session_.host.terminal;
    if (lost > 0) terminal.write(Terminal::Stream::error, "vanctl: too slow: " + std::to_string(lost) + " messages were lost\n");
    if (session_.call.json()) {
      if (terminal.write(Terminal::Stream::output, std::string{line} + "\n") != Terminal::Written::all) return false;
    } else if (lost == 0 && terminal.write(Terminal::Stream::output, payload(*event) + "\n") != Terminal::Written::all) {
      return false;
    }
    return lost > 0 || !left_ || --*left_ > 0;
  }

 private:
  /// As it is; on a terminal without what could steer it.
  [[nodiscard]] std::string payload(const Json& event) const {
    std::string text = event.contains("base64") ? decode_base64(text_of(event, "base64")).value_or("") : text_of(event, "text");
    return session_.host.terminal.is_terminal(Terminal::Stream::output) ? plain_lines(text) : text;
  }

  Session& session_;
  std::optional<std::int64_t> left_;
};

}  // namespace

Result<Answer> publish(Session& session) {
  const std::vector<std::string>& operands = session.call.operands;
  const bool lines = session.call.options.has("lines");
  if (lines && operands.size() > 1) return usage_failure("--lines reads messages from standard input", "leave out the message, or --lines");
  Sum sum;
  Result<void> sent;
  if (lines) {
    sent = send_lines(session, sum);
  } else if (operands.size() > 1) {
    sent = send(session, operands[1], false, sum);
  } else {
    auto input = session.host.terminal.read_input(limits::kEventBytes);
    if (!input && input.error().code == SystemError::Code::closed)
      return fail(ExitCode::usage, "a message has at most " + std::to_string(limits::kEventBytes) + " octets", "for a message for each line: --lines");
    if (!input) return fail(ExitCode::failed, "standard input: " + input.error().message);
    sent = send(session, *std::move(input), false, sum);
  }
  if (!sent) return Unexpected{sent.error()};
  return Answer{.document = sum.document(), .notice = sum.notice(operands[0])};
}

Result<Answer> subscribe(Session& session) {
  end_well_on_interrupt();
  const std::array<std::pair<std::string_view, std::string>, 1> query{{{"address", session.call.operands[0]}}};
  Printer printer{session};
  Lines lines{[&printer](std::string_view line) { return printer.print(line); }};
  const auto followed = session.agent.follow({.method = "GET", .target = api_query("/v1/events", query)}, session.deadline(),
                                             [&lines](std::string_view text) { return lines.push(text); });
  if (!followed) return Unexpected{followed.error()};
  return Answer{};
}

}  // namespace van::cli
