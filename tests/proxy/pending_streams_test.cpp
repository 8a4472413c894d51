#include <fcntl.h>
#include <sys/socket.h>

#include <deque>

#include "core/base/limits.h"
#include "core/base/local_socket.h"
#include "core/io/file_descriptor.h"
#include "proxy/service.h"
#include "tests/proxy/tunnel.h"

namespace van::proxy {
namespace {

/// A server whose backlog is full: who connects waits.
class BusyServer {
 public:
  BusyServer() {
    const auto address = local_socket(path());
    REQUIRE(address);
    REQUIRE(::bind(listening_.get(), address.value().get(), address.value().size()) == 0);
    REQUIRE(::listen(listening_.get(), 1) == 0);
    do {
      REQUIRE(waiting_.size() < 100);
      waiting_.emplace_back(::socket(AF_UNIX, SOCK_STREAM, 0));
      ::fcntl(waiting_.back().get(), F_SETFL, O_NONBLOCK);
    } while (::connect(waiting_.back().get(), address.value().get(), address.value().size()) == 0);
    REQUIRE(errno == EAGAIN);
  }
  [[nodiscard]] std::string path() const { return (folder_ / "busy").string(); }

 private:
  van::test::TemporaryFolder folder_;
  io::FileDescriptor listening_{::socket(AF_UNIX, SOCK_STREAM, 0)};
  std::vector<io::FileDescriptor> waiting_;
};

struct Asked final : link::StreamHandler {
  void on_stream_opened() override {}
  void on_stream_readable() override {}
  void on_stream_writable() override {}
  void on_stream_failed(router::StreamFailure) override { failed = true; }
  router::StreamId id;
  bool failed = false;
};

struct User final : link::ProducerHandler {
  void on_reachability(bool) override {}
};

}  // namespace

TEST_CASE("an exposure's server is connected for so many streams at once, and those above them are refused", "[proxy][exposure][limits]") {
  const BusyServer busy;
  io::Loop loop;
  spdlog::logger log{"proxy"};
  link::test::Site site{loop, "mill", router::Mode::interior};
  const auto exposure = make_exposure({*site, loop, log}, {.address = "busy", .target = {.host = {}, .port = 0, .path = busy.path()}, .protocol = GENERATE(Protocol::tcp, Protocol::http, Protocol::http2)});
  User user;
  const router::ProducerId producer = site->add_producer("busy", user);
  std::deque<Asked> asked;
  const auto ask = [&]() -> Asked& {
    Asked& stream = asked.emplace_back();
    stream.id = site->open_stream(producer, stream);
    return stream;
  };
  const auto failed = [&asked] { return std::ranges::count_if(asked, [](const Asked& each) { return each.failed; }); };
  while (asked.size() < limits::kConnecting) ask();
  const Asked& above = ask();
  REQUIRE(test::run_until(loop, [&above] { return above.failed; }));
  CHECK(failed() == 1);

  site->release_stream(asked[7].id);
  site->reset(asked[7].id);  // makes room for one
  const Asked& next = ask();
  const Asked& too_many = ask();
  REQUIRE(test::run_until(loop, [&too_many] { return too_many.failed; }));
  CHECK_FALSE(next.failed);
  CHECK(failed() == 2);
  CHECK_FALSE(exposure->idle());
  for (const Asked& stream : asked) site->release_stream(stream.id);
  site->remove_producer(producer);
}

}  // namespace van::proxy
