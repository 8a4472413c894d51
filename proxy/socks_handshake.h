#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/bytes.h"

namespace van::proxy {

/// Of RFC 1928 §6; a SOCKS4 client is only told granted or not.
enum class SocksReply : std::uint8_t {
  granted = 0,
  failure = 1,
  not_allowed = 2,
  network_unreachable = 3,
  host_unreachable = 4,
  refused = 5,
  command_not_supported = 7,
  address_type_not_supported = 8,
};

/// The server's side of what a SOCKS client says before its connection is one: SOCKS5 without authentication (RFC 1928), and SOCKS4 with
/// names (4A). Knows no network: who asks() is answered by answer(). Holds what is not whole yet, at most some 520 octets.
class SocksHandshake {
 public:
  enum class State {
    reading,  ///< more octets are needed
    asking,   ///< a connection is asked for: answer()
    granted,  ///< what follows is the connection's
    refused,  ///< after the output the connection is to be closed
  };
  struct Request {
    std::string host;  ///< a name, never empty; or an IP address
    std::uint16_t port = 0;
  };

  /// Takes octets up to the end of the request, in any split, and says how many.
  std::size_t feed(ByteView octets);
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const Request& request() const { return request_; }  ///< while asking, and later
  void answer(SocksReply reply);                                     ///< while asking
  /// What is to be written to the client, since the last call.
  [[nodiscard]] std::string take_output();

 private:
  enum class Phase { version, methods, request5, request4 };
  void step();
  void read_version();
  void read_methods();
  void read_request5();
  void read_request4();
  void reply(SocksReply reply);
  [[nodiscard]] std::uint8_t at(std::size_t index) const { return static_cast<std::uint8_t>(input_[index]); }
  [[nodiscard]] std::uint16_t port_at(std::size_t index) const { return static_cast<std::uint16_t>(at(index) << 8 | at(index + 1)); }

  State state_ = State::reading;
  Phase phase_ = Phase::version;
  bool version4_ = false;
  std::string input_, output_;
  Request request_;
};

}  // namespace van::proxy
