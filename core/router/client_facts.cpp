#include "core/router/client_facts.h"

#include <array>
#include <string_view>
#include <utility>

#include "core/router/names.h"

namespace van::router {
namespace {

constexpr std::array<std::pair<std::string_view, std::string ClientFacts::*>, 3> kClientProperties{
    {{names::prop_client_from, &ClientFacts::from}, {names::prop_client_to, &ClientFacts::to}, {names::prop_alpn, &ClientFacts::alpn}}};

}  // namespace

amqp::Map properties_of(const ClientFacts& client) {
  amqp::Map properties;
  for (const auto& [name, fact] : kClientProperties)
    if (!(client.*fact).empty() && (client.*fact).size() <= kClientFactBytes) properties.emplace_back(std::string{name}, client.*fact);
  return properties;
}

ClientFacts client_in(const amqp::TextEntries& properties) {
  ClientFacts client;
  for (const auto& [name, fact] : kClientProperties) {
    for (const auto& [key, value] : properties) {
      if (key == name && value.size() <= kClientFactBytes) client.*fact = value;
    }
  }
  return client;
}

}  // namespace van::router
