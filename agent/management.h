#pragma once

#include <optional>

#include "agent/entity_table.h"
#include "core/amqp/message.h"

namespace van::agent {

/// The address below a router's own prefix where its management is asked.
inline constexpr const char* kManagementName = "$management";

/// Answers a request to $management (control-plane 6.1), read-only: who configures a vanctl router is its user, not the
/// network. nullopt when the request names no address for the answer. An answer has at most
/// limits::kManagementAnswerBytes of rows; what does not fit is left out.
std::optional<amqp::Message> answer_management(const amqp::Message& request, const EntitySource& source);

}  // namespace van::agent
