#include "core/io/error.h"

#include <uv.h>

namespace van::io {
namespace {

Error::Code code_of(int status) {
  switch (status) {
    case UV_ECONNREFUSED:
      return Error::Code::refused;
    case UV_ENETUNREACH:
    case UV_EHOSTUNREACH:
    case UV_ENETDOWN:
    case UV_EADDRNOTAVAIL:
      return Error::Code::unreachable;
    case UV_ETIMEDOUT:
    case UV_EAI_AGAIN:
      return Error::Code::timed_out;
    case UV_EAI_NONAME:
    case UV_EAI_NODATA:
    case UV_EAI_ADDRFAMILY:
    case UV_EAI_FAIL:
    case UV_EAI_FAMILY:
      return Error::Code::name_not_found;
    case UV_EADDRINUSE:
      return Error::Code::address_in_use;
    case UV_EACCES:
    case UV_EPERM:
    case UV_EROFS:
      return Error::Code::permission;
    case UV_ECONNRESET:
    case UV_ECONNABORTED:
    case UV_EPIPE:
    case UV_ENOTCONN:
      return Error::Code::reset;
    case UV_EOF:
      return Error::Code::end_of_file;
    case UV_ECANCELED:
    case UV_EAI_CANCELED:
      return Error::Code::cancelled;
    case UV_ENOSPC:
    case UV_ENOMEM:
    case UV_ENOBUFS:
    case UV_EMFILE:
    case UV_ENFILE:
    case UV_EAI_MEMORY:
      return Error::Code::no_space;
    case UV_ENOENT:
    case UV_ENOTDIR:
      return Error::Code::not_found;
    default:
      return Error::Code::other;
  }
}

}  // namespace

std::string_view to_text(Error::Code code) {
  switch (code) {
    case Error::Code::refused:
      return "refused";
    case Error::Code::unreachable:
      return "unreachable";
    case Error::Code::timed_out:
      return "timed_out";
    case Error::Code::name_not_found:
      return "name_not_found";
    case Error::Code::address_in_use:
      return "address_in_use";
    case Error::Code::permission:
      return "permission";
    case Error::Code::reset:
      return "reset";
    case Error::Code::end_of_file:
      return "end_of_file";
    case Error::Code::cancelled:
      return "cancelled";
    case Error::Code::no_space:
      return "no_space";
    case Error::Code::not_found:
      return "not_found";
    case Error::Code::other:
      return "other";
  }
  return "other";
}

Error error_from_status(int status, std::string_view doing) {
  return Error{code_of(status), std::string{doing} + ": " + uv_strerror(status)};
}

Error error_from_errno(int number, std::string_view doing) {
  return error_from_status(uv_translate_sys_error(number), doing);
}

}  // namespace van::io
