#pragma once

#include <map>
#include <memory>
#include <vector>

#include "core/io/deferred.h"
#include "core/link/node.h"
#include "proxy/target.h"

namespace van::proxy {

/// Streams that were asked of an exposure and wait until its server is connected. One whose client gives up is forgotten.
class PendingStreams {
 public:
  PendingStreams(link::Node& node, io::Loop& loop);  ///< both must outlive it
  ~PendingStreams();                                 ///< refuses those that are left

  [[nodiscard]] bool empty() const { return pending_.empty(); }
  [[nodiscard]] bool full() const;  ///< limits::kConnecting wait: refuse the next one
  /// `server`: the connection for this stream alone, if there is one; it ends when the stream does not wait any more.
  void add(router::StreamId stream, std::unique_ptr<Target::Connecting> server = nullptr);
  void take(router::StreamId stream);        ///< it waits no more: accept or refuse it
  std::vector<router::StreamId> take_all();  ///< the same for all, in the order in which they came

 private:
  struct Pending;

  void forget(router::StreamId stream);

  link::Node& node_;
  std::map<router::StreamId, std::unique_ptr<Pending>> pending_;
  std::vector<std::unique_ptr<Pending>> over_;
  io::Deferred reap_;
};

}  // namespace van::proxy
