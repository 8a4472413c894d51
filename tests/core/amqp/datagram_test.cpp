#include "core/amqp/datagram.h"

#include <string>

#include "core/amqp/message.h"
#include "core/base/datagram_limits.h"
#include "core/base/limits.h"
#include "tests/support/catch.h"

namespace van::amqp {
namespace {

const DatagramHead kHead{.to = "dns", .subject = "vanctl.ack", .reply_to = "amqp:/_topo/0/a/udp.1", .group_id = "1f"};

Slice datagram(const std::string& payload) {
  BlockWriter blocks{1024};
  return encode_datagram(encode_datagram_head(kHead), as_bytes(payload), blocks);
}

}  // namespace

TEST_CASE("a datagram is an ordinary message, whatever its length", "[amqp][datagram]") {
  const std::size_t length = GENERATE(0u, 1u, 255u, 256u, 65'507u);
  const std::string payload(length, 'x');
  const Slice slice = datagram(payload);
  const auto message = decode_message(slice.view());
  REQUIRE(message);
  REQUIRE(message->properties);
  CHECK(message->properties->to == kHead.to);
  CHECK(message->properties->subject == kHead.subject);
  CHECK(message->properties->reply_to == kHead.reply_to);
  CHECK(message->properties->group_id == kHead.group_id);
  REQUIRE(message->body);
  CHECK(*message->body == Value{Binary{payload.begin(), payload.end()}});

  const auto view = read_datagram(slice.view());
  REQUIRE(view);
  CHECK(view->subject == kHead.subject);
  CHECK(view->reply_to == kHead.reply_to);
  CHECK(view->group_id == kHead.group_id);
  CHECK(as_text(view->payload) == payload);
}

TEST_CASE("a datagram cut anywhere is an error", "[amqp][datagram]") {
  const Slice slice = datagram("payload");
  for (std::size_t length = 0; length < slice.size(); ++length) CHECK_FALSE(read_datagram(slice.view().first(length)));
}

TEST_CASE("an event may be text, and what others write around it does not matter", "[amqp][datagram]") {
  Message message;
  message.header = true;
  message.priority = 4;
  message.properties = Properties{};
  message.properties->message_id = Value{std::uint64_t{7}};
  message.properties->to = "mc/news";
  message.application_properties.emplace_back(std::string{"k"}, std::string{"v"});
  message.body = Value{std::string{"hello"}};
  const Bytes bytes = encode_message(message);
  const auto view = read_datagram(bytes);
  REQUIRE(view);
  CHECK(as_text(view->payload) == "hello");
  CHECK(view->reply_to.empty());

  message.body = Value{std::uint32_t{5}};
  CHECK_FALSE(read_datagram(encode_message(message)));
  message.body.reset();
  CHECK_FALSE(read_datagram(encode_message(message)));
}

TEST_CASE("what would do harm in an answer is refused", "[amqp][datagram]") {
  BlockWriter blocks{1024};
  const auto with = [&](DatagramHead head) { return read_datagram(encode_datagram(encode_datagram_head(head), {}, blocks).view()); };
  CHECK(with({.reply_to = std::string(limits::kAddressBytes, 'a'), .group_id = std::string(limits::kDatagramFlowBytes, 'g')}));
  CHECK_FALSE(with({.reply_to = std::string(limits::kAddressBytes + 1, 'a')}));
  CHECK_FALSE(with({.group_id = std::string(limits::kDatagramFlowBytes + 1, 'g')}));
  CHECK_FALSE(with({.reply_to = "\xff"}));

  Bytes two = encode_datagram_head({});
  for (int i = 0; i < 2; ++i) append(two, as_bytes(std::string_view{"\x00\x53\x75\xa0\x01x", 6}));
  CHECK_FALSE(read_datagram(two));
}

}  // namespace van::amqp
