#include "core/router/streams.h"

#include <algorithm>
#include <utility>

#include "core/base/limits.h"
#include "core/router/addresses.h"
#include "core/router/client_facts.h"
#include "core/router/forwarder.h"
#include "core/router/names.h"
#include "core/router/reply_name.h"

namespace van::router {
namespace {

constexpr std::uint64_t kEarlyOctets = 64 * 1024;  ///< taken of what a client says before its provider has answered
constexpr std::size_t kLargeRead = 256 * 1024;   ///< a write may overshoot the window of a receiver of ours so far
constexpr std::size_t kSmallRead = 32 * 1024;    ///< of a real one, as real senders do
constexpr std::size_t kReplyPrefixBytes = 16;    ///< of a reply address, with its slash
constexpr std::uint64_t kLightOctets = 96 * 1024;  ///< unreported at a real receiver without its turn; ours reports sooner
constexpr std::uint32_t kReplyFlags = amqp::RouterAnnotations::kStreaming | amqp::RouterAnnotations::kNoHoldOff | amqp::RouterAnnotations::kWide;
/// A provider whose target refuses may be passed over for another one: routers on the way see to it, real ones too (data-plane 2.6).
constexpr std::uint32_t kClientFlags = kReplyFlags | amqp::RouterAnnotations::kResendReleased;
const amqp::DeliveryState kFailed = amqp::Modified{.delivery_failed = true, .undeliverable_here = false, .message_annotations = {}};

}  // namespace

ClientFacts Streams::client_of(StreamId id) const {
  const Stream* stream = find(id);
  return stream == nullptr ? ClientFacts{} : stream->client;
}

StreamId Streams::open(const routing::AddressKey& key, Slice first, ClientFacts client, bool one_request) {
  const auto [id, stream] = streams_.create();
  stream.id = id;
  stream.listener_side = true;
  stream.key = key;
  stream.client = std::move(client);
  stream.one_request = one_request;
  do {
    stream.reply_local = reply_name(core_.config.worker, core_.rng.discriminator());
  } while (!by_reply_.try_emplace(stream.reply_local, id).second);
  if (!first.empty()) {
    stream.window.count_sent(first.size(), core_.now);
    stream.early.push(std::move(first));
  }
  ++core_.counters.streams_opened;

  if (addresses_.needs_settled_uplink(key)) {
    waiting_.push_back(id);
  } else {
    begin(id);
  }
  return id;
}

void Streams::begin(StreamId id) {
  Stream& stream = *find(id);
  amqp::StreamHeader header;
  header.to = stream.key->name();
  // data-plane 2.4: any unique text below our own prefix
  std::string& reply_to = header.reply_to.emplace();
  reply_to.reserve(kReplyPrefixBytes + core_.config.id.size() + stream.reply_local.size());
  reply_to.append(core_.edge() ? "amqp:/_edge/" : "amqp:/_topo/0/").append(core_.config.id).append("/").append(stream.reply_local);
  header.application_properties = properties_of(std::exchange(stream.client, {}));
  Bytes head = amqp::encode_stream_header(header);
  stream.ahead = addresses_.takes_early(*stream.key);
  if (stream.ahead) {
    for (const Slice& slice : stream.early.slices()) append(head, slice.view());
    stream.early.clear();
  }
  stream.one_request = stream.one_request && stream.ahead;
  stream.fin_sent = stream.fin_sent || stream.one_request;
  const std::uint32_t flags = stream.one_request ? kClientFlags | amqp::RouterAnnotations::kOneRequest : kClientFlags;
  const DeliveryNo out = forwarder_.originate(id, flags, header.to, head, stream.one_request);
  if (Stream* still = find(id)) still->out = out;
}

void Streams::handle_deadline() {
  for (const StreamId id : turns_.expire(core_.now)) window_moved(id);
  if (waiting_.empty() || core_.now < core_.uplink_settled) return;
  for (const StreamId id : std::exchange(waiting_, {})) {
    if (find(id) != nullptr) begin(id);
  }
}

TimePoint Streams::next_deadline() const { return std::min(waiting_.empty() ? kNever : core_.uplink_settled, turns_.deadline()); }

/// The provider has answered: what the client has said meanwhile goes to it.
void Streams::opened(Stream& stream) {
  const StreamId id = stream.id;
  const DeliveryNo out = stream.out;
  const bool fin = stream.fin_sent;
  stream.open = true;
  core_.events.push_back(StreamOpened{id});
  if (!stream.readable.empty() || at_end(stream)) core_.events.push_back(StreamReadable{id});
  const SliceQueue early = std::exchange(stream.early, {});
  for (const Slice& slice : early.slices()) forwarder_.append(out, slice);
  if (fin) forwarder_.finish(out);
  window_moved(id);
}

StreamId Streams::incoming(DeliveryNo delivery, ConsumerId consumer) {
  const auto [id, stream] = streams_.create();
  stream.id = id;
  stream.consumer = consumer;
  receive_from(stream, delivery);
  ++core_.counters.streams_opened;
  return id;
}

std::optional<StreamId> Streams::reply(const std::string& local, DeliveryNo delivery) {
  const auto found = by_reply_.find(local);
  if (found == by_reply_.end()) return std::nullopt;
  Stream& stream = *find(found->second);
  if (stream.in) return std::nullopt;  // data-plane 2.3: a second reply is not for us
  receive_from(stream, delivery);
  return stream.id;
}

void Streams::receive_from(Stream& stream, DeliveryNo delivery) {
  stream.in = delivery;
  const std::uint32_t flags = forwarder_.flags(delivery);
  stream.in_wide = (flags & amqp::RouterAnnotations::kWide) != 0;
  if (!stream.listener_side) stream.one_request = (flags & amqp::RouterAnnotations::kOneRequest) != 0;
  if (stream.in_wide) ++wide_;
}

/// Tells the sender what was taken, and, where it is one of ours, what we would hold: the more streams, the less each.
void Streams::report(Stream& stream) {
  stream.last_report = stream.taken;
  std::uint64_t holds = 0;
  if (stream.in_wide) holds = std::clamp(limits::kStreamWindowBudget / std::max<std::uint64_t>(wide_, 1), limits::kStreamWindow, limits::kStreamWindowMax);
  forwarder_.report(stream.in, amqp::Received{.section_number = static_cast<std::uint32_t>(holds), .section_offset = stream.taken}, false);
}

bool Streams::accept(StreamId id, const Slice& first, bool last) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->listener_side || !stream->requested || stream->open) return false;
  stream->open = true;
  // Routers on the way need not keep the octets for another destination any more. With a whole answer those of ours hear it from that.
  if (!(last && stream->in_wide) && forwarder_.resends_released(stream->in)) report(*stream);
  amqp::StreamHeader header;
  header.to = stream->reply_to;
  const std::string to = stream->reply_to;
  Bytes head = amqp::encode_stream_header(header);
  append(head, first.view());
  stream->window.count_sent(first.size(), core_.now);
  stream->fin_sent = last;
  const DeliveryNo out = forwarder_.originate(id, kReplyFlags, to, head, last);
  stream = find(id);
  if (stream == nullptr) return false;  // nobody to reply to: told by StreamFailed
  stream->out = out;
  if (!stream->readable.empty() || at_end(*stream)) core_.events.push_back(StreamReadable{id});
  return true;
}

