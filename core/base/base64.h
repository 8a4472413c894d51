#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace van {

/// Standard base64 (RFC 4648 §4) with padding, as in the `data` of a Secret.
std::string encode_base64(std::string_view bytes);
/// White space is skipped, as YAML writers wrap long values. nullopt for other characters, wrong or missing padding.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace van
