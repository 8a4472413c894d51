#include "core/base/id_table.h"

#include <set>
#include <string>

#include "core/base/id.h"
#include "tests/support/catch.h"

namespace van {
namespace {

using ThingId = Id<struct ThingTag, std::uint64_t>;

TEST_CASE("what is gone is not found, though its place is used again", "[base]") {
  IdTable<ThingId, std::string> table;
  CHECK(table.find({}) == nullptr);
  const auto [first, one] = table.create();
  one = "one";
  table.erase(first);
  table.erase(first);
  CHECK(table.find(first) == nullptr);
  CHECK(table.size() == 0);
  const auto [second, two] = table.create();
  CHECK(two.empty());
  CHECK(first != second);
  CHECK(table.find(first) == nullptr);
  CHECK(table.find(second) == &two);
  CHECK(table.size() == 1);
}

TEST_CASE("values stay where they are, and each has its own id", "[base]") {
  IdTable<ThingId, std::string> table;
  std::set<ThingId> ids;
  const auto [first, one] = table.create();
  one = "one";
  for (int round = 0; round < 3; ++round) {
    std::vector<ThingId> made;
    for (int i = 0; i < 5000; ++i) {
      made.push_back(table.create().first);
      CHECK(made.back());
      CHECK(ids.insert(made.back()).second);
    }
    for (const ThingId id : made) table.erase(id);
  }
  CHECK(table.find(first) == &one);
  CHECK(one == "one");
  table.erase(first);
  CHECK(table.size() == 0);
  CHECK(table.find(table.create().first) != nullptr);
}

}  // namespace
}  // namespace van