bool Streams::refuse(StreamId id) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->listener_side || stream->open) return false;
  const DeliveryNo in = stream->in;
  erase(*stream);
  forwarder_.report(in, forwarder_.resends_released(in) ? amqp::DeliveryState{amqp::Released{}} : kFailed, true);  // data-plane 2.6
  return true;
}

std::size_t Streams::writable(StreamId id) {
  Stream* stream = find(id);
  if (stream == nullptr) return 0;
  std::size_t now = room(*stream);
  if (now == 0 && stream->open && !stream->fin_sent && !stream->failing) {  // its turn may have ended before it was used
    take_turn(*stream);
    now = room(*stream);
  }
  stream->blocked = now == 0;
  return now;
}

std::size_t Streams::room(const Stream& stream) const {
  if (stream.fin_sent || stream.failing) return 0;
  if (!stream.open) return stream.listener_side ? kEarlyOctets - std::min(kEarlyOctets, stream.window.unreported()) : 0;
  if (!stream.window_off) {
    if (stream.window.follows_path()) return stream.window.room() == 0 ? 0 : std::max(stream.window.room(), kLargeRead);
    const std::size_t room = stream.window.room(turns_.holds(stream.id) ? far_ahead() : kLightOctets);
    return room == 0 ? 0 : std::max(room, kSmallRead);
  }
  const std::size_t waiting = forwarder_.pending(stream.out);
  return waiting >= limits::kOutputHighWater ? 0 : limits::kOutputHighWater - waiting;
}

