#include "core/router/control_messages.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string_view>

#include "core/base/limits.h"

namespace van::router {
namespace {

using amqp::List;
using amqp::Map;
using amqp::Symbol;
using amqp::Value;

Value int32(std::int64_t number) { return static_cast<std::int32_t>(number); }

// HELLO, RA, LSR, LSU: string keys and int; MAR, MAU: symbol keys and long (control-plane 3.1).
class Body {
 public:
  Body& text(const char* key, const std::string& value) { return put(Value{key}, value); }
  Body& number(const char* key, std::int64_t value) { return put(Value{key}, int32(value)); }
  Body& list(const char* key, List value) { return put(Value{key}, std::move(value)); }
  Body& map(const char* key, Map value) { return put(Value{key}, std::move(value)); }
  Body& symbol_text(const char* key, const std::string& value) { return put(Symbol{key}, value); }
  Body& symbol_number(const char* key, std::int64_t value) { return put(Symbol{key}, value); }
  Body& symbol_list(const char* key, List value) { return put(Symbol{key}, std::move(value)); }
  Body& symbol_map(const char* key, Map value) { return put(Symbol{key}, std::move(value)); }
  [[nodiscard]] Map take() { return std::move(map_); }

 private:
  Body& put(Value key, Value value) {
    map_.emplace_back(std::move(key), std::move(value));
    return *this;
  }
  Map map_;
};

Map encode_body(const routing::Hello& hello) {
  List seen;
  for (const std::string& id : hello.seen) seen.emplace_back(id);
  return Body{}.text("id", hello.id).number("pv", hello.pv).text("area", "0").number("instance", hello.instance).list("seen", std::move(seen)).take();
}

Map encode_body(const routing::Ra& ra) {
  return Body{}
      .text("id", ra.id)
      .number("pv", ra.pv)
      .text("area", "0")
      .number("instance", ra.instance)
      .number("ls_seq", ra.ls_seq)
      .number("mobile_seq", ra.mobile_seq)
      .take();
}

Map encode_body(const routing::Lsr& lsr) { return Body{}.text("id", lsr.id).number("pv", lsr.pv).text("area", "0").take(); }

Map encode_body(const routing::Lsu& lsu) {
  Map peers;
  for (const auto& [id, cost] : lsu.peers) peers.emplace_back(id, int32(cost));
  Map state = Body{}.text("id", lsu.id).text("area", "0").number("ls_seq", lsu.ls_seq).map("peers", std::move(peers)).take();
  Body body;
  body.text("id", lsu.id).number("pv", lsu.pv).text("area", "0").number("instance", lsu.instance).number("ls_seq", lsu.ls_seq).map("ls", std::move(state));
  if (!lsu.site_id.empty()) body.text("vanctl.site-id", lsu.site_id);
  if (!lsu.site_name.empty()) body.text("vanctl.site-name", lsu.site_name);
  return body.take();
}

Map encode_body(const routing::Mar& mar) {
  return Body{}.symbol_text("id", mar.id).symbol_number("pv", mar.pv).symbol_text("area", "0").symbol_number("have_seq", mar.have_seq).take();
}

/// What of the descriptors stands beside them, in fields of our own.
struct Beside {
  Map costs;
  List late;
};

List descriptors(const std::vector<routing::AddressDescriptor>& addresses, Beside& beside) {
  List list;
  for (const routing::AddressDescriptor& address : addresses) {
    List fields;
    fields.emplace_back(address.key.text());
    fields.push_back(int32(static_cast<int>(address.treatment.value_or(routing::Treatment::balanced))));
    fields.push_back(int32(address.producers));
    if (address.mesh) {
      fields.emplace_back();
      fields.emplace_back(*address.mesh);
    }
    list.emplace_back(std::move(fields));
    if (address.cost > 0) beside.costs.emplace_back(address.key.text(), int32(address.cost));
    if (!address.early) beside.late.emplace_back(address.key.text());
  }
  return list;
}

Map encode_body(const routing::Mau& mau) {
  Body body;
  body.symbol_text("id", mau.id).symbol_number("pv", mau.pv).symbol_text("area", "0").symbol_number("mobile_seq", mau.mobile_seq);
  Beside beside;
  if (const auto* differential = std::get_if<routing::Mau::Differential>(&mau.content)) {
    List deleted;
    for (const routing::AddressKey& key : differential->del) deleted.emplace_back(List{Value{key.text()}});
    body.symbol_list("add", descriptors(differential->add, beside)).symbol_list("del", std::move(deleted));
  } else {
    body.symbol_list("exist", descriptors(std::get<routing::Mau::Absolute>(mau.content).exist, beside));
  }
  if (!beside.costs.empty()) body.symbol_map("vanctl.costs", std::move(beside.costs));
  body.symbol_list("vanctl.late", std::move(beside.late));
  return body.take();
}

// ---- Reading ----

/// Fields of a body; remembers the first one that is missing or of a wrong type.
class Fields {
 public:
  explicit Fields(const Value& body) : body_{body} {}
  std::string text(const char* key) {
    const Value* value = body_.find(key);
    const auto text = value == nullptr ? std::nullopt : value->text();
    if (!text) bad_ = bad_ == nullptr ? key : bad_;
    return text ? std::string{*text} : std::string{};
  }
  std::string optional_text(const char* key) const {
    const Value* value = body_.find(key);
    const auto text = value == nullptr ? std::nullopt : value->text();
    return text ? std::string{*text} : std::string{};
  }
  std::int64_t number(const char* key) {
    const Value* value = body_.find(key);
    const auto number = value == nullptr ? std::nullopt : value->integer();
    if (!number) bad_ = bad_ == nullptr ? key : bad_;
    return number.value_or(0);
  }
  std::int64_t optional_number(const char* key) const {
    const Value* value = body_.find(key);
    const auto number = value == nullptr ? std::nullopt : value->integer();
    return number.value_or(0);
  }
  const List* list(const char* key) {
    const List* found = optional_list(key);
    if (found == nullptr) bad_ = bad_ == nullptr ? key : bad_;
    return found;
  }
  [[nodiscard]] const List* optional_list(const char* key) const {
    const Value* value = body_.find(key);
    return value == nullptr ? nullptr : value->list();
  }
  [[nodiscard]] const Value* find(const char* key) const { return body_.find(key); }
  void fail(const char* key) { bad_ = bad_ == nullptr ? key : bad_; }
  template <class T>
  Expected<routing::Message, std::string> done(T message) const {
    if (bad_ != nullptr) return Unexpected{std::string{"field '"} + bad_ + "' is missing or malformed"};
    return routing::Message{std::move(message)};
  }

