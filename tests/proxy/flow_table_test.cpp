#include "proxy/flow_table.h"

#include <memory>
#include <string>

#include "tests/support/catch.h"

namespace van::proxy {

TEST_CASE("the flow that was not used for longest goes first", "[proxy][udp]") {
  FlowTable<std::string, int> flows;
  CHECK(flows.oldest_use() == kNever);
  const TimePoint start{};
  const auto at = [start](int seconds) { return start + std::chrono::seconds{seconds}; };
  const int& kept = flows.add("a", 1, at(0));
  flows.add("b", 2, at(1));
  flows.add("c", 3, at(2));
  CHECK(flows.use("x", at(3)) == nullptr);
  REQUIRE(flows.use("a", at(3)) == &kept);
  CHECK(flows.oldest_use() == at(1));
  CHECK(flows.take_oldest() == 2);
  CHECK(flows.use("b", at(4)) == nullptr);
  CHECK(flows.take_oldest() == 3);
  CHECK(flows.take_oldest() == 1);
  CHECK(flows.empty());
}

}  // namespace van::proxy
