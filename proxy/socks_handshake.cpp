#include "proxy/socks_handshake.h"

#include <array>
#include <cstdio>
#include <utility>

#include "core/base/assert.h"

namespace van::proxy {
namespace {

constexpr std::size_t kText4Max = 255;  // octets of a SOCKS4 user's or host's name

constexpr char kNoAuthentication = 0;
constexpr std::uint8_t kConnect = 1;
enum AddressType : std::uint8_t { ipv4 = 1, name = 3, ipv6 = 4 };

constexpr std::string_view kNotHttp =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
    "This port speaks SOCKS5, not HTTP. See: vanctl proxy\n";

std::string ipv4_text(std::string_view octets) {
  std::string text;
  for (const char c : octets) text += (text.empty() ? "" : ".") + std::to_string(static_cast<std::uint8_t>(c));
  return text;
}

std::string ipv6_text(std::string_view octets) {
  std::string text;
  for (std::size_t at = 0; at < octets.size(); at += 2) {
    std::array<char, 6> group{};
    const int value = static_cast<std::uint8_t>(octets[at]) << 8 | static_cast<std::uint8_t>(octets[at + 1]);
    std::snprintf(group.data(), group.size(), "%x", static_cast<unsigned>(value));
    text += (at == 0 ? "" : ":") + std::string{group.data()};
  }
  return text;
}

bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

}  // namespace

std::size_t SocksHandshake::feed(ByteView octets) {
  std::size_t used = 0;
  while (state_ == State::reading && used < octets.size()) {
    input_ += static_cast<char>(octets[used++]);
    step();
  }
  return used;
}

void SocksHandshake::step() {
  switch (phase_) {
    case Phase::version: return read_version();
    case Phase::methods: return read_methods();
    case Phase::request5: return read_request5();
    case Phase::request4: return read_request4();
  }
}

void SocksHandshake::read_version() {
  if (at(0) == 5) {
    phase_ = Phase::methods;
  } else if (at(0) == 4) {
    phase_ = Phase::request4;
    version4_ = true;
  } else {
    if (is_letter(input_[0])) output_ += kNotHttp;
    state_ = State::refused;
  }
}

void SocksHandshake::read_methods() {  // §3
  if (input_.size() < 2 || input_.size() < 2u + at(1)) return;
  const bool offered = input_.find(kNoAuthentication, 2) != std::string::npos;
  output_ += std::string{'\x05', offered ? kNoAuthentication : '\xff'};
  input_.clear();
  phase_ = Phase::request5;
  if (!offered) state_ = State::refused;
}

void SocksHandshake::read_request5() {  // §4
  if (at(0) != 5) return reply(SocksReply::failure);
  if (input_.size() < 5) return;
  std::size_t address = 4;
  std::size_t size = 0;
  switch (at(3)) {
    case AddressType::ipv4: size = 4; break;
    case AddressType::ipv6: size = 16; break;
    case AddressType::name:
      address = 5;
      size = at(4);
      break;
    default: return reply(SocksReply::address_type_not_supported);
  }
  if (input_.size() < address + size + 2) return;
  const std::string_view host = std::string_view{input_}.substr(address, size);
  request_.host = at(3) == AddressType::ipv4 ? ipv4_text(host) : at(3) == AddressType::ipv6 ? ipv6_text(host) : std::string{host};
  request_.port = port_at(address + size);
  if (at(1) != kConnect) return reply(SocksReply::command_not_supported);
  if (size == 0) return reply(SocksReply::failure);
  state_ = State::asking;
}

void SocksHandshake::read_request4() {
  constexpr std::size_t fixed = 8;  // version, command, port, address; then texts that end in 0
  if (input_.size() <= fixed) return;
  const std::size_t user_end = input_.find('\0', fixed);
  const std::size_t open = user_end == std::string::npos ? fixed : user_end + 1;
  if (input_.size() - open > kText4Max + 1) return reply(SocksReply::failure);
  if (user_end == std::string::npos) return;
  request_.port = port_at(2);
  request_.host = ipv4_text(std::string_view{input_}.substr(4, 4));
  if (at(4) == 0 && at(5) == 0 && at(6) == 0 && at(7) != 0) {  // 4A: a name follows
    const std::size_t host_end = input_.find('\0', open);
    if (host_end == std::string::npos) return;
    request_.host = input_.substr(open, host_end - open);
  }
  if (at(1) != kConnect) return reply(SocksReply::command_not_supported);
  if (request_.host.empty()) return reply(SocksReply::failure);
  state_ = State::asking;
}

void SocksHandshake::answer(SocksReply code) {
  VAN_ASSERT(state_ == State::asking);
  reply(code);
}

void SocksHandshake::reply(SocksReply code) {  // §6; the bound address is nobody's business
  constexpr std::size_t address_and_port = 6;
  if (version4_) {
    output_ += std::string{'\0', code == SocksReply::granted ? '\x5a' : '\x5b'} + std::string(address_and_port, '\0');
  } else {
    output_ += std::string{'\x05', static_cast<char>(code), '\0', static_cast<char>(AddressType::ipv4)} + std::string(address_and_port, '\0');
  }
  state_ = code == SocksReply::granted ? State::granted : State::refused;
}

std::string SocksHandshake::take_output() { return std::exchange(output_, {}); }

}  // namespace van::proxy
