#pragma once

#include "core/io/timer.h"
#include "core/link/node.h"
#include "proxy/name_routes.h"

namespace van::proxy {

/// A stream on its way to a service that was asked for by name. While nobody provides the service it waits for a provider as long
/// as a stand-in's client does. Destroying it before its outcome gives the stream up.
class NamedStream final : private link::StreamHandler {
 public:
  enum class Failure {
    no_provider,  ///< in time
    refused,      ///< the target could not be connected
    lost,         ///< the way to it broke
  };
  /// Hears one of the two, once, never from inside a call; may destroy the NamedStream then.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void stream_opened(router::StreamId stream) = 0;  ///< attach a handler at once
    virtual void stream_not_opened(Failure why) = 0;
  };

  /// `first`: what goes along with the question, at most router::kFirstOctets. All must outlive it.
  NamedStream(NameRoutes& routes, const NameRoutes::Use& service, Slice first, Owner& owner);
  NamedStream(const NamedStream&) = delete;
  NamedStream& operator=(const NamedStream&) = delete;
  ~NamedStream() override;

 private:
  friend class NameRoutes;
  void provided();
  void open();
  void fail(Failure why);
  void on_stream_opened() override;
  void on_stream_readable() override {}
  void on_stream_writable() override {}
  void on_stream_failed(router::StreamFailure why) override;

  link::Node& node_;
  NameRoutes::Route& route_;
  Slice first_;
  Owner& owner_;
  router::StreamId stream_;
  io::Timer patience_;
};

}  // namespace van::proxy