 private:
  const Value& body_;
  const char* bad_ = nullptr;
};

Expected<routing::Message, std::string> read_hello(Fields fields) {
  routing::Hello hello;
  hello.id = fields.text("id");
  hello.pv = fields.optional_number("pv");
  hello.instance = fields.optional_number("instance");
  if (const List* seen = fields.list("seen")) {
    for (const Value& id : *seen) {
      if (const auto text = id.text()) hello.seen.emplace_back(*text);
    }
  }
  return fields.done(std::move(hello));
}

Expected<routing::Message, std::string> read_ra(Fields fields) {
  routing::Ra ra;
  ra.id = fields.text("id");
  ra.pv = fields.optional_number("pv");
  ra.instance = fields.optional_number("instance");
  ra.ls_seq = fields.number("ls_seq");
  ra.mobile_seq = fields.number("mobile_seq");
  return fields.done(std::move(ra));
}

Expected<routing::Message, std::string> read_lsr(Fields fields) {
  routing::Lsr lsr;
  lsr.id = fields.text("id");
  lsr.pv = fields.optional_number("pv");
  return fields.done(std::move(lsr));
}

Expected<routing::Message, std::string> read_lsu(Fields fields) {
  routing::Lsu lsu;
  lsu.id = fields.text("id");
  lsu.pv = fields.optional_number("pv");
  lsu.instance = fields.optional_number("instance");
  lsu.site_id = fields.optional_text("vanctl.site-id");
  lsu.site_name = fields.optional_text("vanctl.site-name");
  const Value* state = fields.find("ls");
  if (state == nullptr || state->map() == nullptr) {
    fields.fail("ls");
    return fields.done(std::move(lsu));
  }
  Fields inner{*state};
  lsu.ls_seq = inner.number("ls_seq");
  const Value* peers = state->find("peers");
  if (peers == nullptr || peers->map() == nullptr) fields.fail("ls");
  else {
    for (const auto& [id, cost] : *peers->map()) {
      const auto text = id.text();
      const auto number = cost.integer();
      if (!text || !number || *number < 1 || *number > std::numeric_limits<std::int32_t>::max()) fields.fail("ls");
      else lsu.peers.emplace(std::string{*text}, static_cast<std::uint32_t>(*number));
    }
  }
  return fields.done(std::move(lsu));
}

Expected<routing::Message, std::string> read_mar(Fields fields) {
  routing::Mar mar;
  mar.id = fields.text("id");
  mar.pv = fields.optional_number("pv");
  mar.have_seq = fields.number("have_seq");
  return fields.done(std::move(mar));
}

std::optional<routing::AddressKey> key_of(const Value& descriptor) {
  const List* fields = descriptor.list();
  if (fields == nullptr || fields->empty()) return std::nullopt;
  const auto text = fields->front().text();
  return text ? routing::AddressKey::parse(*text) : std::nullopt;
}

/// Each descriptor must be a list with something in it (control-plane 3.7). A real router ends on another one.
bool are_descriptors(const List* list) {
  return list == nullptr || std::ranges::all_of(*list, [](const Value& value) { return value.list() != nullptr && !value.list()->empty(); });
}

/// Addresses that can't be used are left out: one of them must not hide the others.
std::vector<routing::AddressDescriptor> read_descriptors(const List& list, const Value* costs, const List* late) {
  std::set<std::string_view> late_keys;
  if (late != nullptr) {
    for (const Value& key : *late) {
      if (const auto text = key.text()) late_keys.insert(*text);
    }
  }
  std::vector<routing::AddressDescriptor> addresses;
  for (const Value& value : list) {
    if (addresses.size() >= limits::kAddressesPerRouter) break;
    const auto key = key_of(value);
    if (!key) continue;
    const List& fields = *value.list();
    routing::AddressDescriptor descriptor{.key = *key, .treatment = {}, .producers = 0, .mesh = {}, .cost = 0, .early = late != nullptr && !late_keys.contains(key->text())};
    if (fields.size() > 1) {
      if (const auto number = fields[1].integer()) descriptor.treatment = routing::treatment_of_number(*number);
    }
    if (fields.size() > 4) {
      if (const auto mesh = fields[4].text()) descriptor.mesh = std::string{*mesh};
    }
    const Value* cost = costs == nullptr ? nullptr : costs->find(key->text());
    const auto number = cost == nullptr ? std::nullopt : cost->integer();
    if (number && *number > 0 && *number <= std::numeric_limits<std::int32_t>::max()) descriptor.cost = static_cast<std::uint32_t>(*number);
    addresses.push_back(std::move(descriptor));
  }
  return addresses;
}

Expected<routing::Message, std::string> read_mau(Fields fields) {
  routing::Mau mau;
  mau.id = fields.text("id");
  mau.pv = fields.optional_number("pv");
  mau.mobile_seq = fields.number("mobile_seq");
  const List* add = fields.optional_list("add");
  const List* del = fields.optional_list("del");
  const List* exist = fields.optional_list("exist");
  const Value* costs = fields.find("vanctl.costs");
  const Value* beside = fields.find("vanctl.late");
  const List* late = beside == nullptr ? nullptr : beside->list();
  if (!are_descriptors(add) || !are_descriptors(del) || !are_descriptors(exist)) fields.fail("a descriptor");
  if (exist != nullptr && add == nullptr && del == nullptr) {
    mau.content = routing::Mau::Absolute{read_descriptors(*exist, costs, late)};
  } else if (exist == nullptr && add != nullptr && del != nullptr) {
    routing::Mau::Differential differential{read_descriptors(*add, costs, late), {}};
    for (const Value& value : *del) {
      if (const auto key = key_of(value)) differential.del.push_back(*key);
    }
    mau.content = std::move(differential);
  } else {
    fields.fail("add");  // control-plane 3.7: neither of the two forms
  }
  return fields.done(std::move(mau));
}

}  // namespace

Bytes encode_control_message(const routing::Message& message, const std::string& to, const std::string& own_node) {
  amqp::Message encoded;
  encoded.annotations = amqp::RouterAnnotations{.flags = 0, .to_override = {}, .ingress = own_node, .trace = {own_node}, .mesh_id = {}};
  encoded.header = true;
  encoded.properties.emplace().to = to;
  encoded.application_properties.emplace_back("opcode", routing::opcode_of(message));
  encoded.body = std::visit([](const auto& value) { return Value{encode_body(value)}; }, message);
  return amqp::encode_message(encoded);
}

Expected<routing::Message, std::string> decode_control_message(const amqp::Message& message) {
  const Value* opcode = nullptr;
  for (const auto& [key, value] : message.application_properties) {
    if (key.text() == "opcode") opcode = &value;
  }
  const auto name = opcode == nullptr ? std::nullopt : opcode->text();
  if (!name) return Unexpected{std::string{"no opcode"}};
  if (!message.body || message.body->map() == nullptr) return Unexpected{std::string{"the body is no map"}};
  const Fields fields{*message.body};
  if (*name == "HELLO") return read_hello(fields);
  if (*name == "RA") return read_ra(fields);
  if (*name == "LSR") return read_lsr(fields);
  if (*name == "LSU") return read_lsu(fields);
  if (*name == "MAR") return read_mar(fields);
  if (*name == "MAU") return read_mau(fields);
  return Unexpected{std::string{"unknown opcode"}};
}

}  // namespace van::router
