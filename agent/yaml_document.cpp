#include "agent/yaml_document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <exception>
#include <sstream>
#include <utility>

namespace van::agent {
namespace {

/// Builds the values from the parser's events. At a limit it remembers the complaint and takes nothing more in, so that what
/// the parser still tells costs nothing.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(const YamlLimits& limits) : limits_{limits} {}

  [[nodiscard]] const std::string& complaint() const { return complaint_; }
  std::vector<YamlValue> take() { return std::move(documents_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_.size() == limits_.documents) complain(mark, "too many documents");
    open_.clear();
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(mark, YamlValue::Kind::null, {}); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { complain(mark, "aliases (*name) are not accepted"); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t, const std::string& value) override {
    add(mark, YamlValue::Kind::scalar, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    begin(mark, YamlValue::Kind::sequence);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    begin(mark, YamlValue::Kind::map);
  }
  void OnMapEnd() override { end(); }

 private:
  struct Open {
    YamlValue value;
    bool has_key = false;      // maps: the next value belongs to `key`
    bool key_is_text = false;
    std::string key;
  };

  void complain(const YAML::Mark& mark, std::string_view what) {
    if (complaint_.empty()) complaint_ = "line " + std::to_string(mark.line + 1) + ": " + std::string{what};
  }
  bool take_in(const YAML::Mark& mark) {
    if (++values_ > limits_.values) complain(mark, "too many values");
    if (open_.size() >= limits_.depth) complain(mark, "nested too deeply");
    return complaint_.empty();
  }
  void begin(const YAML::Mark& mark, YamlValue::Kind kind) {
    if (!take_in(mark)) return;
    open_.push_back({});
    open_.back().value.kind = kind;
    open_.back().value.line = mark.line + 1;
  }
  void end() {
    if (!complaint_.empty()) return;
    YamlValue value = std::move(open_.back().value);
    open_.pop_back();
    place(std::move(value));
  }
  void add(const YAML::Mark& mark, YamlValue::Kind kind, const std::string& text) {
    if (!take_in(mark)) return;
    YamlValue value;
    value.kind = kind;
    value.line = mark.line + 1;
    value.scalar = text;
    place(std::move(value));
  }
  void place(YamlValue value) {
    if (open_.empty()) {
      if (value.kind != YamlValue::Kind::null) documents_.push_back(std::move(value));
      return;
    }
    Open& parent = open_.back();
    if (parent.value.kind == YamlValue::Kind::sequence) {
      parent.value.elements.push_back(std::move(value));
    } else if (!parent.has_key) {
      parent.has_key = true;
      parent.key_is_text = value.kind == YamlValue::Kind::scalar;
      parent.key = std::move(value.scalar);
    } else {
      parent.has_key = false;
      if (parent.key_is_text) parent.value.fields.push_back({std::move(parent.key), std::move(value)});
    }
  }

  const YamlLimits& limits_;
  std::vector<YamlValue> documents_;
  std::vector<Open> open_;
  std::size_t values_ = 0;
  std::string complaint_;
};

}  // namespace

const YamlValue& YamlValue::operator[](std::string_view key) const {
  static const YamlValue none;
  for (const Field& field : fields)
    if (field.key == key) return field.value;
  return none;
}

Expected<std::vector<YamlValue>, std::string> parse_yaml(std::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.bytes) return Unexpected{"longer than " + std::to_string(limits.bytes) + " bytes"};
  if (text.find('\0') != std::string_view::npos) return Unexpected{std::string{"holds a zero byte"}};
  Builder builder{limits};
  try {
    std::istringstream stream{std::string{text}};
    YAML::Parser parser{stream};
    while (builder.complaint().empty() && parser.HandleNextDocument(builder)) continue;
  } catch (const YAML::Exception& error) {
    return Unexpected{"line " + std::to_string(error.mark.line + 1) + ": " + error.msg};
  } catch (const std::exception& error) {
    return Unexpected{std::string{error.what()}};
  }
  if (!builder.complaint().empty()) return Unexpected{builder.complaint()};
  return builder.take();
}

}  // namespace van::agent
