#pragma once

#include <sstream>
#include <string>
#include <variant>

#include "core/amqp/connection.h"

namespace van::test {

inline std::string error_text(const std::optional<amqp::Error>& error) {
  return error ? " error " + error->condition + " " + error->description : "";
}

/// One line that tells all of an event that a test compares. Ids are in it, so only histories of one engine, or of engines
/// with the same history, are alike.
class EventText {
 public:
  static std::string of(const amqp::Event& event) {
    EventText text;
    std::visit([&text](const auto& one) { text.write(one); }, event);
    return text.out_.str();
  }

 private:
  void write(const amqp::Opened& e) { out_ << "opened " << e.peer.container_id << ' ' << e.peer.max_frame_size; }
  void write(const amqp::SessionBegun& e) { out_ << "begun " << e.session.value << ' ' << e.by_peer; }
  void write(const amqp::SessionEnded& e) { out_ << "ended " << e.session.value << error_text(e.error); }
  void write(const amqp::Attached& e) {
    out_ << "attached " << e.link.value << " on " << e.session.value << ' ' << e.name << ' ' << e.by_peer << ' '
         << static_cast<int>(e.role) << ' ' << (e.source ? e.source->address.value_or("-") : "null") << ' '
         << (e.target ? e.target->address.value_or("-") : "null");
  }
  void write(const amqp::Detached& e) { out_ << "detached " << e.link.value << error_text(e.error); }
  void write(const amqp::CreditChanged& e) { out_ << "credit " << e.link.value << ' ' << e.credit << ' ' << e.drain; }
  void write(const amqp::TransferReceived& e) {
    out_ << "transfer " << e.link.value << ' ' << e.delivery.value << ' ' << e.first << e.more << e.aborted << e.settled
         << ' ' << e.message_format << ' ' << as_text(e.payload.view());
  }
  void write(const amqp::DeliveryUpdated& e) {
    out_ << "updated " << e.link.value << ' ' << e.delivery.value << ' ' << e.settled << ' '
         << (e.state ? static_cast<int>(e.state->index()) : -1);
    if (!e.state) return;
    if (const auto* received = std::get_if<amqp::Received>(&*e.state)) out_ << ' ' << received->section_offset;
  }
  void write(const amqp::SessionWritable& e) { out_ << "writable " << e.session.value; }
  void write(const amqp::Closed& e) { out_ << "closed " << e.by_peer << error_text(e.error); }

  std::ostringstream out_;
};

}  // namespace van::test
