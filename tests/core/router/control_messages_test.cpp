#include "core/router/control_messages.h"

#include <string>

#include "tests/support/catch.h"

using namespace van;
using namespace van::router;
using routing::AddressDescriptor;
using routing::AddressKey;
using routing::Mau;
using routing::Treatment;

namespace {

AddressDescriptor service(const std::string& name, std::uint32_t cost, bool early) {
  return {.key = *AddressKey::mobile(name), .treatment = Treatment::balanced, .producers = 0, .mesh = {}, .cost = cost, .early = early};
}

amqp::Message written(const Mau& mau) {
  auto message = amqp::decode_message(encode_control_message(mau, "mc", "0/a"));
  REQUIRE(message);
  return *std::move(message);
}

routing::Message read(const amqp::Message& message) {
  auto read = decode_control_message(message);
  REQUIRE(read);
  return *std::move(read);
}

}  // namespace

TEST_CASE("an address update says which addresses cost something, and which take early octets", "[router][messages]") {
  const Mau all{.id = "a", .mobile_seq = 7, .content = Mau::Absolute{{service("web", 0, true), service("db", 5, false), service("mail", 0, false)}}};
  CHECK(read(written(all)) == routing::Message{all});
  const Mau changes{.id = "a", .mobile_seq = 8, .content = Mau::Differential{{service("web", 3, false), service("db", 0, true)}, {*AddressKey::mobile("mail")}}};
  CHECK(read(written(changes)) == routing::Message{changes});
  const Mau early{.id = "a", .mobile_seq = 9, .content = Mau::Absolute{{service("web", 0, true)}}};
  CHECK(read(written(early)) == routing::Message{early});
}

TEST_CASE("addresses of a router that says nothing of early octets take none", "[router][messages]") {
  amqp::Message message = written({.id = "a", .mobile_seq = 7, .content = Mau::Absolute{{service("web", 0, true)}}});
  amqp::Map body = *message.body->map();
  REQUIRE(std::erase_if(body, [](const auto& field) { return field.first.text() == "vanctl.late"; }) == 1);
  message.body = amqp::Value{body};
  CHECK(read(message) == routing::Message{Mau{.id = "a", .mobile_seq = 7, .content = Mau::Absolute{{service("web", 0, false)}}}});
}
