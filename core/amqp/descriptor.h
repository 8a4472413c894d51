#pragma once

#include <cstdint>
#include <optional>

#include "core/amqp/value.h"

namespace van::amqp {

/// Descriptor codes of the standard: AMQP 1.0 §2.7, §2.8.14, §3.2, §3.4, §3.5, §5.3.3.
namespace descriptor {
inline constexpr std::uint8_t open = 0x10, begin = 0x11, attach = 0x12, flow = 0x13, transfer = 0x14,
                              disposition = 0x15, detach = 0x16, end = 0x17, close = 0x18;
inline constexpr std::uint8_t error = 0x1D;
inline constexpr std::uint8_t received = 0x23, accepted = 0x24, rejected = 0x25, released = 0x26, modified = 0x27;
inline constexpr std::uint8_t source = 0x28, target = 0x29, coordinator = 0x30;
inline constexpr std::uint8_t sasl_mechanisms = 0x40, sasl_init = 0x41, sasl_challenge = 0x42, sasl_response = 0x43,
                              sasl_outcome = 0x44;
inline constexpr std::uint8_t header = 0x70, delivery_annotations = 0x71, message_annotations = 0x72, properties = 0x73,
                              application_properties = 0x74, data = 0x75, amqp_sequence = 0x76, amqp_value = 0x77,
                              footer = 0x78;
}  // namespace descriptor

/// The code of a descriptor: a ulong as it is, or one of the standard's symbols ("amqp:open:list"). nullopt: another.
std::optional<std::uint64_t> descriptor_code(const Value& descriptor);

}  // namespace van::amqp
