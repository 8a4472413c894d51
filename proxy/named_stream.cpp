#include "proxy/named_stream.h"

#include <utility>

#include "proxy/name_route.h"
#include "proxy/patience.h"

namespace van::proxy {

NamedStream::NamedStream(NameRoutes& routes, const NameRoutes::Use& service, Slice first, Owner& owner)
    : node_{routes.parts().node},
      route_{*service.route_},
      first_{std::move(first)},
      owner_{owner},
      patience_{routes.parts().loop, [this] { fail(Failure::no_provider); }} {
  if (node_.reachable(route_.producer)) {
    open();
  } else {
    route_.waiting.push_back(this);
    patience_.arm(kPatience);
  }
}

NamedStream::~NamedStream() {
  route_.waiting.remove(this);
  if (!stream_) return;
  node_.release_stream(stream_);
  node_.reset(stream_);
}

void NamedStream::provided() {
  route_.waiting.remove(this);
  patience_.cancel();
  open();
}

void NamedStream::open() { stream_ = node_.open_stream(route_.producer, *this, std::move(first_)); }

void NamedStream::fail(Failure why) {
  route_.waiting.remove(this);
  owner_.stream_not_opened(why);
}

void NamedStream::on_stream_opened() { owner_.stream_opened(std::exchange(stream_, {})); }

void NamedStream::on_stream_failed(router::StreamFailure why) {
  stream_ = {};
  switch (why) {
    case router::StreamFailure::no_provider: return fail(Failure::no_provider);
    case router::StreamFailure::refused: return fail(Failure::refused);
    case router::StreamFailure::reset: return fail(Failure::refused);
    case router::StreamFailure::lost: return fail(Failure::lost);
  }
}

}  // namespace van::proxy
