#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/base/clock.h"
#include "core/io/error.h"
#include "core/io/loop.h"
#include "core/io/stream.h"

namespace van::io {

/// A host name, or a numeric address (without brackets), and a port.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
/// Numeric addresses to try, in order of preference.
struct AddressList {
  std::vector<std::string> addresses;
  std::uint16_t port = 0;
};
/// A local (Unix) socket; longer than sockaddr_un is fine on Linux.
struct LocalPath {
  std::string path;
};
using Target = std::variant<HostPort, AddressList, LocalPath>;

/// One attempt to connect; starts when it is made. A host's addresses are tried alternating between families, a
/// new one 250 ms after the last or when one fails, and the first that answers wins (RFC 8305 §4, §5; the order
/// is the resolver's). At most 16 addresses are tried. `localhost` and names below it are 127.0.0.1, then ::1, without a lookup.
///
/// The result comes exactly once, never from inside the constructor; destroying the Dialer, also from the
/// callback, cancels. Errors: name_not_found; timed_out, also for the lookup; else the first failure's.
class Dialer {
 public:
  struct Options {
    Duration timeout = std::chrono::seconds{15};  ///< for all of it, lookup included
    Duration stagger = std::chrono::milliseconds{250};
  };
  using Done = std::function<void(Result<std::unique_ptr<Stream>>)>;

  Dialer(Loop& loop, Target target, Done done);
  Dialer(Loop& loop, Target target, Options options, Done done);
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;
  ~Dialer();

 private:
  class Attempt;
  std::unique_ptr<Attempt> attempt_;
};

}  // namespace van::io
