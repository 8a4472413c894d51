#include "agent/config.h"

#include <algorithm>
#include <array>
#include <optional>

#include "agent/atomic_file.h"
#include "agent/toml_text.h"
#include "proxy/endpoint.h"

namespace van::agent {
namespace {

constexpr std::size_t kConfigBytesMax = 1u << 20;

constexpr std::array<std::string_view, 6> kLogLevels{"trace", "debug", "info", "warn", "error", "off"};

constexpr std::array kKeys{
    ConfigKey{.name = "log.level",
              .help = "what is logged: this level and those after it",
              .text = &Config::log_level,
              .choices = kLogLevels},
    ConfigKey{.name = "log.file_bytes",
              .help = "size at which the log file is put aside and a new one begun, in bytes",
              .number = &Config::log_file_bytes,
              .minimum = 4096,
              .maximum = std::int64_t{1} << 30},
    ConfigKey{.name = "log.files",
              .help = "how many log files that were put aside are kept",
              .number = &Config::log_files,
              .minimum = 0,
              .maximum = 100},
    ConfigKey{.name = "links.idle_timeout",
              .help = "seconds of silence after which the other end of a link is given up; more where machines stall",
              .number = &Config::idle_timeout_s,
              .minimum = 2,
              .maximum = 300},
    ConfigKey{.name = "proxy.socks",
              .help = "[HOST:]PORT where SOCKS clients ask for services by name; without a host on loopback",
              .text = &Config::proxy_socks},
    ConfigKey{.name = "proxy.http",
              .help = "[HOST:]PORT where HTTP clients ask for services by name, as of a proxy or by NAME.localhost",
              .text = &Config::proxy_http},
    ConfigKey{.name = "workers",
              .help = "threads that carry streams, of a site that takes links in: as many as it has processors for that",
              .number = &Config::workers,
              .minimum = 1,
              .maximum = 16},
};

std::string at(const toml::node& node) { return "line " + std::to_string(node.source().begin.line) + ": "; }

std::string listed(std::span<const std::string_view> words) {
  std::string text;
  for (const std::string_view word : words) text += (text.empty() ? "" : ", ") + std::string{word};
  return text;
}

/// [HOST:]PORT: the complaint, or empty.
std::string take_port(const std::string& name, const toml::node& node, const toml::value<std::string>* text, std::string& value) {
  const auto endpoint = text != nullptr ? proxy::parse_endpoint(text->get()) : Unexpected{std::string{}};
  if (!endpoint || endpoint->is_path()) return at(node) + name + " must be \"PORT\" or \"HOST:PORT\"";
  value = text->get();
  return {};
}

/// The complaint, or empty.
std::string take(const ConfigKey& key, const toml::node& node, Config& config) {
  const std::string name{key.name};
  if (key.text != nullptr) {
    const auto* text = node.as_string();
    if (key.choices.empty()) return take_port(name, node, text, config.*key.text);
    if (text == nullptr || std::ranges::find(key.choices, text->get()) == key.choices.end())
      return at(node) + name + " must be one of \"" + listed(key.choices) + "\"";
    config.*key.text = text->get();
    return {};
  }
  const auto* number = node.as_integer();
  if (number == nullptr || number->get() < key.minimum || number->get() > key.maximum)
    return at(node) + name + " must be a number from " + std::to_string(key.minimum) + " to " + std::to_string(key.maximum);
  config.*key.number = number->get();
  return {};
}

std::string take_all(const toml::table& table, const std::string& prefix, Config& config) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string{key.str()};
    const auto known = std::ranges::find(kKeys, name, &ConfigKey::name);
    std::string complaint;
    if (known != kKeys.end()) {
      complaint = take(*known, node, config);
    } else if (node.is_table() && prefix.empty()) {
      complaint = take_all(*node.as_table(), name + ".", config);
    } else {
      complaint = at(node) + "'" + name + "' is not known; known are:";
      for (const ConfigKey& each : kKeys) complaint += " " + std::string{each.name};
    }
    if (!complaint.empty()) return complaint;
  }
  return {};
}

}  // namespace

std::span<const ConfigKey> config_keys() { return kKeys; }

Expected<Config, std::string> read_config(std::string_view text) {
  const auto table = parse_toml(text);
  if (!table) return Unexpected{"line " + std::to_string(table.error().line) + ": " + table.error().message};
  Config config;
  std::string complaint = take_all(*table, "", config);
  if (!complaint.empty()) return Unexpected{std::move(complaint)};
  return config;
}

Result<Config> load_config(const std::filesystem::path& file) {
  const auto text = read_file(file, kConfigBytesMax);
  if (!text) return Unexpected{text.error()};
  if (!*text) return Config{};
  auto config = read_config(**text);
  if (config) return *std::move(config);
  return Unexpected{Error{Error::Code::failed, "the configuration " + file.string() + " can't be used: " + config.error(),
                          "mend that line, or remove it: the default is used then"}};
}

}  // namespace van::agent
