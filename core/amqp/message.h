#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/amqp/error.h"
#include "core/amqp/value.h"
#include "core/base/bytes.h"

namespace van::amqp {

/// Descriptor of the router's own section; those of the standard are in descriptor.h.
inline constexpr std::uint64_t kRouterAnnotations = 0x534B50522D2D5241;

/// Router annotations (control-plane, section 4.3): the first section between routers.
struct RouterAnnotations {
  static constexpr std::uint32_t kStreaming = 1, kResendReleased = 2, kNoHoldOff = 4;
  /// Ours: every router that it has passed holds what a wide window lets come (docs/protocol.md, "Windows").
  static constexpr std::uint32_t kWide = 1u << 16;
  /// Ours: a client stream that has come whole, and whose client's direction ends when the answer has ended (docs/protocol.md, "Requests").
  static constexpr std::uint32_t kOneRequest = 1u << 17;
  std::uint32_t flags = 0;  ///< unknown bits are kept
  std::optional<std::string> to_override{};
  std::optional<std::string> ingress{};  ///< "0/<id>"
  std::vector<std::string> trace{};      ///< "0/<id>" of every interior passed
  std::optional<std::string> mesh_id{};
  friend bool operator==(const RouterAnnotations&, const RouterAnnotations&) = default;
};

/// §3.2.4, as much as routers use. Values keep their types.
struct Properties {
  Value message_id{};
  std::optional<std::string> to{};
  std::optional<std::string> subject{};
  std::optional<std::string> reply_to{};
  Value correlation_id{};
  std::optional<std::string> content_type{};
  std::optional<std::string> group_id{};
  friend bool operator==(const Properties&, const Properties&) = default;
};

/// What a router must know of a message to forward it, found at its beginning.
struct MessageHeader {
  std::optional<RouterAnnotations> annotations{};
  /// Length of the annotations section: what is cut off before the own ones are put in front.
  std::size_t annotations_bytes = 0;
  std::optional<std::uint8_t> priority{};  ///< header section §3.2.1
  std::optional<std::string> to{};          ///< of the properties §3.2.4; whatever else they say is for the message's receiver
  friend bool operator==(const MessageHeader&, const MessageHeader&) = default;
};

/// Reads a message's first sections from `prefix`. `complete`: nothing follows. nullopt: more bytes are needed to know
/// all of MessageHeader (sections after properties are not waited for; with `only_annotations` nothing behind the
/// annotations is). Unknown sections before them are passed over; what is no section ends the header, except at the
/// very beginning.
/// Errors: decode_error; invalid_field for annotations against the reader's rules of section 4.3;
/// resource_limit_exceeded when these sections are above limits::kMessageHeaderBytes.
Result<std::optional<MessageHeader>> read_message_header(ByteView prefix, bool complete, bool only_annotations);
/// The flags of the annotations that `prefix` begins with; 0 when it does not, or they are not whole or wrong.
std::uint32_t annotation_flags(ByteView prefix);

/// A whole small message (control messages, tracking, management).
struct Message {
  std::optional<RouterAnnotations> annotations{};
  bool header = false;  ///< a header section (durable=false, and the priority) is there
  std::optional<std::uint8_t> priority{};
  std::optional<Properties> properties{};
  Map application_properties{};  ///< empty: no section
  /// amqp-value (§3.2.8); nullopt: no body. A data body is read as one Binary, a sequence body as one List.
  std::optional<Value> body{};
  friend bool operator==(const Message&, const Message&) = default;
};
/// Sections must come in the order of §3.2; delivery and message annotations, unknown sections and a footer are passed
/// over.
/// Errors: decode_error, invalid_field as read_message_header().
Result<Message> decode_message(ByteView bytes);
Bytes encode_message(const Message& message);
/// The section with its descriptor, always in the 8-byte form that real routers look for (section 4.3).
Bytes encode_annotations(const RouterAnnotations& annotations);

/// TCP stream header (data plane, sections 2.1 and 2.2) without router annotations: properties, application-properties,
/// null body.
struct StreamHeader {
  std::string to{};
  std::optional<std::string> reply_to{};
  Value correlation_id{};
  Map application_properties{};  ///< besides V
};
Bytes encode_stream_header(const StreamHeader& header);

/// The texts of the properties (§3.2.4).
struct PropertyTexts {
  std::optional<std::string_view> to{};
  std::optional<std::string_view> subject{};
  std::optional<std::string_view> reply_to{};
  std::optional<std::string_view> content_type{};
  std::optional<std::string_view> group_id{};
  friend bool operator==(const PropertyTexts&, const PropertyTexts&) = default;
};

/// Entries of a map with a text for a text, in their order.
using TextEntries = std::vector<std::pair<std::string_view, std::string_view>>;

/// The header of a received stream: everything before the raw octets. Its texts are those octets: they live as long.
struct StreamHead {
  PropertyTexts properties{};
  TextEntries application_properties{};  ///< the others are passed over
  std::size_t bytes = 0;  ///< where the raw octets begin
  friend bool operator==(const StreamHead&, const StreamHead&) = default;
};
/// Reads it as data-plane 2.3: the first body section is passed over whatever its content; without one the raw octets
/// begin where something other than a further header section does. `complete`: nothing follows. nullopt: more bytes are
/// needed. Errors: as read_message_header(), for every section before the body; the content type and addresses are the caller's to judge.
Result<std::optional<StreamHead>> read_stream_head(ByteView prefix, bool complete);

}  // namespace van::amqp
