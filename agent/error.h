#pragma once

#include <string>
#include <string_view>

#include "core/base/expected.h"

namespace van::agent {

/// Why a command was not done: the codes of the control API (docs/api.md), which the command line turns into exit codes.
struct Error {
  enum class Code {
    bad_request,  ///< can't be understood, or a value is out of range
    failed,       ///< could have worked but did not
    timeout,      ///< not done in time; what was begun goes on
    not_found,    ///< no such address, link, site
    conflict,     ///< already there, or does not go with what is there
    refused,      ///< by the peer, or a token that can't be used
  };
  Code code = Code::failed;
  std::string message;  ///< one line for people
  std::string hint;     ///< how to mend it; may be empty
};

template <class T>
using Result = Expected<T, Error>;

/// The code as the API writes it.
std::string_view to_text(Error::Code code);
int http_status(Error::Code code);

}  // namespace van::agent
