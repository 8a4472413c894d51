#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace van::cli {

/// `text` as it may be shown on a terminal: control characters, which names and messages from a peer could use to steer
/// the terminal, become `\xNN`; so do bytes that are not UTF-8, and the invisible characters that turn the writing
/// direction.
[[nodiscard]] std::string plain_text(std::string_view text);
/// The same for text of several lines: keeps line feeds and tabs.
[[nodiscard]] std::string plain_lines(std::string_view text);

/// Columns that valid UTF-8 takes, counting one a character.
[[nodiscard]] std::size_t columns(std::string_view text);

/// Whether it is UTF-8 as RFC 3629 has it: no surrogates, nothing overlong.
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace van::cli
