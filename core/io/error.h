#pragma once

#include <string>
#include <string_view>

#include "core/base/expected.h"

namespace van::io {

/// What the operating system refused or the peer did, in the few kinds a caller acts on.
struct Error {
  enum class Code {
    refused,         ///< nobody listens there
    unreachable,     ///< no route to the host or network
    timed_out,       ///< by our own limit or the kernel's
    name_not_found,  ///< the host name does not resolve
    address_in_use,  ///< somebody listens there already
    permission,
    reset,  ///< the peer broke the connection, or is gone while we write
    end_of_file,
    cancelled,
    no_space,   ///< the disk, memory or the table of open files is full
    not_found,  ///< no such file
    other,
  };
  Code code = Code::other;
  std::string message;  ///< one line for people: what was being done, and why it failed
};

template <class T>
using Result = Expected<T, Error>;

/// The enumerator's name, for logs.
std::string_view to_text(Error::Code code);

/// From a libuv status below zero. `doing` as in "connect to 127.0.0.1:80".
Error error_from_status(int status, std::string_view doing);
/// From errno.
Error error_from_errno(int number, std::string_view doing);

}  // namespace van::io
