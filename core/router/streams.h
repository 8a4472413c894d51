#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/amqp/delivery_state.h"
#include "core/amqp/message.h"
#include "core/base/id_table.h"
#include "core/router/core.h"
#include "core/router/send_window.h"
#include "core/router/turns.h"

namespace van::router {

class Addresses;
class Forwarder;

/// The local ends of TCP streams (data-plane, sections 2 to 4): encapsulation, end-to-end windows, half-close, resets. A stream
/// is two deliveries: the one we send (`out`) and the one we receive (`in`).
class Streams {
 public:
  Streams(Core& core, Addresses& addresses, Forwarder& forwarder) : core_{core}, addresses_{addresses}, forwarder_{forwarder} {}

  // ---- From the owner of the TCP connection: the contracts are Router's ----
  StreamId open(const routing::AddressKey& key, Slice first, ClientFacts client, bool one_request);
  [[nodiscard]] ClientFacts client_of(StreamId id) const;
  bool accept(StreamId id, const Slice& first, bool last);
  bool refuse(StreamId id);
  [[nodiscard]] std::size_t writable(StreamId id);
  bool write(StreamId id, Slice octets);
  bool finish(StreamId id);
  bool reset(StreamId id);
  SliceQueue* readable(StreamId id);
  void octets_taken(StreamId id, std::size_t count);
  [[nodiscard]] bool finished(StreamId id) const;
  void fin_passed_on(StreamId id);

  /// Sends off the streams that waited for the uplink to settle, and ends turns that took too long.
  void handle_deadline();
  [[nodiscard]] std::size_t count() const { return streams_.size(); }
  [[nodiscard]] TimePoint next_deadline() const;

  // ---- From the forwarder ----
  /// A client stream for a consumer of ours.
  StreamId incoming(DeliveryNo delivery, ConsumerId consumer);
  /// The reply stream for `local` ("temp.…"), the part of the address behind our prefix. nullopt: no such stream, or it has one.
  std::optional<StreamId> reply(const std::string& local, DeliveryNo delivery);
  void payload(StreamId id, Slice octets, bool last = false);
  void complete(StreamId id);
  void request_ended(StreamId id);  ///< of a delivery with kOneRequest: its client's direction has
  enum class Break { aborted, lost };
  void broken(StreamId id, Break how);  ///< the delivery to us ended before its end
  /// The state of the delivery that we send.
  void updated(StreamId id, const std::optional<amqp::DeliveryState>& state, bool settled);
  void window_moved(StreamId id);  ///< octets of the delivery that we send have left this router

 private:
  struct Stream {
    StreamId id;
    bool listener_side = false;  ///< L-side: a TCP client is here
    bool one_request = false;    ///< L-side: all that the client says is there, and its end follows the answer's. C-side: it was sent so
    bool requested = false;      ///< C-side: the header was read and StreamRequested given
    bool open = false;           ///< L-side: reply header read. C-side: accepted
    ConsumerId consumer;
    std::string reply_local;     ///< L-side: "temp.…"
    std::string reply_to;        ///< C-side: where our reply stream goes
    std::optional<routing::AddressKey> key;  ///< L-side: the service
    ClientFacts client;          ///< L-side: until the head is written. C-side: as the head says
    bool ahead = false;          ///< L-side: the provider takes what comes before its answer (docs/protocol.md, "Early octets")
    bool taken_up = false;       ///< L-side: a provider's target is connected, whether it has answered or not
    SliceQueue early;            ///< L-side: what was written meanwhile for one that does not, or before `out` began
    // what we send
    DeliveryNo out;
    SendWindow window;           ///< in raw octets
    bool in_turn = false;        ///< asked for one (`turns_`), or has it
    bool window_off = false;     ///< the receiver settled early: no reports will come (data-plane 4.1)
    bool blocked = false;        ///< writable() was 0 when asked last
    bool fin_sent = false;
    bool out_done = false;
    // what we receive
    DeliveryNo in;
    bool in_wide = false;        ///< all routers on its way are ours
    SliceQueue head;             ///< until the header is whole
    bool head_read = false;
    SliceQueue readable;
    std::uint64_t taken = 0;
    std::uint64_t last_report = 0;
    bool in_complete = false;
    bool fin_passed_on = false;
    bool in_done = false;
    std::optional<StreamFailure> failing;  ///< told once readable is drained
  };

  void begin(StreamId id);
  void opened(Stream& stream);
  bool end_request(Stream& stream);
  [[nodiscard]] std::size_t room(const Stream& stream) const;
  [[nodiscard]] std::uint64_t far_ahead() const;
  void take_turn(Stream& stream);
  void end_turn(Stream& stream);
  void receive_from(Stream& stream, DeliveryNo delivery);
  void report(Stream& stream);
  /// The end of what we receive has come, and may be told.
  [[nodiscard]] static bool at_end(const Stream& stream) { return stream.in_complete && (!stream.one_request || stream.listener_side || stream.fin_sent); }
  [[nodiscard]] static bool may_read(const Stream& stream) { return stream.open || stream.requested; }
  Stream* find(StreamId id) { return streams_.find(id); }
  [[nodiscard]] const Stream* find(StreamId id) const { return streams_.find(id); }
  void read_head(Stream& stream);
  void refuse_head(Stream& stream, amqp::DeliveryState state);
  void accept_in(Stream& stream);
  void fail(Stream& stream, StreamFailure why);
  void tell_failure(Stream& stream, StreamFailure why);
  void erase_if_done(StreamId id);
  void erase(Stream& stream);

  Core& core_;
  Addresses& addresses_;
  Forwarder& forwarder_;
  std::vector<StreamId> waiting_;  ///< for the uplink to settle
  Turns turns_;              ///< of streams to real receivers
  std::uint64_t wide_ = 0;  ///< streams with in_wide
  IdTable<StreamId, Stream> streams_;
  std::unordered_map<std::string, StreamId> by_reply_;
};

}  // namespace van::router
