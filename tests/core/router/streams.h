#pragma once

#include <string>
#include <string_view>

#include "core/base/slice.h"
#include "core/router/router.h"
#include "tests/core/router/network.h"
#include "tests/support/catch.h"

namespace van::router::test {

inline Slice text(std::string_view words) { return Slice::copy_of(as_bytes(words)); }

/// What has come for the site's end of the stream, which has taken it then; empty when the stream is gone.
inline std::string taken(Network& network, Network::Site& site, StreamId stream) {
  SliceQueue* readable = site.router->readable(stream);
  if (readable == nullptr) return {};
  const Bytes bytes = readable->peek(readable->bytes());
  readable->clear();
  site.router->octets_taken(stream, bytes.size(), network.now);
  network.settle();
  return std::string{as_text(bytes)};
}

/// Both ends of a stream that runs.
struct Open {
  StreamId client, server;
};
/// `to` has the one provider of the producer's address, and accepts.
inline Open open(Network& network, Network::Site& from, ProducerId producer, Network::Site& to) {
  const StreamId client = from.router->open_stream(producer, network.now);
  network.settle();
  const auto requested = to.take<StreamRequested>();
  REQUIRE(requested.size() == 1);
  REQUIRE(to.router->accept_stream(requested.front().stream, network.now));
  network.settle();
  const auto opened = from.take<StreamOpened>();
  REQUIRE(opened.size() == 1);
  REQUIRE(opened.front().stream == client);
  return {client, requested.front().stream};
}

}  // namespace van::router::test
