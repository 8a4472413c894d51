#include "core/base/profile.h"

#include <cstdlib>
#include <system_error>
#include <utility>

namespace van {
namespace {

constexpr std::size_t kProfileNameMax = 64;

namespace fs = std::filesystem;

std::string not_empty(const Surroundings& surroundings, std::string_view name) {
  return surroundings.variable(name).value_or("");
}

#if !defined(_WIN32)
Unexpected<std::string> no_home(std::string_view name) {
  return Unexpected{"no home folder is known: set " + std::string{name} + " or VANCTL_HOME"};
}
#endif

#if defined(_WIN32)
Expected<ProfilePaths, std::string> system_paths(std::string name, const Surroundings& surroundings) {
  const std::string config = not_empty(surroundings, "APPDATA");
  const std::string state = not_empty(surroundings, "LOCALAPPDATA");
  if (config.empty() || state.empty())
    return Unexpected{std::string{"APPDATA and LOCALAPPDATA are not set: set them or VANCTL_HOME"}};
  ProfilePaths paths{std::move(name), {}, {}, {}};
  paths.config_folder = fs::path{config} / "vanctl" / paths.profile;
  paths.state_folder = fs::path{state} / "vanctl" / paths.profile;
  paths.control_socket = "\\\\.\\pipe\\vanctl-" + not_empty(surroundings, "USERNAME") + "-" + paths.profile;
  return paths;
}
#elif defined(__APPLE__)
Expected<ProfilePaths, std::string> system_paths(std::string name, const Surroundings& surroundings) {
  const std::string home = not_empty(surroundings, "HOME");
  if (home.empty()) return no_home("HOME");
  ProfilePaths paths{std::move(name), {}, {}, {}};
  paths.state_folder = fs::path{home} / "Library" / "Application Support" / "vanctl" / paths.profile;
  paths.config_folder = paths.state_folder;
  paths.control_socket = paths.state_folder / "agent.sock";
  return paths;
}
#else
/// An XDG base folder: the variable when it is absolute, else a folder under HOME.
Expected<fs::path, std::string> xdg_folder(const Surroundings& surroundings, std::string_view variable,
                                           std::string_view below_home) {
  const fs::path set{not_empty(surroundings, variable)};
  if (set.is_absolute()) return set;
  const std::string home = not_empty(surroundings, "HOME");
  if (home.empty()) return no_home("HOME");
  return fs::path{home} / below_home;
}

Expected<ProfilePaths, std::string> system_paths(std::string name, const Surroundings& surroundings) {
  const auto config = xdg_folder(surroundings, "XDG_CONFIG_HOME", ".config");
  if (!config) return Unexpected{config.error()};
  const auto state = xdg_folder(surroundings, "XDG_STATE_HOME", ".local/state");
  if (!state) return Unexpected{state.error()};
  ProfilePaths paths{std::move(name), {}, {}, {}};
  paths.config_folder = *config / "vanctl" / paths.profile;
  paths.state_folder = *state / "vanctl" / paths.profile;
  const fs::path runtime{not_empty(surroundings, "XDG_RUNTIME_DIR")};
  paths.control_socket =
      runtime.is_absolute() ? runtime / "vanctl" / (paths.profile + ".sock") : paths.state_folder / "agent.sock";
  return paths;
}
#endif

}  // namespace

Surroundings process_surroundings() {
  std::error_code ignored;
  return {.variable =
              [](std::string_view name) -> std::optional<std::string> {
                const char* value = std::getenv(std::string{name}.c_str());
                if (value == nullptr) return std::nullopt;
                return std::string{value};
              },
          .current_folder = fs::current_path(ignored)};
}

bool valid_profile_name(std::string_view name) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  if (name.empty() || name.size() > kProfileNameMax) return false;
  if (name.front() == '.' || name.front() == '-') return false;
  return name.find_first_not_of(allowed) == std::string_view::npos;
}

Expected<ProfilePaths, std::string> profile_paths(std::string_view profile, const Surroundings& surroundings) {
  std::string name{profile};
  if (name.empty()) name = not_empty(surroundings, "VANCTL_PROFILE");
  if (name.empty()) name = kDefaultProfile;
  if (!valid_profile_name(name))
    return Unexpected{"profile name '" + name.substr(0, kProfileNameMax) +
                      "' is not valid: use 1 to 64 letters, digits, '.', '_' or '-', beginning with none of '.' and '-'"};

  const std::string home = not_empty(surroundings, "VANCTL_HOME");
  if (home.empty()) return system_paths(std::move(name), surroundings);
  const fs::path folder = (surroundings.current_folder / home).lexically_normal() / name;
#if defined(_WIN32)
  return ProfilePaths{name, folder, folder,
                      "\\\\.\\pipe\\vanctl-" + std::to_string(std::hash<std::string>{}(folder.string()))};
#else
  return ProfilePaths{name, folder, folder, folder / "agent.sock"};
#endif
}

}  // namespace van
