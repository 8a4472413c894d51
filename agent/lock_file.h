#pragma once

#include <filesystem>

#include "agent/error.h"

namespace van::agent {

/// Held by the one agent of a profile as long as it lives; the system lets go of it when the process ends, however that happens.
/// The file holds the process id, for people, and stays.
class LockFile {
 public:
  /// The folder must exist. Errors: conflict, when another process holds it; failed.
  static Result<LockFile> acquire(const std::filesystem::path& file);
  LockFile(LockFile&& other) noexcept;
  LockFile& operator=(LockFile&&) = delete;
  ~LockFile();

 private:
  explicit LockFile(int fd) : fd_{fd} {}
  int fd_;
};

}  // namespace van::agent