/// How far ahead of a real receiver's reports a stream may be in its turn: newer real routers end the connection on which more than
/// 4 MiB wait for them, over all streams (data-plane 4.5).
std::uint64_t Streams::far_ahead() const {
  return std::max(limits::kRealPeerBudget / std::max<std::uint64_t>(turns_.held(), 1), limits::kStreamWindowLeast);
}

/// Asks for the stream's turn when it needs one to go on, and ends it when it needs it no more.
void Streams::take_turn(Stream& stream) {
  const bool counts = !stream.window.follows_path() && !stream.window_off && !stream.out_done;
  if (!counts || stream.window.unreported() < kLightOctets) return end_turn(stream);
  if (stream.window.room(far_ahead()) == 0) return;
  stream.in_turn = true;
  turns_.ask(stream.id, core_.now);
}

void Streams::end_turn(Stream& stream) {
  if (!std::exchange(stream.in_turn, false)) return;
  if (const auto next = turns_.leave(stream.id, core_.now)) window_moved(*next);
}

bool Streams::write(StreamId id, Slice octets) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->fin_sent || stream->failing) return false;
  if (!stream->open && !stream->listener_side) return false;
  stream->window.count_sent(octets.size(), core_.now);
  if (!stream->open) {
    stream->blocked = room(*stream) == 0;
    if (stream->ahead && stream->out) forwarder_.append(stream->out, std::move(octets));
    else stream->early.push(std::move(octets));
    return true;
  }
  take_turn(*stream);
  stream->blocked = room(*stream) == 0;
  forwarder_.append(stream->out, std::move(octets));
  return true;
}

bool Streams::finish(StreamId id) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->failing) return false;
  if (stream->listener_side && stream->one_request && stream->out) return end_request(*stream);
  if (stream->fin_sent || (!stream->open && !stream->listener_side)) return false;
  if (stream->listener_side) stream->one_request = false;  // it ends before it has begun
  stream->fin_sent = true;
  if (stream->open) forwarder_.finish(stream->out);
  stream = find(id);
  if (stream != nullptr && !stream->listener_side && stream->one_request && at_end(*stream)) core_.events.push_back(StreamReadable{id});
  return true;
}

/// When the answer has ended the provider knows.
bool Streams::end_request(Stream& stream) {
  if (stream.in_complete || std::exchange(stream.out_done, true)) return true;
  const StreamId id = stream.id;
  forwarder_.end_request(stream.out);
  erase_if_done(id);
  return true;
}

void Streams::request_ended(StreamId id) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  stream->one_request = false;
  if (may_read(*stream) && at_end(*stream)) core_.events.push_back(StreamReadable{id});
}

bool Streams::reset(StreamId id) {
  Stream* stream = find(id);
  if (stream == nullptr) return false;
  const DeliveryNo in = stream->in_done ? DeliveryNo{} : stream->in;
  const DeliveryNo out = stream->out_done ? DeliveryNo{} : stream->out;
  erase(*stream);
  if (out) forwarder_.abort(out);  // data-plane 3.4: between our own ends "aborted" is RST
  if (in) forwarder_.report(in, kFailed, true);
  return true;
}

