#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/expected.h"

namespace van {

/// What the places of a profile depend on. Handed in, so that tests need no environment of their own.
struct Surroundings {
  /// Value of an environment variable; nullopt when it is not set.
  std::function<std::optional<std::string>(std::string_view name)> variable;
  std::filesystem::path current_folder;  ///< what a relative VANCTL_HOME is relative to
};
/// Those of this process.
Surroundings process_surroundings();

inline constexpr std::string_view kDefaultProfile = "default";

/// Where a profile keeps its things: the table "Profiles and places" of the command-line contract. Nothing is written outside.
struct ProfilePaths {
  std::string profile;
  std::filesystem::path config_folder;   ///< agent.toml, written by the user
  std::filesystem::path state_folder;    ///< state.toml, keys, logs; mode 0700
  std::filesystem::path control_socket;  ///< Unix socket, or the name of a Windows pipe. May be too long for a socket address

  [[nodiscard]] std::filesystem::path config_file() const { return config_folder / "agent.toml"; }
  [[nodiscard]] std::filesystem::path state_file() const { return state_folder / "state.toml"; }
  [[nodiscard]] std::filesystem::path lock_file() const { return state_folder / "agent.lock"; }
  [[nodiscard]] std::filesystem::path log_file() const { return state_folder / "agent.log"; }
};

/// 1 to 64 of A-Z a-z 0-9 . _ - that do not begin with '.' or '-': a profile is a folder's name, and an argument.
[[nodiscard]] bool valid_profile_name(std::string_view name);

/// `profile` empty: VANCTL_PROFILE, else "default". VANCTL_HOME puts everything under one folder; relative XDG variables are
/// ignored, as their specification wants. Errors, one line for people: a bad name; no home folder is known.
Expected<ProfilePaths, std::string> profile_paths(std::string_view profile, const Surroundings& surroundings);

}  // namespace van
