#include "core/io/dialer.h"

#include <uv.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/base/assert.h"
#include "core/io/deferred.h"
#include "core/base/local_socket.h"
#include "core/io/socket_text.h"
#include "core/io/socket_stream.h"
#include "core/io/timer.h"

namespace van::io {
namespace {

constexpr std::size_t kAddressesMax = 16;
// A local listener whose backlog is full gives EAGAIN instead of letting the connect wait.
constexpr Duration kBacklogRetry = std::chrono::milliseconds{10};

using Addresses = std::vector<sockaddr_storage>;

std::optional<sockaddr_storage> numeric_address(const std::string& text, std::uint16_t port) {
  sockaddr_storage result{};
  if (uv_ip4_addr(text.c_str(), port, reinterpret_cast<sockaddr_in*>(&result)) == 0) return result;
  if (uv_ip6_addr(text.c_str(), port, reinterpret_cast<sockaddr_in6*>(&result)) == 0) return result;
  return std::nullopt;
}

sockaddr_storage loopback(const char* text, std::uint16_t port) { return *numeric_address(text, port); }

/// RFC 6761 §6.3: needs no look-up, which is a visit to another thread.
bool is_localhost(const std::string& host) { return host == "localhost" || host.ends_with(".localhost"); }

Addresses addresses_of(const addrinfo* list, std::uint16_t port) {
  Addresses result;
  for (; list != nullptr; list = list->ai_next) {
    sockaddr_storage address{};
    if (list->ai_family == AF_INET) {
      auto& ip4 = *reinterpret_cast<sockaddr_in*>(&address);
      ip4 = *reinterpret_cast<const sockaddr_in*>(list->ai_addr);
      ip4.sin_port = htons(port);
    } else if (list->ai_family == AF_INET6) {
      auto& ip6 = *reinterpret_cast<sockaddr_in6*>(&address);
      ip6 = *reinterpret_cast<const sockaddr_in6*>(list->ai_addr);
      ip6.sin6_port = htons(port);
    } else {
      continue;
    }
    result.push_back(address);
  }
  return result;
}

/// RFC 8305 §4: the families take turns, the first address's begins; within a family the order stays.
Addresses interleaved(const Addresses& sorted) {
  std::array<Addresses, 2> families;
  for (const auto& address : sorted) {
    families[address.ss_family == sorted.front().ss_family ? 0 : 1].push_back(address);
  }
  Addresses result;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    for (const Addresses& family : families) {
      if (i < family.size() && result.size() < kAddressesMax) result.push_back(family[i]);
    }
  }
  return result;
}

}  // namespace

/// The work of one Dialer. What libuv points at are Lookups and Connects: each owns itself until its callback,
/// and is told when nobody waits for it any more.
class Dialer::Attempt {
 public:
  Attempt(Loop& loop, Target target, Options options, Done done);
  ~Attempt() { abandon(); }

 private:
  struct Lookup {
    uv_getaddrinfo_t request{};
    Attempt* owner = nullptr;
  };
  struct Connect {
    uv_connect_t request{};
    Attempt* owner = nullptr;
    SocketStream::NodePtr node;
    std::string where;  // the address, for messages
  };

  void start(const HostPort& target);
  void start(const AddressList& target);
  void start(const LocalPath& target);
  void looked_up(int status, const addrinfo* list);
  void try_next();
  void try_local();
  std::unique_ptr<Connect> new_connect(bool tcp);
  static void on_connected(uv_connect_t* request, int status) noexcept;
  void connected(Connect& connect, int status);
  void note_failure(int status, const std::string& where);
  void finish_later(Error error);
  void finish(Result<std::unique_ptr<Stream>> result);
  void abandon();

  Loop& loop_;
  const Options options_;
  Done done_;
  std::string text_;   // the target, for messages
  std::string local_;  // the socket file, when the target is one
  std::uint16_t port_ = 0;
  Addresses addresses_;
  std::size_t next_ = 0;  // of addresses_
  Lookup* lookup_ = nullptr;
  std::vector<Connect*> connects_;
  std::optional<Error> first_error_;
  Timer overall_;
  Timer stagger_;
  Deferred finish_;
};

Dialer::Attempt::Attempt(Loop& loop, Target target, Options options, Done done)
    : loop_{loop},
      options_{options},
      done_{std::move(done)},
      overall_{loop,
               [this] {
                 finish(Unexpected{Error{Error::Code::timed_out, "connect to " + text_ + ": no answer in time"}});
               }},
      stagger_{loop, [this] { local_.empty() ? try_next() : try_local(); }},
      finish_{loop, [this] { finish(Unexpected{*first_error_}); }} {
  overall_.arm(options_.timeout);
  std::visit([this](const auto& kind) { start(kind); }, target);
}

