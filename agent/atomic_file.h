#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "agent/error.h"

namespace van::agent {

/// Makes a folder and the missing ones above it, those with mode 0700, and takes the permissions of others off the folder
/// itself.
Result<void> make_private_folder(const std::filesystem::path& folder);

/// Replaces a file by one of mode 0600 with this content: written beside it, synced, renamed, and the folder synced. After any
/// failure, a crash included, the file has its old content whole (or the new one whole). The folder must exist.
/// Errors: failed, saying what the system said and how to mend it.
Result<void> replace_file(const std::filesystem::path& file, std::string_view content);

/// nullopt when there is no such file. Errors: failed; also above `bytes_max`.
Result<std::optional<std::string>> read_file(const std::filesystem::path& file, std::size_t bytes_max);

/// Gives a file a second name, replacing what had that name; copies where the file system has no hard links. Done in one step.
Result<void> keep_copy(const std::filesystem::path& file, const std::filesystem::path& copy);

/// Removes a file; one that is not there is fine.
Result<void> remove_file(const std::filesystem::path& file);

}  // namespace van::agent
