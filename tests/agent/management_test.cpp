#include "agent/management.h"

#include <algorithm>
#include <string>

#include "core/amqp/encoder.h"
#include "core/base/limits.h"
#include "tests/support/catch.h"
#include "tests/support/hex_vector.h"

namespace van::agent {
namespace {

using amqp::List;
using amqp::Map;
using amqp::Message;
using amqp::Value;

struct Link {
  std::string name;
  std::string kind;
};
constexpr Column<Link> kLinks[] = {
    {"name", [](const Link& link) -> Value { return link.name; }},
    {"identity", [](const Link& link) -> Value { return "link/" + link.name; }},
    {"linkType", [](const Link& link) -> Value { return link.kind; }},
    {"linkDir", [](const Link&) -> Value { return "in"; }},
    {"owningAddr", nothing},
};
struct Site {};
constexpr Column<Site> kSites[] = {
    {"name", [](const Site&) -> Value { return "mill"; }},
    {"identity", [](const Site&) -> Value { return "site/mill"; }},
    {"mode", [](const Site&) -> Value { return "interior"; }},
};

constexpr std::string_view kLinkType = "io.skupper.router.router.link", kSiteType = "io.skupper.router.router";

struct Source final : EntitySource {
  std::vector<Link> links{{"first", "endpoint"}, {"second", "inter-router"}, {"third", "endpoint"}};
  [[nodiscard]] std::vector<std::string_view> types() const override { return {kSiteType, kLinkType}; }
  [[nodiscard]] std::unique_ptr<EntityTable> table(std::string_view type) const override {
    if (type == kLinkType) return std::make_unique<ColumnTable<Link>>(kLinkType, kLinks, links);
    if (type == kSiteType) return std::make_unique<ColumnTable<Site>>(kSiteType, kSites, std::vector<Site>(1));
    return nullptr;
  }
  [[nodiscard]] std::vector<std::string> management_nodes() const override { return {"amqp:/_topo/0/RB/$management"}; }
};

Message request(Map properties, std::optional<Value> body = Value{Map{}}) {
  Message message;
  message.properties = amqp::Properties{};
  message.properties->reply_to = "amqp:/_topo/0/REAL/temp.x";
  message.properties->correlation_id = "7";
  message.application_properties = std::move(properties);
  message.body = std::move(body);
  return message;
}

struct Answer {
  std::int64_t code = 0;
  std::string description;
  Value body;
};
Answer ask(const Message& message, const Source& source = {}) {
  const auto answer = answer_management(message, source);
  REQUIRE(answer);
  CHECK(answer->properties->to == message.properties->reply_to);
  CHECK(answer->properties->correlation_id == message.properties->correlation_id);
  const auto decoded = amqp::decode_message(amqp::encode_message(*answer));
  REQUIRE(decoded);
  const Value* code = amqp::find(decoded->application_properties, "statusCode");
  const Value* description = amqp::find(decoded->application_properties, "statusDescription");
  REQUIRE(code != nullptr);
  REQUIRE(description != nullptr);
  CHECK(code->get_if<std::int32_t>() != nullptr);
  return {code->integer().value_or(0), std::string{description->text().value_or("")}, decoded->body.value_or(Value{})};
}

Map query_of(std::string_view type) { return {{"operation", "QUERY"}, {"entityType", type}}; }
List texts(std::initializer_list<std::string_view> words) {
  List list;
  for (const std::string_view word : words) list.emplace_back(word);
  return list;
}
/// First column of the rows that came.
std::vector<std::string> first_column(const Answer& answer) {
  std::vector<std::string> found;
  REQUIRE(answer.body.find("results") != nullptr);
  for (const Value& row : *answer.body.find("results")->list()) found.emplace_back(row.list()->at(0).text().value_or("null"));
  return found;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("the stock status tool's query is answered with the columns it asks for, in its order", "[agent][management]") {
  const auto message = amqp::decode_message(test::hex_vector("management_query"));
  REQUIRE(message);
  const auto answer = answer_management(*message, Source{});
  REQUIRE(answer);
  CHECK(answer->properties->to == "amqp:/_topo/0/REAL/temp.QfR0ycTpYI7yRtm");
  CHECK(answer->properties->correlation_id == Value{"11"});
  CHECK(answer->application_properties == Map{{"statusCode", std::int32_t{200}}, {"statusDescription", "OK"}});
  const List expected{Value{List{"endpoint", "in", Value{}}}, Value{List{"inter-router", "in", Value{}}},
                      Value{List{"endpoint", "in", Value{}}}};
  CHECK(answer->body == Value{Map{{"attributeNames", texts({"linkType", "linkDir", "owningAddr"})}, {"results", expected}}});
}

TEST_CASE("a query without names gives all attributes, and null for one that a type does not have", "[agent][management]") {
  const Answer all = ask(request(query_of(kSiteType)));
  CHECK(all.code == 200);
  CHECK(*all.body.find("attributeNames") == Value{texts({"name", "identity", "mode", "type"})});
  CHECK(*all.body.find("results") == Value{List{Value{texts({"mill", "site/mill", "interior", kSiteType})}}});
  CHECK(ask(request(query_of(kSiteType), std::nullopt)).body == all.body);
  CHECK(ask(request(query_of("router"))).body == all.body);

  const Map names{{"attributeNames", texts({"mode", "colour"})}};
  CHECK(*ask(request(query_of(kSiteType), Value{names})).body.find("results") == Value{List{Value{List{"interior", Value{}}}}});

  const Answer everything = ask(request({{"operation", "query"}}));  // as real routers: case is no matter
  CHECK(everything.code == 200);
  CHECK(first_column(everything) == Words{"mill", "first", "second", "third"});
}

TEST_CASE("offset and count cut a table, and zero or no count means the rest", "[agent][management]") {
  const auto rows = [](Value offset, Value count) {
    Map properties = query_of(kLinkType);
    properties.emplace_back("offset", std::move(offset));
    properties.emplace_back("count", std::move(count));
    return first_column(ask(request(std::move(properties))));
  };
  CHECK(rows(std::int32_t{1}, std::int32_t{1}) == Words{"second"});
  CHECK(rows(std::uint64_t{1}, Value{}) == Words{"second", "third"});
  CHECK(rows(Value{}, std::int64_t{0}) == Words{"first", "second", "third"});
  CHECK(rows(Value{}, std::uint64_t{UINT64_MAX}) == Words{"first", "second", "third"});
  CHECK(rows(std::uint64_t{UINT64_MAX}, std::int32_t{5}).empty());

  Map properties{{"operation", "QUERY"}, {"offset", std::int32_t{2}}, {"count", std::int32_t{1}}};
  CHECK(first_column(ask(request(std::move(properties)))) == Words{"second"});  // over all types
}

TEST_CASE("an answer ends where it would be too long", "[agent][management]") {
  Source source;
  source.links.assign(5000, {std::string(1000, 'x'), "endpoint"});
  const auto answer = answer_management(request(query_of(kLinkType)), source);
  REQUIRE(answer);
  const std::size_t rows = answer->body->find("results")->list()->size();
  CHECK(rows > 500);
  CHECK(rows < 5000);
  CHECK(amqp::encode_message(*answer).size() < limits::kManagementAnswerBytes + 100'000);
  CHECK(limits::kManagementAnswerBytes + 100'000 < limits::kMessageBytes);
}

TEST_CASE("one entity is read by identity or by name", "[agent][management]") {
  const Map second{{"name", "second"},
                   {"identity", "link/second"},
                   {"linkType", "inter-router"},
                   {"linkDir", "in"},
                   {"owningAddr", Value{}},
                   {"type", kLinkType}};
  CHECK(ask(request({{"operation", "READ"}, {"type", kLinkType}, {"name", "second"}})).body == Value{second});
  CHECK(ask(request({{"operation", "READ"}, {"identity", "link/second"}, {"name", "other"}})).body == Value{second});
  CHECK(ask(request({{"operation", "READ"}, {"type", kSiteType}, {"name", "second"}})).code == 404);
  CHECK(ask(request({{"operation", "READ"}, {"type", "nonsense"}, {"name", "second"}})).code == 404);
  CHECK(ask(request({{"operation", "READ"}, {"type", kLinkType}})).code == 400);
}

TEST_CASE("types are described", "[agent][management]") {
  CHECK(ask(request({{"operation", "GET-MGMT-NODES"}})).body == Value{texts({"amqp:/_topo/0/RB/$management"})});
  CHECK(ask(request({{"operation", "GET-ATTRIBUTES"}, {"entityType", "router"}})).body ==
        Value{Map{{kSiteType, texts({"name", "identity", "mode", "type"})}}});
  CHECK(ask(request({{"operation", "GET-OPERATIONS"}})).body == Value{Map{{kSiteType, texts({"READ"})}, {kLinkType, texts({"READ"})}}});
  CHECK(ask(request({{"operation", "GET-TYPES"}})).code == 200);
  CHECK(ask(request({{"operation", "GET-ANNOTATIONS"}})).body == Value{Map{}});
  CHECK(ask(request({{"operation", "GET-TYPES"}, {"entityType", "nonsense"}})).code == 404);
}

TEST_CASE("what changes something is refused, and what is not known is answered with 501", "[agent][management]") {
  for (const char* operation : {"CREATE", "UPDATE", "DELETE", "delete"}) {
    const Answer answer = ask(request({{"operation", operation}, {"type", kLinkType}, {"name", "first"}}));
    CHECK(answer.code == 403);
    CHECK(answer.body == Value{Map{}});
  }
  CHECK(ask(request({{"operation", "GET-LOG"}})).code == 501);
  CHECK(ask(request({{"operation", "\x01" + std::string(5000, 'x')}})).description.size() < 200);
}

TEST_CASE("a malformed request is refused with words", "[agent][management]") {
  const auto refused = [](const Message& message) { return ask(message).code == 400; };
  CHECK(refused(request({})));
  CHECK(refused(request({{"operation", std::int32_t{1}}})));
  CHECK(refused(request({{"operation", "QUERY"}, {"entityType", true}})));
  CHECK(refused(request({{"operation", "QUERY"}, {"offset", std::int32_t{-1}}})));
  CHECK(refused(request({{"operation", "QUERY"}, {"count", "ten"}})));
  CHECK(refused(request(query_of(kLinkType), Value{"no map"})));
  CHECK(refused(request(query_of(kLinkType), Value{Map{{"attributeNames", "name"}}})));
  CHECK(refused(request(query_of(kLinkType), Value{Map{{"attributeNames", List{Value{std::int32_t{1}}}}}})));
  CHECK(refused(request(query_of(kLinkType), Value{Map{{"attributeNames", List(1000, Value{"name"})}}})));
  CHECK(refused(request({{"operation", "READ"}, {"name", std::int32_t{1}}})));
  CHECK(ask(request(query_of("nonsense"))).code == 404);
}

TEST_CASE("who names no address gets no answer; a message-id stands in for a correlation-id", "[agent][management]") {
  Message message = request(query_of(kLinkType));
  message.properties->correlation_id = {};
  message.properties->message_id = std::uint64_t{5};
  CHECK(answer_management(message, Source{})->properties->correlation_id == Value{std::uint64_t{5}});
  message.properties->reply_to = "";
  CHECK_FALSE(answer_management(message, Source{}));
  message.properties->reply_to.reset();
  CHECK_FALSE(answer_management(message, Source{}));
  message.properties.reset();
  CHECK_FALSE(answer_management(message, Source{}));
}

}  // namespace van::agent
