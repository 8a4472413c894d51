#include "core/base/profile.h"

#include <map>

#include "tests/support/catch.h"

namespace van {
namespace {

Surroundings with(std::map<std::string, std::string, std::less<>> variables) {
  return {.variable = [variables](std::string_view name) -> std::optional<std::string> {
            const auto found = variables.find(name);
            if (found == variables.end()) return std::nullopt;
            return found->second;
          },
          .current_folder = "/somewhere"};
}

#if !defined(_WIN32) && !defined(__APPLE__)
TEST_CASE("without XDG variables a profile lives under the home folder", "[base][profile]") {
  const auto paths = profile_paths("", with({{"HOME", "/home/ann"}}));
  REQUIRE(paths);
  CHECK(paths->profile == "default");
  CHECK(paths->config_file() == "/home/ann/.config/vanctl/default/agent.toml");
  CHECK(paths->state_file() == "/home/ann/.local/state/vanctl/default/state.toml");
  CHECK(paths->control_socket == "/home/ann/.local/state/vanctl/default/agent.sock");
}

TEST_CASE("XDG variables move config, state and control socket", "[base][profile]") {
  const auto paths = profile_paths("work", with({{"HOME", "/home/ann"},
                                                 {"XDG_CONFIG_HOME", "/c"},
                                                 {"XDG_STATE_HOME", "/s"},
                                                 {"XDG_RUNTIME_DIR", "/run/user/7"}}));
  REQUIRE(paths);
  CHECK(paths->config_folder == "/c/vanctl/work");
  CHECK(paths->state_folder == "/s/vanctl/work");
  CHECK(paths->control_socket == "/run/user/7/vanctl/work.sock");
}

TEST_CASE("relative XDG variables are ignored", "[base][profile]") {
  const auto paths = profile_paths(
      "", with({{"HOME", "/h"}, {"XDG_CONFIG_HOME", "c"}, {"XDG_STATE_HOME", "./s"}, {"XDG_RUNTIME_DIR", "run"}}));
  REQUIRE(paths);
  CHECK(paths->config_folder == "/h/.config/vanctl/default");
  CHECK(paths->state_folder == "/h/.local/state/vanctl/default");
  CHECK(paths->control_socket == "/h/.local/state/vanctl/default/agent.sock");
}

TEST_CASE("without any home folder the places are not guessed", "[base][profile]") {
  const auto paths = profile_paths("", with({}));
  REQUIRE_FALSE(paths);
  CHECK(paths.error().find("HOME") != std::string::npos);
  CHECK(profile_paths("", with({{"VANCTL_HOME", "/x"}})));
}

TEST_CASE("VANCTL_HOME puts everything under one folder and comes before XDG variables", "[base][profile]") {
  const auto paths = profile_paths("b", with({{"HOME", "/h"}, {"XDG_RUNTIME_DIR", "/run"}, {"VANCTL_HOME", "/x"}}));
  REQUIRE(paths);
  CHECK(paths->config_folder == "/x/b");
  CHECK(paths->state_folder == "/x/b");
  CHECK(paths->control_socket == "/x/b/agent.sock");
}

TEST_CASE("a relative VANCTL_HOME is made absolute, as the agent may run elsewhere", "[base][profile]") {
  const auto paths = profile_paths("", with({{"VANCTL_HOME", "./x"}}));
  REQUIRE(paths);
  CHECK(paths->state_folder == "/somewhere/x/default");
}
#endif

TEST_CASE("the profile comes from the argument, else from VANCTL_PROFILE", "[base][profile]") {
  const auto surroundings = with({{"VANCTL_HOME", "/x"}, {"VANCTL_PROFILE", "two"}});
  CHECK(profile_paths("", surroundings)->profile == "two");
  CHECK(profile_paths("one", surroundings)->profile == "one");
}

TEST_CASE("a profile name can't leave its folder or look like an option", "[base][profile]") {
  for (const char* name : {"a", "default", "A-b_c.9", "9"}) {
    CAPTURE(name);
    CHECK(valid_profile_name(name));
  }
  for (const char* name : {"", ".", "..", ".hidden", "-x", "a/b", "a b", "a\\b", "\xc3\xa4", "a\n"}) {
    CAPTURE(name);
    CHECK_FALSE(valid_profile_name(name));
  }
  CHECK(valid_profile_name(std::string(64, 'a')));
  CHECK_FALSE(valid_profile_name(std::string(65, 'a')));
  CHECK_FALSE(profile_paths("a/b", with({{"VANCTL_HOME", "/x"}})));
}

}  // namespace
}  // namespace van
