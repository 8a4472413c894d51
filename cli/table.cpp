#include "cli/table.h"

#include <algorithm>
#include <utility>

#include "cli/plain_text.h"
#include "core/base/assert.h"

namespace van::cli {
namespace {

constexpr std::string_view kGap = "  ";

std::string_view escape_sequence(Style::Tone tone) {
  switch (tone) {
    case Style::Tone::plain:
      return "";
    case Style::Tone::heading:
      return "\x1b[1m";
    case Style::Tone::good:
      return "\x1b[32m";
    case Style::Tone::warning:
      return "\x1b[33m";
    case Style::Tone::bad:
      return "\x1b[31m";
  }
  return "";
}

}  // namespace

std::string Style::paint(Tone tone, std::string_view text) const {
  if (!coloured_ || tone == Tone::plain) return std::string{text};
  return std::string{escape_sequence(tone)} + std::string{text} + "\x1b[0m";
}

void Table::add(std::vector<Cell> row) {
  VAN_ASSERT(row.size() == columns_.size());
  for (Cell& cell : row) cell.text = cell.text.empty() ? "-" : plain_text(cell.text);
  rows_.push_back(std::move(row));
}

std::string Table::render(const Style& style) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = columns(columns_[i].heading);
    for (const auto& row : rows_) width = std::max(width, columns(row[i].text));
    widths.push_back(width);
  }

  std::string text;
  const auto append_cell = [&](std::size_t i, std::string_view content, Style::Tone tone) {
    const std::string padding(widths[i] - columns(content), ' ');
    const bool last = i + 1 == columns_.size();
    if (columns_[i].right) text += padding;
    text += style.paint(tone, content);
    if (!columns_[i].right && !last) text += padding;
    text += last ? "\n" : kGap;
  };
  for (std::size_t i = 0; i < columns_.size(); ++i) append_cell(i, columns_[i].heading, Style::Tone::heading);
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) append_cell(i, row[i].text, row[i].tone);
  return text;
}

}  // namespace van::cli