SliceQueue* Streams::readable(StreamId id) {
  Stream* stream = find(id);
  return stream == nullptr || !may_read(*stream) ? nullptr : &stream->readable;
}

void Streams::octets_taken(StreamId id, std::size_t count) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  stream->taken += count;
  if (!stream->in_complete && !stream->in_done && stream->in) {
    // data-plane 4.2: every 64 to 256 kB
    if (stream->taken - stream->last_report >= limits::kStreamReportOctets) {
      report(*stream);
      stream = find(id);
    }
  }
  if (stream != nullptr && stream->failing && stream->readable.empty()) tell_failure(*stream, *stream->failing);
}

bool Streams::finished(StreamId id) const {
  const Stream* stream = find(id);
  return stream != nullptr && may_read(*stream) && at_end(*stream) && stream->readable.empty();
}

void Streams::fin_passed_on(StreamId id) {
  Stream* stream = find(id);
  if (stream == nullptr || !at_end(*stream) || stream->in_done) return;
  stream->fin_passed_on = true;
  accept_in(*stream);
}

/// A provider's end accepts with the end of its answer only: whoever has had his accepted can't be told any more that the
/// answer will never come, e.g. because nobody on the way knows his address (data-plane 2.3, last but one row).
void Streams::accept_in(Stream& stream) {
  if (!stream.fin_passed_on || stream.in_done || (!stream.listener_side && !stream.out_done)) return;
  const StreamId id = stream.id;
  stream.in_done = true;
  forwarder_.report(stream.in, amqp::Accepted{}, true);
  erase_if_done(id);
}

void Streams::payload(StreamId id, Slice octets, bool last) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  if (last) stream->in_complete = true;
  if (!stream->head_read) {
    stream->head.push(std::move(octets));
    read_head(*stream);
    return;
  }
  const bool was_empty = stream->readable.empty();
  stream->readable.push(std::move(octets));
  if (stream->readable.bytes() > (stream->in_wide ? limits::kWideStreamPendingBytes : limits::kStreamPendingBytes)) {  // far beyond the window: the sender ignores it
    fail(*stream, StreamFailure::reset);
    return;
  }
  if ((was_empty || last) && may_read(*stream)) core_.events.push_back(StreamReadable{id});
}

void Streams::complete(StreamId id) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  stream->in_complete = true;
  if (!stream->head_read) {
    read_head(*stream);
    return;
  }
  if (may_read(*stream) && at_end(*stream)) core_.events.push_back(StreamReadable{id});
}

void Streams::read_head(Stream& stream) {
  const StreamId id = stream.id;
  const bool one_slice = stream.head.slices().size() == 1;
  const Bytes copy = one_slice ? Bytes{} : stream.head.peek(limits::kMessageHeaderBytes);
  const ByteView prefix = one_slice ? stream.head.slices().front().view() : ByteView{copy};
  const auto head = amqp::read_stream_head(prefix, stream.in_complete);
  if (!head) return refuse_head(stream, amqp::Rejected{head.error()});
  if (!head->has_value()) {
    if (stream.in_complete || stream.head.bytes() >= limits::kMessageHeaderBytes) {
      refuse_head(stream, amqp::Rejected{amqp::Error{std::string{amqp::condition::decode_error}, "stream header is not whole", {}}});
    }
    return;
  }
  const amqp::StreamHead& read = **head;
  // data-plane 2.3: another content type may be for another consumer; the L-side has no other use for it
  if (read.properties.content_type != names::content_octets) {
    if (stream.listener_side) {
      return refuse_head(stream, amqp::Rejected{amqp::Error{std::string{amqp::condition::not_implemented}, "not a TCP stream", {}}});
    }
    return refuse_head(stream, amqp::Released{});
  }
  stream.head_read = true;
  stream.client = client_in(read.application_properties);
  if (!stream.listener_side) stream.reply_to = read.properties.reply_to.value_or("");
  stream.head.consume(read.bytes);
  stream.readable.append(std::move(stream.head));
  if (stream.listener_side) return opened(stream);
  if (stream.reply_to.empty()) return refuse_head(stream, kFailed);
  stream.requested = true;
  core_.events.push_back(StreamRequested{id, stream.consumer});
}

