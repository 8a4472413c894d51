#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/io/udp_socket.h"
#include "proxy/udp_exposure.h"
#include "proxy/udp_stand_in.h"
#include "tests/proxy/tunnel.h"

namespace van::proxy::test {

inline ByteView octets(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

/// A local UDP socket with what it heard.
class Talker final : public io::UdpHandler {
 public:
  explicit Talker(io::Loop& loop, std::uint16_t port = 0) {
    auto bound = io::UdpSocket::bind(loop, "127.0.0.1", port, *this);
    REQUIRE(bound);
    socket_ = *std::move(bound);
  }
  void on_datagram(ByteView payload, const io::UdpAddress& from) override {
    heard.emplace_back(payload.begin(), payload.end());
    from_ = from;
    if (echoes) socket_->send_to(Slice::copy_of(octets(name + heard.back())), from);
  }
  void on_refused(const io::Error&) override {}
  void send(std::string_view text, const Endpoint& to) {
    socket_->send_to(Slice::copy_of(octets(text)), *io::UdpAddress::numeric(to.host, to.port));
  }
  [[nodiscard]] Endpoint endpoint() const { return {"127.0.0.1", socket_->local().port(), {}}; }
  [[nodiscard]] const io::UdpAddress& from() const { return from_; }

  std::vector<std::string> heard;
  bool echoes = false;
  std::string name;  ///< before what it echoes

 private:
  std::unique_ptr<io::UdpSocket> socket_;
  io::UdpAddress from_;
};

/// A laptop on a site with a stand-in; exposures are made where a test wants them.
class UdpTunnel {
 public:
  explicit UdpTunnel(bool multicast = false, Duration idle = udp_flow::kIdle) : multicast_{multicast}, idle_{idle} {
    auto opened = UdpStandIn::open({*pair.laptop, pair.loop, log},
                                   {.address = address(), .local = {"127.0.0.1", 0, {}}, .protocol = Protocol::udp, .multicast = multicast}, idle);
    REQUIRE(opened);
    stand_in = *std::move(opened);
  }
  std::unique_ptr<UdpExposure> expose(const Talker& server, std::uint32_t cost = 0) { return expose(*pair.mill, server.endpoint(), cost); }
  std::unique_ptr<UdpExposure> expose(link::Node& node, const Endpoint& target, std::uint32_t cost = 0) {
    return std::make_unique<UdpExposure>(
        Parts{node, pair.loop, log},
        ExposureConfig{.address = address(), .target = target, .protocol = Protocol::udp, .cost = cost, .multicast = multicast_}, idle_);
  }
  void wait_reachable(bool reachable = true) {
    REQUIRE(run([&] { return stand_in->reachable() == reachable; }));
  }
  bool run(const std::function<bool()>& done) { return run_until(pair.loop, done); }
  void send(Talker& client, std::string_view text) { client.send(text, stand_in->local()); }

  spdlog::logger log{"proxy"};  // without sinks
  link::test::Pair pair;
  std::unique_ptr<UdpStandIn> stand_in;

 private:
  [[nodiscard]] std::string address() const { return multicast_ ? "mc/dns" : "dns"; }
  bool multicast_;
  Duration idle_;
};

}  // namespace van::proxy::test
