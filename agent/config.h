#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "agent/error.h"

namespace van::agent {

/// agent.toml, which the user writes and we only read: docs/formats/agent-toml.md.
struct Config {
  std::string log_level = "info";
  std::int64_t log_file_bytes = 1 << 20;
  std::int64_t log_files = 3;
  std::int64_t idle_timeout_s = 4;
  std::string proxy_socks;  ///< [HOST:]PORT; empty: what the state says
  std::string proxy_http;
  std::int64_t workers = 1;
};

/// One row per key: parser and manual come from it.
struct ConfigKey {
  std::string_view name;  ///< "table.key"
  std::string_view help;  ///< one line
  std::string Config::*text = nullptr;  ///< a string: one of `choices`; without any, [HOST:]PORT
  std::span<const std::string_view> choices = {};
  std::int64_t Config::*number = nullptr;  ///< an integer: from `minimum` to `maximum`
  std::int64_t minimum = 0;
  std::int64_t maximum = 0;
};
std::span<const ConfigKey> config_keys();

/// The error is one line with the place, and for an unknown key the known ones.
Expected<Config, std::string> read_config(std::string_view text);

/// The defaults when there is no file. Errors: failed, naming the file.
Result<Config> load_config(const std::filesystem::path& file);

}  // namespace van::agent