void Streams::refuse_head(Stream& stream, amqp::DeliveryState state) {
  const DeliveryNo in = stream.in;
  if (stream.listener_side) {
    const DeliveryNo out = stream.out;
    tell_failure(stream, StreamFailure::reset);
    if (out) forwarder_.abort(out);
  } else {
    erase(stream);
  }
  forwarder_.report(in, std::move(state), true);
}

void Streams::broken(StreamId id, Break how) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  stream->in_done = true;
  fail(*stream, how == Break::aborted ? StreamFailure::reset : StreamFailure::lost);
}

void Streams::updated(StreamId id, const std::optional<amqp::DeliveryState>& state, bool settled) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  if (state && std::holds_alternative<amqp::Received>(*state)) {
    const auto& received = std::get<amqp::Received>(*state);
    stream->taken_up = true;
    stream->window.report(received.section_offset, received.section_number, core_.now);
    turns_.reported(id, core_.now);
    take_turn(*stream);
    window_moved(id);
    if (!settled) return;
  }
  const bool good = !state || std::holds_alternative<amqp::Accepted>(*state) || !amqp::is_terminal(*state);
  if (good) {
    if (settled && stream->fin_sent) {
      stream->out_done = true;
      end_turn(*stream);
      accept_in(*stream);
      erase_if_done(id);
    } else if (!stream->fin_sent && (settled || state)) {
      stream->window_off = true;
      take_turn(*stream);
      window_moved(id);
    }
    return;
  }
  stream->out_done = settled;
  const bool released = std::holds_alternative<amqp::Released>(*state);
  // Real routers say *modified* of a target that refuses (data-plane 2.6), ours only of what a target may have had.
  const bool untouched = stream->listener_side && !stream->open && !stream->taken_up && (released || !stream->ahead);
  StreamFailure why = released ? StreamFailure::lost : StreamFailure::reset;
  if (untouched) why = released && !addresses_.reachable_here(*stream->key) ? StreamFailure::no_provider : StreamFailure::refused;
  if (stream->in_complete && stream->open && !stream->readable.empty()) {
    // The answer has come whole: let the client have it before it hears of the end.
    if (!stream->failing) {
      stream->failing = why;
      const DeliveryNo out = stream->out_done ? DeliveryNo{} : stream->out;
      stream->out_done = true;
      if (out) forwarder_.abort(out);
    }
    return;
  }
  fail(*stream, why);
}

void Streams::window_moved(StreamId id) {
  Stream* stream = find(id);
  if (stream == nullptr || !stream->blocked || room(*stream) == 0) return;
  stream->blocked = false;
  core_.events.push_back(StreamWritable{id});
}

void Streams::fail(Stream& stream, StreamFailure why) {
  const DeliveryNo in = stream.in_done ? DeliveryNo{} : stream.in;
  const DeliveryNo out = stream.out_done ? DeliveryNo{} : stream.out;
  tell_failure(stream, why);
  if (out) forwarder_.abort(out);
  if (in) forwarder_.report(in, kFailed, true);
}

void Streams::tell_failure(Stream& stream, StreamFailure why) {
  ++core_.counters.streams_failed;
  // A stream that its owner has not heard of yet needs no failure event.
  if (stream.listener_side || stream.requested) core_.events.push_back(StreamFailed{stream.id, why});
  const DeliveryNo in = stream.in_done || !stream.failing ? DeliveryNo{} : stream.in;
  erase(stream);
  if (in) forwarder_.report(in, kFailed, true);
}

void Streams::erase_if_done(StreamId id) {
  Stream* stream = find(id);
  if (stream != nullptr && stream->in_done && stream->out_done) erase(*stream);
}

void Streams::erase(Stream& stream) {
  if (stream.listener_side) by_reply_.erase(stream.reply_local);
  if (stream.in_wide) --wide_;
  end_turn(stream);
  streams_.erase(stream.id);
}

}  // namespace van::router
