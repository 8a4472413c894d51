#include "agent/config.h"

#include <fstream>

#include "tests/agent/temporary_folder.h"
#include "tests/support/catch.h"

namespace van::agent {
namespace {

std::string complaint(std::string_view text) {
  const auto config = read_config(text);
  return config ? std::string{} : config.error();
}

TEST_CASE("an empty configuration is all defaults", "[agent][config]") {
  const auto config = read_config("# nothing\n");
  REQUIRE(config);
  CHECK(config->log_level == "info");
  CHECK(config->log_files == 3);
}

TEST_CASE("every key of the table is read", "[agent][config]") {
  const auto config = read_config("[log]\nlevel = \"debug\"\nfile_bytes = 8192\nfiles = 0\n");
  REQUIRE(config);
  CHECK(config->log_level == "debug");
  CHECK(config->log_file_bytes == 8192);
  CHECK(config->log_files == 0);
  CHECK(read_config("log.level = \"off\"\n")->log_level == "off");
  CHECK(read_config("[proxy]\nsocks = \"1080\"\n")->proxy_socks == "1080");
  CHECK(read_config("[proxy]\nsocks = \"[::1]:1080\"\n")->proxy_socks == "[::1]:1080");
  CHECK(read_config("workers = 16\n")->workers == 16);
}

TEST_CASE("what can't be in a configuration is refused with its line", "[agent][config]") {
  CHECK(complaint("\n[log]\nlevel = \"loud\"\n").starts_with("line 3: log.level must be one of"));
  CHECK(complaint("[log]\nlevel = 3\n").starts_with("line 2: log.level"));
  CHECK(complaint("[log]\nfiles = -1\n").starts_with("line 2: log.files must be a number from 0 to 100"));
  CHECK(complaint("[log]\nfile_bytes = \"1M\"\n").starts_with("line 2:"));
  CHECK(complaint("[log]\nlevle = \"info\"\n").starts_with("line 2: 'log.levle' is not known; known are: log.level"));
  for (const char* const place : {"1080", "\"\"", "\"0\"", "\"a:b\"", "\"unix:/x\""})
    CHECK(complaint("[proxy]\nsocks = " + std::string{place} + "\n").starts_with("line 2: proxy.socks must be"));
  CHECK(complaint("workers = 0\n").starts_with("line 1: workers must be a number from 1 to 16"));
  CHECK(complaint("workers = 17\n").starts_with("line 1: workers must be"));
  CHECK(complaint("speed = 1\n").starts_with("line 1: 'speed' is not known"));
  CHECK(complaint("[log\n").starts_with("line 1:"));
  CHECK(complaint("log = 1\n").starts_with("line 1: 'log' is not known"));
}

TEST_CASE("each key has a help text of one line and a default within its range", "[agent][config]") {
  const Config defaults;
  for (const ConfigKey& key : config_keys()) {
    CAPTURE(key.name);
    CHECK_FALSE(key.help.empty());
    CHECK(key.help.find('\n') == std::string_view::npos);
    CHECK((key.text != nullptr) != (key.number != nullptr));
    if (key.number != nullptr) {
      CHECK(defaults.*key.number >= key.minimum);
      CHECK(defaults.*key.number <= key.maximum);
    }
  }
}

TEST_CASE("the manual names every key with its default and its help", "[agent][config]") {
  const std::string manual = test::content_of(std::filesystem::path{VAN_SOURCE_DIR} / "docs/formats/agent-toml.md");
  const Config defaults;
  for (const ConfigKey& key : config_keys()) {
    std::string value = key.text == nullptr ? std::to_string(defaults.*key.number) : "`" + defaults.*key.text + "`";
    if (value == "``") value = "none";
    CAPTURE(key.name);
    CHECK(manual.find("| `" + std::string{key.name} + "` |") != std::string::npos);
    CHECK(manual.find("| " + value + " | " + std::string{key.help} + " |") != std::string::npos);
  }
}

TEST_CASE("the message about a bad configuration names the file", "[agent][config]") {
  const test::TemporaryFolder folder;
  CHECK(load_config(folder / "agent.toml"));
  std::ofstream{folder / "agent.toml"} << "x = 1\n";
  const auto config = load_config(folder / "agent.toml");
  REQUIRE_FALSE(config);
  CHECK(config.error().message.find((folder / "agent.toml").string()) != std::string::npos);
  CHECK(config.error().message.find("line 1") != std::string::npos);
}

}  // namespace
}  // namespace van::agent
