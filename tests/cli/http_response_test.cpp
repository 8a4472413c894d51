#include "cli/http_response.h"

#include <vector>

#include "core/base/limits.h"
#include "tests/support/catch.h"

using namespace van;
using cli::HttpResponse;

namespace {

struct Outcome {
  bool ok = true;
  bool done = false;
  int status = 0;
  std::string body = {};
  bool operator==(const Outcome&) const = default;
};

/// Feeds `pieces`, then perhaps the end of the connection.
Outcome read(const std::vector<std::string_view>& pieces, bool closed) {
  HttpResponse response;
  for (const std::string_view piece : pieces)
    if (!response.push(piece)) return {.ok = false};
  if (closed && !response.done() && !response.finish()) return {.ok = false};
  return {.ok = true, .done = response.done(), .status = response.status(), .body = response.take_body()};
}

const std::string kByLength = "HTTP/1.1 201 Created\r\nContent-Type: a/b\r\ncontent-length:  5 \r\n\r\nhello";
const std::string kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n";
const std::string kInterim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
const std::string kToEnd = "HTTP/1.0 200 OK\r\n\r\nhello";

}  // namespace

TEST_CASE("bodies come by length, by chunks or to the end of the connection", "[cli][http]") {
  CHECK(read({kByLength}, false) == Outcome{true, true, 201, "hello"});
  CHECK(read({kChunked}, false) == Outcome{true, true, 200, "hello"});
  CHECK(read({kInterim}, false) == Outcome{true, true, 204, ""});
  CHECK(read({kToEnd}, false) == Outcome{true, false, 200, "hello"});
  CHECK(read({kToEnd}, true) == Outcome{true, true, 200, "hello"});
}

TEST_CASE("any split of an answer gives the same answer", "[cli][http]") {
  for (const std::string& text : {kByLength, kChunked, kInterim, kToEnd}) {
    const Outcome whole = read({text}, true);
    const std::string_view view{text};
    for (std::size_t cut = 0; cut <= view.size(); ++cut) {
      CAPTURE(cut);
      CHECK(read({view.substr(0, cut), view.substr(cut)}, true) == whole);
    }
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < view.size(); ++i) bytes.push_back(view.substr(i, 1));
    CHECK(read(bytes, true) == whole);
  }
}

TEST_CASE("an answer cut at any length is not taken for a whole one", "[cli][http]") {
  for (const std::string& text : {kByLength, kChunked, kInterim}) {
    for (std::size_t length = 0; length < text.size(); ++length) {
      CAPTURE(length);
      CHECK_FALSE(read({std::string_view{text}.substr(0, length)}, true).ok);
    }
  }
}

TEST_CASE("what is no HTTP answer is refused", "[cli][http]") {
  for (const std::string text : {
           "\r\n",
           "HTTP/2 200 OK\r\n",
           "HTTP/1.1 20 OK\r\n",
           "HTTP/1.1 2000\r\n",
           "HTTP/1.1 999 \r\n",
           "HTTP/1.1 200 OK\n\n",
           "HTTP/1.1 200 OK\r\n: x\r\n",
           "HTTP/1.1 200 OK\r\nno colon\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
       }) {
    CAPTURE(text);
    CHECK_FALSE(read({text}, false).ok);
  }
}

TEST_CASE("headers and bodies beyond their bounds are refused", "[cli][http]") {
  const std::string endless = "HTTP/1.1 200 OK\r\nA: " + std::string(limits::kApiHeaderBytes, 'x');
  CHECK_FALSE(read({endless}, false).ok);
  std::string many = "HTTP/1.1 200 OK\r\n";
  while (many.size() <= limits::kApiHeaderBytes) many += "A: b\r\n";
  CHECK_FALSE(read({many}, false).ok);

  HttpResponse response;
  REQUIRE(response.push("HTTP/1.1 200 OK\r\n\r\n"));
  const std::string block(HttpResponse::kBodyBytesMax / 4, 'x');
  for (int i = 0; i < 4; ++i) REQUIRE(response.push(block));
  CHECK_FALSE(response.push("x"));
}

TEST_CASE("a body taken in pieces may be longer than the bound", "[cli][http]") {
  HttpResponse response;
  REQUIRE(response.push("HTTP/1.1 200 OK\r\n\r\n"));
  const std::string block(HttpResponse::kBodyBytesMax / 2, 'x');
  for (int i = 0; i < 4; ++i) {
    REQUIRE(response.push(block));
    CHECK(response.take_body().size() == block.size());
  }
}
