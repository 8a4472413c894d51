#pragma once

#include <optional>
#include <string>

#include "core/amqp/message.h"
#include "core/base/bytes.h"
#include "core/routing/control_plane.h"
#include "core/routing/messages.h"

namespace van::router {

/// A router protocol message as the bytes that real routers write (control-plane 3.1, 3.8), with us as its origin.
Bytes encode_control_message(const routing::Message& message, const std::string& to, const std::string& own_node);

/// Reads one. Error: what is wrong with it, for the log; such a message is ignored (control-plane 3.1).
Expected<routing::Message, std::string> decode_control_message(const amqp::Message& message);

}  // namespace van::router
