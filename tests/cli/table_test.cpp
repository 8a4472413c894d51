#include "cli/table.h"

#include "tests/support/catch.h"

using namespace van::cli;

TEST_CASE("columns of a table are aligned, numbers to the right", "[cli][table]") {
  Table table{{{"NAME"}, {.heading = "COST", .right = true}, {"ROLE"}}};
  table.add({{"aws"}, {"1"}, {"edge"}});
  table.add({{"frankfurt"}, {"12345"}, {"interior"}});
  CHECK(table.render(Style{false}) ==
        "NAME        COST  ROLE\n"
        "aws            1  edge\n"
        "frankfurt  12345  interior\n");
}

TEST_CASE("a cell without text is shown as a dash, so that columns can be counted", "[cli][table]") {
  Table table{{{"A"}, {"B"}, {"C"}}};
  table.add({{"1"}, {""}, {""}});
  CHECK(table.render(Style{false}) == "A  B  C\n1  -  -\n");
}

TEST_CASE("letters of several bytes take one column, control characters are escaped", "[cli][table]") {
  Table table{{{"A"}, {"B"}}};
  table.add({{"Zürich"}, {"x"}});
  table.add({{"a\nb"}, {"y"}});
  CHECK(table.render(Style{false}) == "A       B\nZürich  x\na\\x0ab  y\n");
}

TEST_CASE("colours do not move columns", "[cli][table]") {
  Table table{{{"STATE"}, {"X"}}};
  table.add({{"up", Style::Tone::good}, {"1"}});
  std::string text = table.render(Style{true});
  CHECK(text.find("\x1b[32mup\x1b[0m") != std::string::npos);
  for (std::size_t at = text.find('\x1b'); at != std::string::npos; at = text.find('\x1b'))
    text.erase(at, text.find('m', at) - at + 1);
  CHECK(text == table.render(Style{false}));
}