void Dialer::Attempt::start(const HostPort& target) {
  text_ = target.host + ":" + std::to_string(target.port);
  if (const auto address = numeric_address(target.host, target.port)) {
    text_ = socket_text(*address, sizeof *address);
    addresses_.push_back(*address);
    return try_next();
  }
  if (is_localhost(target.host)) {
    addresses_ = {loopback("127.0.0.1", target.port), loopback("::1", target.port)};
    return try_next();
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  auto lookup = std::make_unique<Lookup>();
  lookup->owner = this;
  lookup->request.data = lookup.get();
  port_ = target.port;
  const auto done = [](uv_getaddrinfo_t* request, int status, addrinfo* list) noexcept {
    const std::unique_ptr<Lookup> self{static_cast<Lookup*>(request->data)};
    const std::unique_ptr<addrinfo, decltype(&uv_freeaddrinfo)> addresses{list, &uv_freeaddrinfo};
    if (self->owner != nullptr) self->owner->looked_up(status, list);
  };
  const int status = uv_getaddrinfo(loop_.uv(), &lookup->request, done, target.host.c_str(), nullptr, &hints);
  if (status < 0) return finish_later(error_from_status(status, "look up " + target.host));
  lookup_ = lookup.release();
}

void Dialer::Attempt::start(const AddressList& target) {
  text_ = "port " + std::to_string(target.port);
  for (const std::string& text : target.addresses) {
    const auto address = numeric_address(text, target.port);
    if (!address) return finish_later({Error::Code::name_not_found, "'" + text + "' is not a numeric address"});
    addresses_.push_back(*address);
  }
  if (addresses_.empty()) return finish_later({Error::Code::name_not_found, text_ + ": no address given"});
  addresses_ = interleaved(addresses_);
  try_next();
}

void Dialer::Attempt::start(const LocalPath& target) {
  local_ = target.path;
  text_ = "unix:" + target.path;
  try_local();
}

void Dialer::Attempt::looked_up(int status, const addrinfo* list) {
  lookup_ = nullptr;
  if (status < 0) return finish(Unexpected{error_from_status(status, "look up " + text_)});
  addresses_ = addresses_of(list, port_);
  if (addresses_.empty()) {
    return finish(Unexpected{Error{Error::Code::name_not_found, "look up " + text_ + ": no address"}});
  }
  addresses_ = interleaved(addresses_);
  try_next();
}

std::unique_ptr<Dialer::Attempt::Connect> Dialer::Attempt::new_connect(bool tcp) {
  auto connect = std::make_unique<Connect>();
  connect->owner = this;
  connect->request.data = connect.get();
  connect->node.reset(new SocketStream::Node{loop_, tcp});
  return connect;
}

void Dialer::Attempt::try_next() {
  while (next_ < addresses_.size()) {
    const sockaddr_storage& address = addresses_[next_++];
    auto connect = new_connect(true);
    connect->where = socket_text(address, sizeof address);
    const int status = uv_tcp_connect(&connect->request, &connect->node->uv.tcp,
                                      reinterpret_cast<const sockaddr*>(&address), &on_connected);
    if (status == 0) {
      connects_.push_back(connect.release());
      if (next_ < addresses_.size()) stagger_.arm(options_.stagger);
      return;
    }
    note_failure(status, connect->where);
  }
  if (connects_.empty()) finish_.schedule();
}

void Dialer::Attempt::try_local() {
  const auto address = local_socket(local_);
  if (!address) return finish_later(error_from_errno(address.error(), "socket path '" + local_ + "'"));
  auto connect = new_connect(false);
  connect->where = text_;
  uv_pipe_connect(&connect->request, &connect->node->uv.pipe, address.value().path(), &on_connected);
  connects_.push_back(connect.release());
}

void Dialer::Attempt::on_connected(uv_connect_t* request, int status) noexcept {
  const std::unique_ptr<Connect> self{static_cast<Connect*>(request->data)};
  if (self->owner != nullptr) self->owner->connected(*self, status);
}

void Dialer::Attempt::connected(Connect& connect, int status) {
  std::erase(connects_, &connect);
  if (status == 0) {
    connect.node->connected();
    return finish(std::make_unique<SocketStream>(std::move(connect.node)));
  }
  if (status == UV_EAGAIN && !local_.empty()) return stagger_.arm(kBacklogRetry);
  note_failure(status, connect.where);
  try_next();
}

void Dialer::Attempt::note_failure(int status, const std::string& where) {
  if (!first_error_) first_error_ = error_from_status(status, "connect to " + where);
}

void Dialer::Attempt::finish_later(Error error) {
  first_error_ = std::move(error);
  finish_.schedule();
}

void Dialer::Attempt::finish(Result<std::unique_ptr<Stream>> result) {
  abandon();
  const Done done = std::move(done_);  // the callback may destroy this
  done(std::move(result));
}

void Dialer::Attempt::abandon() {
  overall_.cancel();
  stagger_.cancel();
  finish_.cancel();
  if (Lookup* lookup = std::exchange(lookup_, nullptr)) {
    lookup->owner = nullptr;
    uv_cancel(reinterpret_cast<uv_req_t*>(&lookup->request));  // one that runs already ends by itself
  }
  for (Connect* connect : std::exchange(connects_, {})) {
    connect->owner = nullptr;
    connect->node.reset();
  }
}

Dialer::Dialer(Loop& loop, Target target, Done done) : Dialer{loop, std::move(target), Options{}, std::move(done)} {}

Dialer::Dialer(Loop& loop, Target target, Options options, Done done)
    : attempt_{std::make_unique<Attempt>(loop, std::move(target), options, std::move(done))} {}

Dialer::~Dialer() = default;

}  // namespace van::io
