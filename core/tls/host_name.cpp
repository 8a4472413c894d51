#include "core/tls/host_name.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace van::tls {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<unsigned> number(std::string_view text, int base, std::size_t digits_max) {
  unsigned value = 0;
  if (text.empty() || text.size() > digits_max) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Bytes> parse_ipv4(std::string_view text) {
  Bytes address;
  for (const std::string_view part : split(text, '.')) {
    const auto value = number(part, 10, 3);
    if (!value || *value > 255 || (part.size() > 1 && part.front() == '0') || address.size() == 4) return std::nullopt;
    address.push_back(static_cast<std::uint8_t>(*value));
  }
  if (address.size() != 4) return std::nullopt;
  return address;
}

/// Groups of one side of "::", where the last one may be an IPv4 address.
std::optional<Bytes> parse_groups(std::string_view text) {
  Bytes address;
  if (text.empty()) return address;
  const auto groups = split(text, ':');
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (address.size() >= 16) return std::nullopt;
    if (i + 1 == groups.size() && groups[i].find('.') != std::string_view::npos) {
      const auto tail = parse_ipv4(groups[i]);
      if (!tail) return std::nullopt;
      append(address, *tail);
      continue;
    }
    const auto value = number(groups[i], 16, 4);
    if (!value) return std::nullopt;
    address.push_back(static_cast<std::uint8_t>(*value >> 8));
    address.push_back(static_cast<std::uint8_t>(*value & 0xff));
  }
  return address;
}

std::optional<Bytes> parse_ipv6(std::string_view text) {
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    auto address = parse_groups(text);
    if (!address || address->size() != 16) return std::nullopt;
    return address;
  }
  const auto head = parse_groups(text.substr(0, gap));
  const auto tail = parse_groups(text.substr(gap + 2));
  if (!head || !tail || head->size() + tail->size() > 14) return std::nullopt;
  if (text.substr(0, gap).find('.') != std::string_view::npos) return std::nullopt;
  Bytes address = *head;
  address.resize(16 - tail->size());
  append(address, *tail);
  return address;
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && std::all_of(label.begin(), label.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

}  // namespace

std::optional<Bytes> parse_ip(std::string_view text) {
  return text.find(':') == std::string_view::npos ? parse_ipv4(text) : parse_ipv6(text);
}

std::string ip_text(ByteView address) {
  if (address.size() != 4 && address.size() != 16) return hexadecimal(address);
  std::string text;
  char digits[8];
  const std::size_t step = address.size() == 4 ? 1 : 2;
  for (std::size_t i = 0; i < address.size(); i += step) {
    if (i > 0) text += step == 1 ? '.' : ':';
    const unsigned value = step == 1 ? address[i] : (unsigned{address[i]} << 8) | address[i + 1];
    const auto written = std::to_chars(digits, digits + sizeof digits, value, step == 1 ? 10 : 16);
    text.append(digits, written.ptr);
  }
  return text;
}

bool is_dns_name(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  const auto labels = split(text, '.');
  return (labels.front() == "*" ? labels.size() > 1 : is_label(labels.front())) &&
         std::all_of(labels.begin() + 1, labels.end(), is_label);
}

std::string printable(std::string_view text) {
  constexpr std::size_t kShown = 64;
  std::string result;
  for (const char c : text.substr(0, kShown)) {
    if (c >= 0x20 && c < 0x7f && c != '\\') {
      result += c;
    } else {
      const auto byte = static_cast<std::uint8_t>(c);
      result += "\\x" + hexadecimal({&byte, 1});
    }
  }
  if (text.size() > kShown) result += "...";
  return result;
}

std::string hexadecimal(ByteView bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace van::tls
