#include "core/http/connection_facts.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/http/text.h"

namespace van::http {
namespace {

constexpr std::array<std::string_view, 6> kHopByHop{"Connection", "Keep-Alive", "Proxy-Connection", "TE", "Transfer-Encoding", "Upgrade"};
constexpr std::array<std::string_view, 2> kNeverNamed{"Host", "Content-Length"};
constexpr std::size_t kLengthDigits = 18;  ///< below 2^63

bool among(const auto& names, std::string_view name) {
  return std::ranges::any_of(names, [name](std::string_view each) { return same(each, name); });
}

Expected<std::uint64_t, Error> read_length(std::string_view text) {
  if (!is_digits(text)) return Unexpected{Error{400, "Content-Length is no number"}};
  if (text.size() > kLengthDigits) return Unexpected{Error{413, "Content-Length is too large"}};
  std::uint64_t length = 0;
  std::from_chars(text.data(), text.data() + text.size(), length);
  return length;
}

/// §6.1: chunked is the last coding of a request, and the only one that we know.
Expected<void, Error> read_codings(const std::vector<std::string_view>& codings) {
  const auto chunked = std::ranges::count_if(codings, [](std::string_view coding) { return same(coding, "chunked"); });
  if (codings.empty() || !same(codings.back(), "chunked")) return Unexpected{Error{400, "the last transfer coding is not chunked"}};
  if (chunked != 1) return Unexpected{Error{400, "chunked stands twice among the transfer codings"}};
  if (codings.size() > 1) return Unexpected{Error{501, "a transfer coding other than chunked"}};
  return {};
}

}  // namespace

Expected<ConnectionFacts, Error> ConnectionFacts::read(const Fields& fields) {
  ConnectionFacts facts;
  std::vector<std::string_view> codings;
  bool coded = false;
  for (const Field& field : fields) {
    if (same(field.name, "Connection")) {
      for_each_element(field.value, [&](std::string_view option) { facts.options.push_back(option); });
    } else if (same(field.name, "Upgrade")) {
      facts.upgrade = field.value;
    } else if (same(field.name, "Transfer-Encoding")) {
      coded = true;
      for_each_element(field.value, [&](std::string_view coding) { codings.push_back(coding); });
    } else if (same(field.name, "Content-Length")) {
      if (facts.length) return Unexpected{Error{400, "Content-Length stands twice"}};
      const auto length = read_length(field.value);
      if (!length) return Unexpected{length.error()};
      facts.length = *length;
    }
  }
  if (coded && facts.length) return Unexpected{Error{400, "Content-Length and Transfer-Encoding contradict each other"}};
  if (coded) {
    if (const auto read = read_codings(codings); !read) return Unexpected{read.error()};
    facts.chunked = true;
  }
  facts.close = among(facts.options, "close");
  facts.keep_alive = among(facts.options, "keep-alive");
  if (!among(facts.options, "upgrade")) facts.upgrade = {};
  return facts;
}

bool ConnectionFacts::hop_by_hop(std::string_view name) const {
  return among(kHopByHop, name) || (!options.empty() && among(options, name) && !among(kNeverNamed, name));
}

}  // namespace van::http
