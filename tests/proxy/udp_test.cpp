#include <string>
#include <vector>

#include "core/amqp/datagram.h"
#include "core/base/datagram_limits.h"
#include "tests/proxy/udp_tunnel.h"
#include "tests/support/catch.h"

namespace van::proxy::test {
namespace {

using Words = std::vector<std::string>;

std::unique_ptr<Talker> echo(io::Loop& loop, const std::string& name) {
  auto server = std::make_unique<Talker>(loop);
  server->echoes = true;
  server->name = name;
  return server;
}

}  // namespace

TEST_CASE("a flow of datagrams goes there and back, in order and with its boundaries", "[proxy][udp]") {
  UdpTunnel tunnel;
  const auto server = echo(tunnel.pair.loop, "");
  const auto exposure = tunnel.expose(*server);
  tunnel.wait_reachable();
  Talker client{tunnel.pair.loop};
  Words words{"", std::string(60'000, 'x')};
  for (int i = 0; i < 30; ++i) words.push_back("number " + std::to_string(i));
  for (const std::string& each : words) tunnel.send(client, each);
  REQUIRE(tunnel.run([&] { return client.heard.size() == words.size(); }));
  CHECK(server->heard == words);
  CHECK(client.heard == words);
  CHECK(client.from() == *io::UdpAddress::numeric("127.0.0.1", tunnel.stand_in->local().port));
  for (const Counters& counters : {tunnel.stand_in->counters(), exposure->counters()}) {
    CHECK(counters.in_flight == 1);
    CHECK(counters.connections == 1);
    CHECK(counters.dropped == 0);
  }
  CHECK(exposure->counters().bytes_in == tunnel.stand_in->counters().bytes_out);
  CHECK(exposure->counters().bytes_out == tunnel.stand_in->counters().bytes_in);
}

TEST_CASE("each client is a flow: the server sees it as a port of its own, and answers find it", "[proxy][udp]") {
  UdpTunnel tunnel;
  const auto server = echo(tunnel.pair.loop, "");
  const auto exposure = tunnel.expose(*server);
  tunnel.wait_reachable();
  Talker one{tunnel.pair.loop}, two{tunnel.pair.loop};
  tunnel.send(one, "from one");
  REQUIRE(tunnel.run([&] { return !one.heard.empty(); }));
  const io::UdpAddress first = server->from();
  tunnel.send(two, "from two");
  REQUIRE(tunnel.run([&] { return !two.heard.empty(); }));
  CHECK_FALSE(server->from() == first);
  tunnel.send(one, "again from one");
  REQUIRE(tunnel.run([&] { return one.heard.size() == 2; }));
  CHECK(server->from() == first);
  CHECK(one.heard == Words{"from one", "again from one"});
  CHECK(two.heard == Words{"from two"});
  CHECK(exposure->counters().in_flight == 2);
}

TEST_CASE("what a client sends before anybody provides the service waits for a moment", "[proxy][udp]") {
  UdpTunnel tunnel;
  Talker client{tunnel.pair.loop};
  for (const char* word : {"a", "b", "c"}) tunnel.send(client, word);
  REQUIRE(tunnel.run([&] { return tunnel.stand_in->counters().bytes_out == 3; }));
  const auto server = echo(tunnel.pair.loop, "");
  const auto exposure = tunnel.expose(*server);
  REQUIRE(tunnel.run([&] { return client.heard.size() == 3; }));
  CHECK(client.heard == Words{"a", "b", "c"});

  SECTION("but not for long, and not much") {
    exposure->withdraw();
    tunnel.wait_reachable(false);
    const auto before = tunnel.stand_in->counters().dropped;
    for (std::size_t i = 0; i < limits::kDatagramsHeld + 5; ++i) tunnel.send(client, "in vain");
    REQUIRE(tunnel.run([&] { return tunnel.stand_in->counters().dropped >= before + 5; }));
    CHECK(tunnel.stand_in->counters().dropped == before + 5);
    REQUIRE(tunnel.run([&] { return tunnel.stand_in->counters().dropped == before + limits::kDatagramsHeld + 5; }));
  }
}

TEST_CASE("a flow stays with its provider, and goes to another one when that is withdrawn", "[proxy][udp]") {
  UdpTunnel tunnel;
  const auto dear = echo(tunnel.pair.loop, "dear "), cheap = echo(tunnel.pair.loop, "cheap ");
  const auto second = tunnel.expose(*dear, 5);
  tunnel.wait_reachable();
  Talker client{tunnel.pair.loop}, later{tunnel.pair.loop};
  tunnel.send(client, "1");
  REQUIRE(tunnel.run([&] { return client.heard == Words{"dear 1"}; }));

  auto first = tunnel.expose(*cheap);
  run_turns(tunnel.pair.loop);
  tunnel.send(client, "2");
  REQUIRE(tunnel.run([&] { return client.heard.size() == 2; }));
  CHECK(client.heard.back() == "dear 2");
  tunnel.send(later, "1");
  REQUIRE(tunnel.run([&] { return later.heard.size() == 1; }));
  CHECK(later.heard.back() == "cheap 1");

  first->withdraw();
  CHECK(first->idle());
  run_turns(tunnel.pair.loop);
  tunnel.send(later, "2");
  REQUIRE(tunnel.run([&] { return later.heard.size() == 2; }));
  CHECK(later.heard.back() == "dear 2");
}

TEST_CASE("flows spread over providers of the same cost", "[proxy][udp]") {
  UdpTunnel tunnel;
  const auto a = echo(tunnel.pair.loop, "a"), b = echo(tunnel.pair.loop, "b");
  const auto on_a = tunnel.expose(*a), on_b = tunnel.expose(*b);
  tunnel.wait_reachable();
  run_turns(tunnel.pair.loop);
  std::vector<std::unique_ptr<Talker>> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(std::make_unique<Talker>(tunnel.pair.loop));
    tunnel.send(*clients.back(), "x");
    REQUIRE(tunnel.run([&] { return !clients.back()->heard.empty(); }));
  }
  CHECK(a->heard.size() == 3);
  CHECK(b->heard.size() == 3);
}

TEST_CASE("a provider whose site vanishes without a word loses its flows to another", "[proxy][udp]") {
  UdpTunnel tunnel;
  link::test::Site other{tunnel.pair.loop, "other", router::Mode::edge};
  other.connect(tunnel.pair.mill->port(tunnel.pair.listener));
  const auto near = echo(tunnel.pair.loop, "near "), far = echo(tunnel.pair.loop, "far ");
  auto on_other = tunnel.expose(*other, far->endpoint());
  tunnel.wait_reachable();
  Talker client{tunnel.pair.loop};
  tunnel.send(client, "1");
  REQUIRE(tunnel.run([&] { return client.heard == Words{"far 1"}; }));
  const auto on_mill = tunnel.expose(*near);
  run_turns(tunnel.pair.loop);

  // The exposure's end is dropped: it can tell nobody.
  on_other.reset();
  other.vanish();
  run_turns(tunnel.pair.loop);
  std::size_t sent = 1;
  io::Timer again{tunnel.pair.loop, [&] {
                    tunnel.send(client, std::to_string(++sent));
                    again.arm(std::chrono::milliseconds{100});
                  }};
  again.arm(Duration::zero());
  REQUIRE(tunnel.run([&] { return client.heard.back().starts_with("near "); }));
}

TEST_CASE("a provider that is asked whether it is there may miss a question", "[proxy][udp]") {
  struct Provider final : link::DatagramHandler {
    explicit Provider(link::Node& on) : node{on}, own{on.add_local_receiver("udp", *this)}, service{on.add_receiver("dns", 0, *this)} {}
    ~Provider() override {
      node.remove_endpoint(service);
      node.remove_endpoint(own.endpoint);
    }
    void on_message(router::EndpointId, const Slice& message) override {
      const auto read = amqp::read_datagram(message.view());
      REQUIRE(read);
      if (read->subject == udp_flow::kAsk) ++questions;
      else payloads.emplace_back(as_text(read->payload));
      if (payloads.size() == 1 && questions == 0) ack(*read);
      if (questions == 2) ack(*read);
    }
    void ack(const amqp::DatagramView& flow) {
      const std::string client{flow.reply_to};
      const Bytes head = amqp::encode_datagram_head(
          {.to = client, .subject = std::string{udp_flow::kAck}, .reply_to = own.address, .group_id = std::string{flow.group_id}});
      node.send_datagram(client, amqp::encode_datagram(head, {}, blocks));
    }
    link::Node& node;
    router::Router::LocalReceiver own;
    router::EndpointId service;
    BlockWriter blocks{4096};
    int questions = 0;
    Words payloads{};
  };
  UdpTunnel tunnel;
  Provider provider{*tunnel.pair.mill};
  tunnel.wait_reachable();
  Talker client{tunnel.pair.loop};
  std::size_t sent = 0;
  io::Timer again{tunnel.pair.loop, [&] {
                    tunnel.send(client, std::to_string(++sent));
                    again.arm(std::chrono::milliseconds{100});
                  }};
  again.arm(Duration::zero());
  REQUIRE(tunnel.run([&] { return provider.questions == 2; }));
  again.cancel();
  REQUIRE(tunnel.run([&] { return provider.payloads.size() == sent; }));
  CHECK(tunnel.stand_in->counters().dropped == 0);
  CHECK(tunnel.stand_in->counters().connections == 1);
}

TEST_CASE("a target that refuses is withdrawn, its flows go elsewhere, and it comes back", "[proxy][udp]") {
  UdpTunnel tunnel;
  auto first = echo(tunnel.pair.loop, "first ");
  const Endpoint target = first->endpoint();
  const auto exposure = tunnel.expose(*first);
  tunnel.wait_reachable();
  Talker client{tunnel.pair.loop};
  tunnel.send(client, "1");
  REQUIRE(tunnel.run([&] { return client.heard.size() == 1; }));

  first.reset();
  run_turns(tunnel.pair.loop);
  tunnel.send(client, "2");
  REQUIRE(tunnel.run([&] { return !exposure->trouble().empty(); }));
  CHECK(exposure->trouble().find(std::to_string(target.port)) != std::string::npos);
  CHECK(exposure->counters().in_flight == 0);
  tunnel.wait_reachable(false);

  Talker again{tunnel.pair.loop, target.port};
  again.echoes = true;
  tunnel.wait_reachable();
  CHECK(exposure->trouble().empty());
  tunnel.send(client, "3");
  REQUIRE(tunnel.run([&] { return client.heard.size() == 2; }));
  CHECK(client.heard.back() == "3");
}

TEST_CASE("a target whose name is not known is not offered", "[proxy][udp]") {
  UdpTunnel tunnel;
  const auto exposure = tunnel.expose(*tunnel.pair.mill, {"no-such-host.invalid", 53, {}});
  REQUIRE(tunnel.run([&] { return !exposure->trouble().empty(); }));
  CHECK_FALSE(tunnel.stand_in->reachable());
}

TEST_CASE("a server of localhost may be on ::1", "[proxy][udp]") {
  UdpTunnel tunnel;
  Talker client{tunnel.pair.loop};
  struct Six final : io::UdpHandler {
    void on_datagram(ByteView, const io::UdpAddress&) override { ++heard; }
    void on_refused(const io::Error&) override {}
    int heard = 0;
  } six;
  const auto server = io::UdpSocket::bind(tunnel.pair.loop, "::1", 0, six);
  if (!server) return;  // no IPv6 here
  const auto exposure = tunnel.expose(*tunnel.pair.mill, {"localhost", (*server)->local().port(), {}});
  tunnel.wait_reachable();
  io::Timer again{tunnel.pair.loop, [&] {
                    tunnel.send(client, "anybody?");
                    again.arm(std::chrono::milliseconds{50});
                  }};
  again.arm(Duration::zero());
  REQUIRE(tunnel.run([&] { return six.heard > 0; }));
  CHECK(exposure->trouble().empty());
}

TEST_CASE("at the limit of flows the one that is idle for longest goes", "[proxy][udp]") {
  UdpTunnel tunnel;
  const auto server = echo(tunnel.pair.loop, "");
  const auto exposure = tunnel.expose(*server);
  tunnel.wait_reachable();
  Talker first{tunnel.pair.loop};
  tunnel.send(first, "x");
  REQUIRE(tunnel.run([&] { return first.heard.size() == 1; }));
  while (exposure->counters().connections <= limits::kDatagramSockets) {  // a port may come again: then it is a flow that is there
    Talker client{tunnel.pair.loop};
    tunnel.send(client, "x");
    REQUIRE(tunnel.run([&] { return !client.heard.empty(); }));
  }
  CHECK(exposure->counters().in_flight == limits::kDatagramSockets);
  // For the client nothing has changed: its flow gets a new socket.
  tunnel.send(first, "y");
  REQUIRE(tunnel.run([&] { return first.heard.size() == 2; }));
}

TEST_CASE("idle flows are forgotten at both ends, and begin anew", "[proxy][udp]") {
  UdpTunnel tunnel{false, std::chrono::milliseconds{300}};
  const auto server = echo(tunnel.pair.loop, "");
  const auto exposure = tunnel.expose(*server);
  tunnel.wait_reachable();
  Talker client{tunnel.pair.loop};
  tunnel.send(client, "1");
  REQUIRE(tunnel.run([&] { return client.heard.size() == 1; }));
  REQUIRE(tunnel.run([&] { return tunnel.stand_in->counters().in_flight == 0 && exposure->counters().in_flight == 0; }));
  tunnel.send(client, "2");
  REQUIRE(tunnel.run([&] { return client.heard.size() == 2; }));
  CHECK(exposure->counters().connections == 2);
}

TEST_CASE("on a multicast address each provider gets each datagram, and the answers of all come back", "[proxy][udp]") {
  UdpTunnel tunnel{true};
  const auto a = echo(tunnel.pair.loop, "a"), b = echo(tunnel.pair.loop, "b"), c = echo(tunnel.pair.loop, "c");
  const auto on_a = tunnel.expose(*a), on_b = tunnel.expose(*b);
  const auto on_c = tunnel.expose(*tunnel.pair.laptop, c->endpoint());  // beside the stand-in
  tunnel.wait_reachable();
  run_turns(tunnel.pair.loop);
  Talker client{tunnel.pair.loop};
  for (const char* word : {"1", "2"}) tunnel.send(client, word);
  REQUIRE(tunnel.run([&] { return client.heard.size() == 6; }));
  for (const Talker* server : {a.get(), b.get(), c.get()}) CHECK(server->heard == Words{"1", "2"});
  Words heard = client.heard;
  std::ranges::sort(heard);
  CHECK(heard == Words{"a1", "a2", "b1", "b2", "c1", "c2"});
}

TEST_CASE("messages that are no datagrams harm neither end", "[proxy][udp]") {
  UdpTunnel tunnel;
  const auto server = echo(tunnel.pair.loop, "");
  const auto exposure = tunnel.expose(*server);
  tunnel.wait_reachable();
  const auto send = [&](ByteView octets) { tunnel.pair.laptop->send_datagram("dns", Slice::copy_of(octets)); };
  send(as_bytes(std::string_view{"\x00\x53\x73\x45", 4}));                   // no body
  send(amqp::encode_datagram_head({.to = "dns", .reply_to = std::string(2000, 'x')}));
  BlockWriter blocks{4096};
  for (const std::string reply_to : {"amqp:/_topo/0/nobody/udp.x", "dns", "", "amqp:/_edge/laptop-1/udp.x", "/"}) {
    for (const char* subject : {"", "vanctl.ask", "vanctl.ack", "vanctl.gone", "else"}) {
      const Bytes head = amqp::encode_datagram_head({.to = "dns", .subject = subject, .reply_to = reply_to, .group_id = "1"});
      tunnel.pair.laptop->send_datagram("dns", amqp::encode_datagram(head, octets("x"), blocks));
    }
  }
  Talker client{tunnel.pair.loop};
  tunnel.send(client, "still there");
  REQUIRE(tunnel.run([&] { return client.heard == Words{"still there"}; }));
}

}  // namespace van::proxy::test
