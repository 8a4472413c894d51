#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/amqp/value.h"

namespace van::agent {

/// The manageable entities of one type, as they are when the table is made. Values are computed when they are asked
/// for.
class EntityTable {
 public:
  virtual ~EntityTable() = default;
  [[nodiscard]] virtual std::vector<std::string_view> attributes() const = 0;
  [[nodiscard]] virtual std::size_t rows() const = 0;
  [[nodiscard]] virtual amqp::Value value(std::size_t row, std::size_t attribute) const = 0;
};

/// All types of a router.
class EntitySource {
 public:
  virtual ~EntitySource() = default;
  [[nodiscard]] virtual std::vector<std::string_view> types() const = 0;  ///< full names
  /// nullptr for a type that is not known.
  [[nodiscard]] virtual std::unique_ptr<EntityTable> table(std::string_view type) const = 0;
  /// Management addresses of the network's routers.
  [[nodiscard]] virtual std::vector<std::string> management_nodes() const = 0;
};

/// One attribute: its name, and how it is read off a row.
template <class Row>
struct Column {
  std::string_view name;
  amqp::Value (*value)(const Row& row);
};

/// A table with the columns given, and `type` as the last.
template <class Row>
class ColumnTable final : public EntityTable {
 public:
  /// `type` and `columns` must outlive the table.
  ColumnTable(std::string_view type, std::span<const Column<Row>> columns, std::vector<Row> rows)
      : type_{type}, columns_{columns}, rows_{std::move(rows)} {}
  [[nodiscard]] std::vector<std::string_view> attributes() const override {
    std::vector<std::string_view> names;
    for (const Column<Row>& column : columns_) names.push_back(column.name);
    names.emplace_back("type");
    return names;
  }
  [[nodiscard]] std::size_t rows() const override { return rows_.size(); }
  [[nodiscard]] amqp::Value value(std::size_t row, std::size_t attribute) const override {
    return attribute < columns_.size() ? columns_[attribute].value(rows_[row]) : amqp::Value{type_};
  }

 private:
  std::string_view type_;
  std::span<const Column<Row>> columns_;
  std::vector<Row> rows_;
};

// Columns that are the same in every row. What we don't count is null, or 0 where the stock tools compute with it.
template <class Row>
amqp::Value nothing(const Row&) {
  return {};
}
template <class Row>
amqp::Value zero(const Row&) {
  return std::uint64_t{0};
}
template <class Row>
amqp::Value yes(const Row&) {
  return true;
}
template <class Row>
amqp::Value no(const Row&) {
  return false;
}

inline amqp::Value text_or_nothing(std::string text) {
  return text.empty() ? amqp::Value{} : amqp::Value{std::move(text)};
}

}  // namespace van::agent
