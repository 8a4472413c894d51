#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "core/io/deferred.h"

namespace van::io {

/// A link of a ring; a ring of one is "not linked".
struct DeferredLink {
  DeferredLink* previous = this;
  DeferredLink* next = this;

  DeferredLink() = default;
  DeferredLink(const DeferredLink&) = delete;
  DeferredLink& operator=(const DeferredLink&) = delete;
  [[nodiscard]] bool linked() const { return next != this; }
  void unlink() {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
  }
  void insert_before(DeferredLink& place) {
    previous = place.previous;
    next = &place;
    previous->next = next->previous = this;
  }
};

struct DeferredNode : DeferredLink {
  explicit DeferredNode(std::function<void()> run) : task{std::move(run)} {}
  std::function<void()> task;
  bool running = false;
  std::unique_ptr<DeferredNode> released;  // itself, when its owner went away while the task ran
};

/// What is to run at the end of the turn. A member may leave at any time, also while others run.
class DeferredList {
 public:
  [[nodiscard]] bool empty() const { return !ring_.linked(); }
  void push(DeferredNode& node) { node.insert_before(ring_); }

  /// Runs what is linked now; what is pushed meanwhile stays.
  void run() {
    DeferredLink batch;
    batch.insert_before(ring_);
    ring_.unlink();  // the members' ring is the batch's now
    while (batch.linked()) {
      auto& node = static_cast<DeferredNode&>(*batch.next);
      node.unlink();
      node.running = true;
      node.task();
      node.running = false;
      const std::unique_ptr<DeferredNode> gone = std::move(node.released);
    }
  }

  static void release_after_run(std::unique_ptr<DeferredNode> node) {
    DeferredNode& self = *node;
    self.released = std::move(node);
  }

 private:
  DeferredLink ring_;
};

}  // namespace van::io
