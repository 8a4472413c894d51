#pragma once

#include <cstddef>

#include "core/base/assert.h"

namespace van::amqp {

/// Where a node hangs in one IntrusiveList.
template <class Node>
struct ListHook {
  Node* previous = nullptr;
  Node* next = nullptr;
  bool linked = false;
};

/// A doubly linked list through a member of its nodes: every operation is O(1) and allocates nothing. Owns no node; a node
/// must be erased before it dies.
template <class Node, ListHook<Node> Node::*kHook>
class IntrusiveList {
 public:
  [[nodiscard]] bool empty() const { return first_ == nullptr; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] Node* front() const { return first_; }
  [[nodiscard]] static Node* next(const Node& node) { return (node.*kHook).next; }
  [[nodiscard]] static bool contains(const Node& node) { return (node.*kHook).linked; }

  void push_back(Node& node) {
    VAN_ASSERT(!contains(node));
    node.*kHook = {last_, nullptr, true};
    (last_ != nullptr ? (last_->*kHook).next : first_) = &node;
    last_ = &node;
    ++size_;
  }
  /// Does nothing when the node is in no list.
  void erase(Node& node) {
    ListHook<Node>& hook = node.*kHook;
    if (!hook.linked) return;
    (hook.previous != nullptr ? (hook.previous->*kHook).next : first_) = hook.next;
    (hook.next != nullptr ? (hook.next->*kHook).previous : last_) = hook.previous;
    hook = {};
    --size_;
  }

 private:
  Node* first_ = nullptr;
  Node* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace van::amqp
