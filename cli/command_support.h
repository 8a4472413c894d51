#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cli/session.h"

namespace van::cli {

[[nodiscard]] Unexpected<Failure> usage_failure(std::string message, std::string hint = {});

/// A text field of an answer; empty when it is none.
[[nodiscard]] std::string text_of(const Json& object, std::string_view name);
[[nodiscard]] std::int64_t number_of(const Json& object, std::string_view name);

/// `unix:some.sock`, relative to where the user is, made absolute: the agent runs elsewhere. Anything else as it is.
[[nodiscard]] std::string absolute_place(const Session& session, std::string place);

/// Whole seconds as an integer, others as a fraction.
[[nodiscard]] Json seconds_json(std::chrono::milliseconds duration);

/// The path of a file, made absolute for the same reason.
[[nodiscard]] std::string absolute_path(const Session& session, const std::string& path);
/// Copies option `option`, a file, to field `field` when it was given.
void copy_path(const Session& session, std::string_view option, Json& body, std::string_view field);
void copy_flag(const OptionValues& options, std::string_view option, Json& body, std::string_view field);

/// Copies option `option` to field `field` when it was given.
void copy_text(const OptionValues& options, std::string_view option, Json& body, std::string_view field);
void copy_duration(const OptionValues& options, std::string_view option, Json& body, std::string_view field);  ///< in seconds
void copy_number(const OptionValues& options, std::string_view option, Json& body, std::string_view field);

/// Runs `act` with an agent that was started when none ran, and stops that one again: for commands that undo things,
/// after which nobody wants an agent that was not there before.
[[nodiscard]] Result<Answer> with_agent(Session& session, const std::function<Result<Answer>()>& act);

}  // namespace van::cli
