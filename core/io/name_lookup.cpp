#include "core/io/name_lookup.h"

#include <netinet/in.h>
#include <uv.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/io/deferred.h"

namespace van::io {
namespace {

constexpr std::size_t kAddressesMax = 16;

/// The address of one entry with our port in place of the resolver's.
std::optional<UdpAddress> address_of(const addrinfo& entry, std::uint16_t port) {
  sockaddr_storage storage{};
  if (entry.ai_addrlen > sizeof storage) return std::nullopt;
  std::memcpy(&storage, entry.ai_addr, entry.ai_addrlen);
  if (storage.ss_family == AF_INET) reinterpret_cast<sockaddr_in&>(storage).sin_port = htons(port);
  if (storage.ss_family == AF_INET6) reinterpret_cast<sockaddr_in6&>(storage).sin6_port = htons(port);
  return UdpAddress::from(reinterpret_cast<const sockaddr&>(storage));
}

}  // namespace

/// What libuv points at: owns itself until its callback, and is told when nobody waits for it any more.
struct NameLookup::Request {
  uv_getaddrinfo_t uv{};
  Work* owner = nullptr;
};

class NameLookup::Work {
 public:
  Work(Loop& loop, std::string host, std::uint16_t port, Done done)
      : host_{std::move(host)}, port_{port}, done_{std::move(done)}, finish_{loop, [this] { finish(); }} {
    if (const auto known = UdpAddress::numeric(host_, port_)) {
      found_.push_back(*known);
      if (host_ == "localhost") found_.push_back(*UdpAddress::numeric("::1", port_));
      finish_.schedule();
      return;
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    auto request = std::make_unique<Request>();
    request->owner = this;
    request->uv.data = request.get();
    const auto looked_up = [](uv_getaddrinfo_t* uv, int status, addrinfo* list) noexcept {
      const std::unique_ptr<Request> self{static_cast<Request*>(uv->data)};
      const std::unique_ptr<addrinfo, decltype(&uv_freeaddrinfo)> addresses{list, &uv_freeaddrinfo};
      if (self->owner != nullptr) self->owner->answered(status, list);
    };
    status_ = uv_getaddrinfo(loop.uv(), &request->uv, looked_up, host_.c_str(), nullptr, &hints);
    if (status_ < 0) finish_.schedule();
    else request_ = request.release();
  }

  ~Work() {
    if (request_ == nullptr) return;
    request_->owner = nullptr;
    uv_cancel(reinterpret_cast<uv_req_t*>(&request_->uv));  // one that runs already ends by itself
  }

 private:
  void answered(int status, const addrinfo* list) {
    request_ = nullptr;
    status_ = status;
    for (; list != nullptr && found_.size() < kAddressesMax; list = list->ai_next) {
      if (const auto address = address_of(*list, port_)) found_.push_back(*address);
    }
    finish();
  }

  void finish() {
    const Done done = std::move(done_);  // the callback may destroy this
    const std::string what = "look up " + host_;
    if (status_ < 0) return done(Unexpected{error_from_status(status_, what)});
    if (found_.empty()) return done(Unexpected{Error{Error::Code::name_not_found, what + ": no address"}});
    done(std::move(found_));
  }

  std::string host_;
  std::uint16_t port_;
  Done done_;
  int status_ = 0;
  std::vector<UdpAddress> found_;
  Request* request_ = nullptr;
  Deferred finish_;
};

NameLookup::NameLookup(Loop& loop, std::string host, std::uint16_t port, Done done)
    : work_{std::make_unique<Work>(loop, std::move(host), port, std::move(done))} {}
NameLookup::~NameLookup() = default;

}  // namespace van::io
