#pragma once

#include <utility>

#include "core/io/error.h"
#include "core/io/file_descriptor.h"

namespace van::io {

/// Two local sockets that are connected to each other, to be adopted by Streams of two loops.
Result<std::pair<FileDescriptor, FileDescriptor>> socket_pair();

}  // namespace van::io
