#include <chrono>

#include "core/base/limits.h"
#include "tests/core/router/network.h"
#include "tests/core/router/scripted_peer.h"
#include "tests/support/catch.h"

using namespace std::chrono_literals;
using namespace van;
using namespace van::router;
using test::Network;
using test::ScriptedPeer;

namespace {

/// A site to which an edge of our kind sends streams.
struct Receiver {
  Network network;
  Network::Site& site = network.add("site", Mode::interior);
  ScriptedPeer sender{network, site, ScriptedPeer::Kind::ours};
  Receiver() {
    site.router->add_consumer("upload", 0, network.now);
    network.advance(1s);
  }

  /// One more stream, of which some is taken: what the sender hears that may be on the way.
  std::uint64_t holds_for_another() {
    amqp::RouterAnnotations annotations;
    annotations.flags = amqp::RouterAnnotations::kWide;
    sender.begin_stream(annotations, "upload", "amqp:/_edge/scripted/temp.reply", std::string(limits::kStreamReportOctets, 'x'));
    const auto requested = site.take<StreamRequested>();
    REQUIRE(requested.size() == 1);
    streams.push_back(requested.front().stream);
    SliceQueue* readable = site.router->readable(streams.back());
    REQUIRE(readable != nullptr);
    const std::size_t octets = readable->bytes();
    readable->clear();
    site.router->octets_taken(streams.back(), octets, network.now);
    sender.settle();
    const auto* received = sender.state ? std::get_if<amqp::Received>(&*sender.state) : nullptr;
    REQUIRE(received != nullptr);
    CHECK(received->section_offset == octets);
    return received->section_number;
  }
  std::vector<StreamId> streams;
};

}  // namespace

TEST_CASE("the streams that come to a receiver share what it would hold, and each has the window of real routers", "[router][stream][limits]") {
  Receiver receiver;
  constexpr std::size_t kFull = limits::kStreamWindowBudget / limits::kStreamWindowMax;
  constexpr std::size_t kMany = limits::kStreamWindowBudget / limits::kStreamWindow;
  for (std::uint64_t streams = 1; streams <= kMany + 10; ++streams) {
    const std::uint64_t holds = receiver.holds_for_another();
    CAPTURE(streams);
    if (streams <= kFull) CHECK(holds == limits::kStreamWindowMax);
    else if (streams <= kMany) CHECK(holds == limits::kStreamWindowBudget / streams);
    else CHECK(holds == limits::kStreamWindow);
  }
  while (receiver.streams.size() > 10) {  // who goes leaves his share to the others
    receiver.site.router->reset(receiver.streams.back(), receiver.network.now);
    receiver.streams.pop_back();
  }
  receiver.sender.settle();
  CHECK(receiver.holds_for_another() == limits::kStreamWindowBudget / 11);
}
