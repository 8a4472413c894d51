#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/slice.h"
#include "core/io/deferred.h"
#include "core/io/error.h"
#include "core/io/loop.h"
#include "core/io/udp_address.h"
#include "core/io/udp_sender.h"

namespace van::io {

/// What a UDP socket tells its owner, on the loop thread and never from inside a call into the socket. Either may destroy it.
class UdpHandler {
 public:
  virtual ~UdpHandler() = default;
  /// One datagram, maybe empty; `payload` is only good during the call.
  virtual void on_datagram(ByteView payload, const UdpAddress& from) = 0;
  /// A connected socket's peer was said not to be there (ICMP), of something sent before; the socket goes on. Code::refused,
  /// unreachable, other.
  virtual void on_refused(const Error& error) = 0;
};

/// A UDP socket that reads from the moment it is there; several datagrams by one system call. What is to be sent waits for the end of
/// the loop's turn, to go by few system calls; what the system does not take then is lost, which is what UDP promises.
class UdpSocket {
 public:
  /// `host`: numeric or "localhost"; port 0 picks a free one; nobody else may have it. "::" takes IPv4, too. Errors: address_in_use,
  /// permission, name_not_found (not numeric), unreachable (not of this machine), no_space. `handler` must outlive the socket.
  static Result<std::unique_ptr<UdpSocket>> bind(Loop& loop, const std::string& host, std::uint16_t port, UdpHandler& handler);
  /// To one peer, from a port of its own: hears that peer only. Errors: unreachable, no_space, other.
  static Result<std::unique_ptr<UdpSocket>> connect(Loop& loop, const UdpAddress& peer, UdpHandler& handler);
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;
  ~UdpSocket();  ///< what waits goes out before

  /// In the order of the calls, at the end of this turn of the loop, or as soon as limits::kDatagramsUnsent wait. Each is lost by
  /// itself: because the system has no room, it is too long for the way, there is no route, or an earlier one found nobody there.
  void send(Slice payload);  ///< connected
  void send_to(Slice payload, const UdpAddress& to);
  /// Of those: how many were lost so far.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

  [[nodiscard]] UdpAddress local() const;
  /// Datagrams for this socket that the system dropped because nobody read in time; 0 where it does not tell.
  [[nodiscard]] std::uint64_t dropped_by_system() const;

  /// The most that a datagram holds over IPv4 (RFC 768, RFC 791): 65,535 less the headers.
  static constexpr std::size_t kPayloadMax = 65'507;

 private:
  struct Node;
  struct Close {
    void operator()(Node* node) const noexcept;
  };
  using NodePtr = std::unique_ptr<Node, Close>;
  UdpSocket(Loop& loop, NodePtr node);
  void queue(UdpSender::Datagram datagram);
  void flush();
  void tell_refused();

  NodePtr node_;
  UdpSender sender_;
  std::vector<UdpSender::Datagram> unsent_;
  std::uint64_t lost_ = 0;
  int refused_ = 0;  ///< errno that the handler is to hear of
  Deferred turn_end_;
};

}  // namespace van::io
