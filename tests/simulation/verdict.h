#pragma once

#include <string>
#include <utility>

namespace van::simulation {

/// The first invariant that did not hold; empty while all do.
class Verdict {
 public:
  void broken(std::string what) {
    if (what_.empty()) what_ = std::move(what);
  }
  [[nodiscard]] bool good() const { return what_.empty(); }
  [[nodiscard]] const std::string& what() const { return what_; }

 private:
  std::string what_;
};

}  // namespace van::simulation
