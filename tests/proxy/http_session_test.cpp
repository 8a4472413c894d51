#include "proxy/http_session.h"

#include <chrono>
#include <string>

#include "tests/support/catch.h"

using namespace std::chrono_literals;
using namespace van;
using namespace van::proxy;

namespace {

/// A channel whose other end is the test.
class Fake final : public Channel {
 public:
  struct End {
    SliceQueue said;  ///< to the session
    bool ended = false, broken = false;
    std::string heard;  ///< from the session
    bool last = false, reset = false;
    Fake* channel = nullptr;
  };
  explicit Fake(End& end) : end_{end} { end.channel = this; }
  void moved() { user_->channel_moved(); }

  SliceQueue* input() override { return &end_.said; }
  void taken(std::size_t) override {}
  bool ended() override { return end_.ended && end_.said.empty(); }
  [[nodiscard]] bool broken() const override { return end_.broken; }
  std::size_t room() override { return 64 * 1024; }
  void write(SliceQueue&& octets, bool last) override {
    const Bytes all = octets.peek(octets.bytes());
    end_.heard.append(all.begin(), all.end());
    octets.clear();
    end_.last = end_.last || last;
  }
  [[nodiscard]] bool flushed() const override { return true; }
  void reset() override { end_.reset = true; }

 private:
  End& end_;
};

/// A session with a client, and a server for whoever wants one; time is the test's.
class Watched final : private HttpSession::Owner {
 public:
  Watched() { session_.start(); }

  static void says(Fake::End& end, std::string_view text) {
    end.said.push_copy(as_bytes(text));
    end.channel->moved();
  }
  void client_ends() {
    client.ended = true;
    client.channel->moved();
  }
  /// Goes on second by second, as the owner's timer does.
  void pass(Duration time) {
    for (const TimePoint end = now_ + time; now_ < end && !over;) {
      now_ += 1s;
      session_.tick(now_);
    }
  }

  Fake::End client, server;
  bool over = false;

 private:
  void server_wanted(HttpSession& session, bool) override { session.attach(std::make_unique<Fake>(server), false); }
  void server_not_wanted(HttpSession&) override {}
  void server_released(std::unique_ptr<Channel>) override {}
  void server_done(std::unique_ptr<Channel>) override {}
  void session_over(HttpSession&) override { over = true; }
  void bury(std::unique_ptr<Channel>) override {}

  TimePoint now_{};
  Counters counters_;
  HttpSession session_{std::make_unique<Fake>(client), {}, counters_, *this, now_};
};

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";

}  // namespace

TEST_CASE("a request's head has thirty seconds once it has begun", "[proxy][http]") {
  Watched watched;
  watched.pass(60s);  // nothing has begun
  Watched::says(watched.client, "GET / HTTP/1.1\r\nHost:");
  watched.pass(29s);
  Watched::says(watched.client, " sho");  // a little now and then is no way out
  CHECK(watched.client.heard.empty());
  watched.pass(2s);
  CHECK(watched.client.heard.starts_with("HTTP/1.1 408 "));
  CHECK(watched.client.last);
}

TEST_CASE("each head has its own time", "[proxy][http]") {
  Watched watched;
  for (int request = 0; request < 3; ++request) {
    watched.client.heard.clear();
    Watched::says(watched.client, kRequest.substr(0, 10));
    watched.pass(20s);
    Watched::says(watched.client, kRequest.substr(10));
    Watched::says(watched.server, "HTTP/1.1 204 No Content\r\n\r\n");
    CHECK(watched.client.heard.starts_with("HTTP/1.1 204 "));
  }
}

TEST_CASE("a connection without a request is ended after two minutes, one with a slow server is not", "[proxy][http]") {
  Watched watched;
  Watched::says(watched.client, kRequest);
  watched.pass(1h);
  Watched::says(watched.server, "HTTP/1.1 204 No Content\r\n\r\n");
  CHECK(watched.client.heard.starts_with("HTTP/1.1 204 "));
  watched.client.heard.clear();
  watched.pass(119s);
  CHECK_FALSE(watched.client.last);
  watched.pass(3s);
  CHECK(watched.client.last);
  CHECK(watched.client.heard.empty());
}

TEST_CASE("a client that does not end its connection after us is left after five seconds", "[proxy][http]") {
  Watched watched;
  Watched::says(watched.client, "nonsense\r\n\r\n");
  CHECK(watched.client.heard.starts_with("HTTP/1.1 400 "));
  REQUIRE(watched.client.last);
  watched.pass(4s);
  CHECK_FALSE(watched.over);
  watched.pass(3s);
  CHECK(watched.over);
}

TEST_CASE("a client that has ended its direction is waited for while its answer moves", "[proxy][http]") {
  Watched watched;
  Watched::says(watched.client, kRequest);
  watched.client_ends();
  Watched::says(watched.server, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
  for (const char* octet : {"1", "2"}) {
    watched.pass(29s);
    CHECK_FALSE(watched.over);
    Watched::says(watched.server, octet);
  }
  CHECK(watched.client.heard.ends_with("12"));
  watched.pass(32s);
  CHECK(watched.over);
}
