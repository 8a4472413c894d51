#include "agent/management.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "agent/printable.h"
#include "core/amqp/encoder.h"
#include "core/base/expected.h"
#include "core/base/limits.h"

namespace van::agent {
namespace {

using amqp::List;
using amqp::Map;
using amqp::Value;

constexpr std::string_view kPrefix = "io.skupper.router.";
constexpr std::string_view kBaseType = "io.skupper.router.entity";

struct Reply {
  std::int32_t code = 200;
  std::string description = "OK";
  Value body = Map{};
};

Reply bad_request(std::string words) { return {.code = 400, .description = "Bad Request: " + std::move(words)}; }
Reply not_found(std::string words) { return {.code = 404, .description = "Not Found: " + std::move(words)}; }
Reply done(Value body) { return {.code = 200, .description = "OK", .body = std::move(body)}; }

/// An absent property and null are the same. Errors: 400 for another type than text.
Expected<std::optional<std::string>, Reply> text_property(const amqp::Message& request, std::string_view name) {
  const Value* value = amqp::find(request.application_properties, name);
  if (value == nullptr || value->is_null()) return std::optional<std::string>{};
  const auto text = value->text();
  if (!text) return Unexpected{bad_request("property '" + std::string{name} + "' must be a string")};
  return std::optional<std::string>{*text};
}

Expected<std::uint64_t, Reply> number_property(const amqp::Message& request, std::string_view name) {
  const Value* value = amqp::find(request.application_properties, name);
  if (value == nullptr || value->is_null()) return std::uint64_t{0};
  const auto number = value->unsigned_integer();
  if (!number) return Unexpected{bad_request("property '" + std::string{name} + "' must be a number, 0 or more")};
  return *number;
}

/// As the stock tools name types: with the prefix or without.
std::string full_name(const std::string& type) {
  return type.starts_with(kPrefix) ? type : std::string{kPrefix} + type;
}

/// The type that a property names; all of them when there is none. Errors: 400, 404.
Expected<std::vector<std::string>, Reply> types_of(const amqp::Message& request, const EntitySource& source,
                                                   std::string_view property) {
  const auto asked = text_property(request, property);
  if (!asked) return Unexpected{asked.error()};
  const std::vector<std::string_view> known = source.types();
  if (!*asked) return std::vector<std::string>{known.begin(), known.end()};
  std::string type = full_name(**asked);
  if (std::ranges::find(known, std::string_view{type}) == known.end())
    return Unexpected{not_found("no entity type '" + printable(**asked) + "'")};
  return std::vector<std::string>{std::move(type)};
}

/// Empty: all attributes are asked for. Errors: 400.
Expected<std::vector<std::string>, Reply> attribute_names(const amqp::Message& request) {
  std::vector<std::string> names;
  if (!request.body || request.body->is_null()) return names;
  if (request.body->map() == nullptr) return Unexpected{bad_request("the body must be a map")};
  const Value* asked = request.body->find("attributeNames");
  if (asked == nullptr || asked->is_null()) return names;
  if (asked->list() == nullptr) return Unexpected{bad_request("'attributeNames' must be a list")};
  if (asked->list()->size() > limits::kManagementNames) return Unexpected{bad_request("too many attribute names")};
  for (const Value& name : *asked->list()) {
    const auto text = name.text();
    if (!text || text->size() > limits::kAddressBytes)
      return Unexpected{bad_request("'attributeNames' must hold names of attributes")};
    names.emplace_back(*text);
  }
  return names;
}

List to_list(const std::vector<std::string>& texts) {
  List list;
  for (const std::string& text : texts) list.emplace_back(text);
  return list;
}

using Tables = std::vector<std::unique_ptr<EntityTable>>;

std::vector<std::string> all_names(const Tables& tables) {
  std::vector<std::string> names;
  for (const auto& table : tables)
    for (const std::string_view name : table->attributes())
      if (std::ranges::find(names, name) == names.end()) names.emplace_back(name);
  return names;
}

/// Where each of the names is in a table; nullopt for one that its type does not have.
std::vector<std::optional<std::size_t>> columns_of(const EntityTable& table, const std::vector<std::string>& names) {
  const std::vector<std::string_view> own = table.attributes();
  std::vector<std::optional<std::size_t>> columns;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(own, std::string_view{name});
    columns.push_back(found != own.end() ? std::optional{static_cast<std::size_t>(found - own.begin())} : std::nullopt);
  }
  return columns;
}

List row_of(const EntityTable& table, std::size_t row, const std::vector<std::optional<std::size_t>>& columns) {
  List values;
  values.reserve(columns.size());
  for (const auto& column : columns) values.push_back(column ? table.value(row, *column) : Value{});
  return values;
}

struct Page {
  std::uint64_t offset = 0;
  std::uint64_t count = 0;  ///< 0: all
};

List rows_of(const Tables& tables, const std::vector<std::string>& names, Page page) {
  List results;
  std::size_t bytes = 0;
  for (const auto& table : tables) {
    const auto columns = columns_of(*table, names);
    const std::uint64_t skipped = std::min<std::uint64_t>(page.offset, table->rows());
    page.offset -= skipped;
    for (auto row = static_cast<std::size_t>(skipped); row < table->rows(); ++row) {
      if (page.count != 0 && results.size() == page.count) return results;
      Value values = row_of(*table, row, columns);
      bytes += amqp::encode_value(values).size();
      if (bytes > limits::kManagementAnswerBytes) return results;
      results.push_back(std::move(values));
    }
  }
  return results;
}

Reply query(const amqp::Message& request, const EntitySource& source) {
  const auto types = types_of(request, source, "entityType");
  if (!types) return types.error();
  const auto offset = number_property(request, "offset");
  if (!offset) return offset.error();
  const auto count = number_property(request, "count");
  if (!count) return count.error();
  auto names = attribute_names(request);
  if (!names) return names.error();
  Tables tables;
  for (const std::string& type : *types) tables.push_back(source.table(type));
  if (names->empty()) *names = all_names(tables);
  List results = rows_of(tables, *names, {*offset, *count});
  return done(Map{{"attributeNames", to_list(*names)}, {"results", std::move(results)}});
}

Reply read(const amqp::Message& request, const EntitySource& source) {
  const auto types = types_of(request, source, "type");
  if (!types) return types.error();
  const auto identity = text_property(request, "identity");
  if (!identity) return identity.error();
  const auto name = text_property(request, "name");
  if (!name) return name.error();
  if (!*identity && !*name) return bad_request("no name and no identity of an entity");
  const std::string key = *identity ? "identity" : "name";
  const std::string& wanted = *identity ? **identity : **name;
  for (const std::string& type : *types) {
    const auto table = source.table(type);
    const std::size_t column = *columns_of(*table, {key})[0];
    for (std::size_t row = 0; row < table->rows(); ++row) {
      if (table->value(row, column).text() != wanted) continue;
      Map attributes;
      std::size_t index = 0;
      for (const std::string_view attribute : table->attributes())
        attributes.emplace_back(attribute, table->value(row, index++));
      return done(std::move(attributes));
    }
  }
  return not_found("no entity with " + key + " '" + printable(wanted) + "'");
}

/// What the GET-... operations tell of each type.
template <class Describe>
Reply describe_types(const amqp::Message& request, const EntitySource& source, Describe describe) {
  const auto types = types_of(request, source, "entityType");
  if (!types) return types.error();
  Map described;
  for (const std::string& type : *types) described.emplace_back(type, Value{describe(type)});
  return done(std::move(described));
}

Reply get_types(const amqp::Message& request, const EntitySource& source) {
  return describe_types(request, source, [](const std::string&) { return List{Value{kBaseType}}; });
}

Reply get_operations(const amqp::Message& request, const EntitySource& source) {
  return describe_types(request, source, [](const std::string&) { return List{Value{"READ"}}; });
}

Reply get_attributes(const amqp::Message& request, const EntitySource& source) {
  return describe_types(request, source, [&source](const std::string& type) {
    List names;
    for (const std::string_view name : source.table(type)->attributes()) names.emplace_back(name);
    return names;
  });
}

Reply get_annotations(const amqp::Message& request, const EntitySource& source) {
  const auto types = types_of(request, source, "entityType");
  return types ? done(Map{}) : types.error();
}

Reply get_management_nodes(const amqp::Message&, const EntitySource& source) {
  return done(to_list(source.management_nodes()));
}

Reply refuse_change(const amqp::Message&, const EntitySource&) {
  return {.code = 403,
          .description = "Forbidden: this router is read-only here, and is changed with vanctl where it runs"};
}

struct Operation {
  std::string_view name;
  Reply (*perform)(const amqp::Message& request, const EntitySource& source);
};
constexpr Operation kOperations[] = {
    {"QUERY", query},
    {"READ", read},
    {"GET-MGMT-NODES", get_management_nodes},
    {"GET-TYPES", get_types},
    {"GET-ATTRIBUTES", get_attributes},
    {"GET-OPERATIONS", get_operations},
    {"GET-ANNOTATIONS", get_annotations},
    {"CREATE", refuse_change},
    {"UPDATE", refuse_change},
    {"DELETE", refuse_change},
};

/// Without regard to case, as real routers do.
bool same_operation(std::string_view asked, std::string_view known) {
  return std::ranges::equal(asked, known,
                            [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 'a' + 'A' : a) == b; });
}

Reply perform(const amqp::Message& request, const EntitySource& source) {
  const auto asked = text_property(request, "operation");
  if (!asked) return asked.error();
  if (!*asked) return bad_request("property 'operation' is missing");
  for (const Operation& operation : kOperations)
    if (same_operation(**asked, operation.name)) return operation.perform(request, source);
  return {.code = 501, .description = "Not Implemented: " + printable(**asked)};
}

}  // namespace

std::optional<amqp::Message> answer_management(const amqp::Message& request, const EntitySource& source) {
  if (!request.properties || request.properties->reply_to.value_or("").empty()) return std::nullopt;
  Reply reply = perform(request, source);
  amqp::Message answer;
  answer.properties = amqp::Properties{};
  answer.properties->to = request.properties->reply_to;
  const Value& correlation = request.properties->correlation_id;
  answer.properties->correlation_id = correlation.is_null() ? request.properties->message_id : correlation;
  answer.application_properties = {{"statusCode", reply.code}, {"statusDescription", std::move(reply.description)}};
  answer.body = std::move(reply.body);
  return answer;
}

}  // namespace van::agent
