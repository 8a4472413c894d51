#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/amqp/connection.h"
#include "core/amqp/delivery.h"
#include "core/amqp/intrusive_list.h"
#include "core/amqp/link_credit.h"

namespace van::amqp {

class Session;

/// One end of a link: AMQP 1.0 §2.6. Owned by its session, in the table of our handles.
struct Link {
  enum class State : std::uint8_t {
    attach_sent,      ///< ours waits for the answer
    attach_received,  ///< the peer's waits for the application
    attached,
    detach_sent,      ///< the id is gone; what the peer still sends for the handle is ignored until its detach
  };
  LinkId id;
  Session* session = nullptr;
  LinkRole role = LinkRole::sender;  ///< ours
  State state = State::attach_sent;
  bool by_peer = false;
  std::string name;                  ///< only until both ends are attached
  std::uint32_t handle = 0;          ///< ours
  std::optional<std::uint32_t> remote_handle;
  SenderSettleMode sender_settle_mode = SenderSettleMode::mixed;
  ReceiverSettleMode receiver_settle_mode = ReceiverSettleMode::first;
  LinkCredit credit;
  bool credit_held = false;          ///< no credit passes on, because limits::kUnsettledPerLink deliveries are alive
  bool drain_pending = false;        ///< the receiver waits for what is left of its credit
  Delivery* current = nullptr;       ///< begun and not complete: at most one (§2.6.7)
  IntrusiveList<Delivery, &Delivery::of_link> deliveries;
  ListHook<Link> receiving;          ///< Session's list of attached receivers
};

}  // namespace van::amqp
