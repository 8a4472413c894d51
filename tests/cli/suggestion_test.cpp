#include "cli/suggestion.h"

#include <array>

#include "tests/support/catch.h"

using namespace van::cli;

TEST_CASE("the distance of two words counts edits and swaps", "[cli][suggestion]") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("join", "join") == 0);
  CHECK(edit_distance("", "join") == 4);
  CHECK(edit_distance("jion", "join") == 1);
  CHECK(edit_distance("joinn", "join") == 1);
  CHECK(edit_distance("jin", "join") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("the distance of two words is the same both ways", "[cli][suggestion]") {
  const std::array<std::string_view, 6> words{"", "a", "bind", "unbind", "nbiud", "status"};
  for (const auto a : words)
    for (const auto b : words) CHECK(edit_distance(a, b) == edit_distance(b, a));
}

TEST_CASE("a near word is suggested, a far one is not", "[cli][suggestion]") {
  const std::array<std::string_view, 4> words{"status", "services", "sites", "unexpose"};
  CHECK(nearest("stauts", words) == "status");
  CHECK(nearest("service", words) == "services");
  CHECK(nearest("unexp", words) == "unexpose");
  CHECK(nearest("frobnicate", words).empty());
  CHECK(nearest("", words).empty());
  CHECK(nearest(std::string(100'000, 's'), words).empty());
  CHECK(did_you_mean("sites2", words, "see") == "did you mean 'sites'?");
  CHECK(did_you_mean("xyzzy", words, "see") == "see");
}
