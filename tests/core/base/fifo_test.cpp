#include "core/base/fifo.h"

#include <deque>
#include <memory>

#include "core/base/random.h"
#include "tests/support/catch.h"

using namespace van;

TEST_CASE("a fifo does what a deque does", "[fifo]") {
  const std::uint64_t seed = GENERATE(range<std::uint64_t>(0, 10));
  CAPTURE(seed);
  Rng rng{seed};
  Fifo<int> fifo;
  std::deque<int> model;
  for (int step = 0; step < 5000; ++step) {
    // Grows in one half of the time and falls in the other.
    const std::uint64_t what = rng.below(100);
    if (what < (step / 500 % 2 == 0 ? 60u : 35u)) {
      fifo.push_back(step);
      model.push_back(step);
    } else if (what < 97) {
      if (!model.empty()) {
        fifo.pop_front();
        model.pop_front();
      }
    } else if (what == 97) {
      const auto odd = [](int item) { return item % 3 == 0; };
      fifo.erase_if(odd);
      std::erase_if(model, odd);
    } else if (what == 98 && step % 7 == 0) {
      fifo.clear();
      model.clear();
    }
    REQUIRE(fifo.size() == model.size());
    REQUIRE(fifo.empty() == model.empty());
    REQUIRE(std::equal(fifo.begin(), fifo.end(), model.begin(), model.end()));
    if (model.empty()) continue;
    REQUIRE(fifo.front() == model.front());
    REQUIRE(fifo.back() == model.back());
    REQUIRE(fifo[model.size() / 2] == model[model.size() / 2]);
  }
}

TEST_CASE("a fifo lets go of what was taken off at once", "[fifo]") {
  Fifo<std::shared_ptr<int>> fifo;
  const auto item = std::make_shared<int>(1);
  fifo.push_back(item);
  fifo.push_back(std::make_shared<int>(2));
  CHECK(item.use_count() == 2);
  fifo.pop_front();
  CHECK(item.use_count() == 1);
  CHECK(fifo.size() == 1);
}
