#include <string>
#include <vector>

#include "tests/core/link/site.h"

namespace van::link {
using test::Pair;
using test::run_turns;
using test::run_until;

namespace {

struct Inbox final : MessageHandler {
  void on_message(amqp::Message message) override { words.emplace_back(message.body->text().value_or("no text")); }
  std::vector<std::string> words;
};

amqp::Message message(const std::string& to, const std::string& words) {
  amqp::Message message;
  message.properties = amqp::Properties{};
  message.properties->to = to;
  message.body = amqp::Value{words};
  return message;
}

}  // namespace

TEST_CASE("messages reach the handlers of local endpoints, and none that is removed", "[link][node]") {
  Pair pair;
  Inbox on_mill, on_laptop;
  const auto endpoint = pair.mill->add_local_endpoint("desk", on_mill);
  pair.laptop->add_local_endpoint("desk", on_laptop);
  CHECK(pair.mill->local_address("desk") == "amqp:/_topo/0/mill-1/desk");
  CHECK(pair.laptop->local_address("desk") == "amqp:/_edge/laptop-1/desk");

  CHECK(pair.laptop->send_message(message(pair.mill->local_address("desk"), "question")));
  REQUIRE(run_until(pair.loop, [&] { return !on_mill.words.empty(); }));
  CHECK(pair.mill->send_message(message(pair.laptop->local_address("desk"), "answer")));
  REQUIRE(run_until(pair.loop, [&] { return !on_laptop.words.empty(); }));
  CHECK(on_mill.words == std::vector<std::string>{"question"});
  CHECK(on_laptop.words == std::vector<std::string>{"answer"});

  CHECK(pair.mill->send_message(message(pair.mill->local_address("desk"), "to itself")));
  pair.mill->remove_endpoint(endpoint);
  CHECK_FALSE(pair.mill->send_message(message(pair.mill->local_address("desk"), "too late")));
  run_turns(pair.loop);
  CHECK(on_mill.words.size() == 1);
}

TEST_CASE("a mobile endpoint is found by its address", "[link][node]") {
  Pair pair;
  Inbox inbox;
  pair.mill->add_endpoint("mc/events", {}, inbox);
  CHECK(pair.laptop->send_message(message("mc/events", "news")));
  REQUIRE(run_until(pair.loop, [&] { return !inbox.words.empty(); }));
  CHECK(inbox.words.size() == 1);
}

}  // namespace van::link
