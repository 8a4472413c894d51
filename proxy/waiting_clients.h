#pragma once

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "core/io/timer.h"
#include "proxy/patience.h"

namespace van::proxy {

/// Clients of a stand-in that came while nobody provides its service, in the order in which they came: somebody who does may be on
/// the way, after a bind, a join, while a link comes back. When the patience of the first one ends all are given up.
template <class Client>
class WaitingClients {
 public:
  /// `loop` must outlive it. `most`: so many wait at once. `give_up` gets each, and may not destroy this.
  WaitingClients(io::Loop& loop, std::size_t most, std::function<void(Client)> give_up, Duration patience = kPatience)
      : most_{most}, give_up_{std::move(give_up)}, patience_{patience}, timer_{loop, [this] {
          for (Client& client : take()) give_up_(std::move(client));
        }} {}

  [[nodiscard]] bool full() const { return waiting_.size() >= most_; }
  void add(Client client) {  ///< not when it is full
    if (waiting_.empty()) timer_.arm(patience_);
    waiting_.push_back(std::move(client));
  }
  void remove(const Client& client) { std::erase(waiting_, client); }
  /// All of them; none is given up any more.
  std::vector<Client> take() {
    timer_.cancel();
    return std::exchange(waiting_, {});
  }

 private:
  std::size_t most_;
  std::function<void(Client)> give_up_;
  Duration patience_;
  std::vector<Client> waiting_;
  io::Timer timer_;
};

}  // namespace van::proxy
