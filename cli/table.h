#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace van::cli {

/// Whether and how text is coloured. Everything is readable without.
class Style {
 public:
  enum class Tone { plain, heading, good, warning, bad };
  explicit Style(bool coloured) : coloured_{coloured} {}
  [[nodiscard]] std::string paint(Tone tone, std::string_view text) const;

 private:
  bool coloured_;
};

/// Columns of text, aligned, two spaces between, no space at the end of a line. Cells are shown as plain_text(); an
/// empty cell is shown as `-`.
class Table {
 public:
  struct Column {
    std::string_view heading;
    bool right = false;  ///< aligned right, as numbers are
  };
  struct Cell {
    std::string text;
    Style::Tone tone = Style::Tone::plain;
  };

  explicit Table(std::vector<Column> columns) : columns_{std::move(columns)} {}
  /// As many cells as columns.
  void add(std::vector<Cell> row);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  [[nodiscard]] std::string render(const Style& style) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace van::cli
