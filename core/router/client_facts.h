#pragma once

#include "core/amqp/message.h"
#include "core/router/router.h"

namespace van::router {

/// The application properties of a stream's head that tell `client`.
amqp::Map properties_of(const ClientFacts& client);
/// What those of a received one say. Others are passed over.
ClientFacts client_in(const amqp::TextEntries& properties);

}  // namespace van::router
