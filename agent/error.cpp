#include "agent/error.h"

namespace van::agent {

std::string_view to_text(Error::Code code) {
  switch (code) {
    case Error::Code::bad_request: return "bad_request";
    case Error::Code::failed: return "failed";
    case Error::Code::timeout: return "timeout";
    case Error::Code::not_found: return "not_found";
    case Error::Code::conflict: return "conflict";
    case Error::Code::refused: return "refused";
  }
  VAN_ASSERT(false);
}

int http_status(Error::Code code) {
  switch (code) {
    case Error::Code::bad_request: return 400;
    case Error::Code::failed: return 500;
    case Error::Code::timeout: return 504;
    case Error::Code::not_found: return 404;
    case Error::Code::conflict: return 409;
    case Error::Code::refused: return 403;
  }
  VAN_ASSERT(false);
}

}  // namespace van::agent
