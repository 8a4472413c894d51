#include "tests/core/io/stream_pair.h"

#include <filesystem>

#include "core/base/local_socket.h"

namespace van::io::test {

PrivateFolder::~PrivateFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

FileDescriptor bound_socket(const std::string& path) {
  FileDescriptor result{::socket(AF_UNIX, SOCK_STREAM, 0)};
  REQUIRE(result);
  const auto address = local_socket(path);
  REQUIRE(address);
  REQUIRE(::bind(result.get(), address.value().get(), address.value().size()) == 0);
  return result;
}

}  // namespace van::io::test
