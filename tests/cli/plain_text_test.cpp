#include "cli/plain_text.h"

#include "tests/support/catch.h"

using namespace van::cli;

TEST_CASE("text from a peer can't steer the terminal", "[cli][text]") {
  CHECK(plain_text("\x1b[2Jgone") == "\\x1b[2Jgone");
  CHECK(plain_text("two\nlines\r\t") == "two\\x0alines\\x0d\\x09");
  CHECK(plain_text("\x7f") == "\\x7f");
  CHECK(plain_text("\xc2\x9b") == "\\xc2\\x9b");  // U+009B, a control sequence introducer of one character
  CHECK(plain_text("\xe2\x80\xae"
                   "abc") ==
        "\\xe2\\x80\\xae"
        "abc");  // U+202E turns the writing direction
}

TEST_CASE("lines keep their line feeds and nothing else", "[cli][text]") {
  CHECK(plain_lines("a\tb\nc\x1b\r\n") == "a\tb\nc\\x1b\\x0d\n");
}

TEST_CASE("letters of every script are shown as they are", "[cli][text]") {
  const std::string text = "Zürich 東京 😀";
  CHECK(plain_text(text) == text);
  CHECK(columns(text) == 11);
  CHECK(is_utf8(text));
}

TEST_CASE("bytes that are not UTF-8 are told apart", "[cli][text]") {
  for (const std::string text :
       {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "ok\xc3"}) {
    CAPTURE(text);
    CHECK_FALSE(is_utf8(text));
    CHECK(is_utf8(plain_text(text)));
  }
}

TEST_CASE("UTF-8 cut at every length is escaped, never read beyond", "[cli][text]") {
  const std::string text = "aü東😀";
  for (std::size_t length = 0; length <= text.size(); ++length) CHECK(is_utf8(plain_text(text.substr(0, length))));
}
