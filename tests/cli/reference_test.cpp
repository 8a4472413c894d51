#include "cli/reference.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "cli/command.h"
#include "tests/support/catch.h"

using namespace van::cli;

namespace {

/// The file's content; with VAN_WRITE_DOCS set the file is written anew first.
std::string document(const std::string& name, const std::string& wanted) {
  const std::string path = std::string{VAN_SOURCE_DIR} + "/" + name;
  if (std::getenv("VAN_WRITE_DOCS") != nullptr) std::ofstream{path, std::ios::binary} << wanted;
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace

TEST_CASE("the reference and the manual page say what the command table says", "[cli][reference]") {
  CHECK(document("docs/reference.md", reference_markdown()) == reference_markdown());
  CHECK(document("packaging/man/vanctl.1", manual_page()) == manual_page());
}

TEST_CASE("the reference and the manual page have every command and option", "[cli][reference]") {
  const std::string markdown = reference_markdown();
  const std::string roff = manual_page();
  for (const CommandSpec& command : commands()) {
    CHECK(markdown.find("### vanctl " + std::string{command.name} + "\n") != std::string::npos);
    CHECK(roff.find(".SS \"vanctl " + std::string{command.name}) != std::string::npos);
    for (const OptionSpec& option : command.options)
      CHECK(markdown.find("--" + std::string{option.name}) != std::string::npos);
  }
}
