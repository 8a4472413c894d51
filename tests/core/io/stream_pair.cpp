#include "tests/core/io/stream_pair.h"

#include <filesystem>

namespace van::io::test {

PrivateFolder::~PrivateFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace van::io::test
