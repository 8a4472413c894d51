#include "core/tls/record_layer.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/assert.h"
#include "core/tls/alert.h"

namespace van::tls {
namespace {

constexpr std::size_t kHeaderBytes = 5;
constexpr std::size_t kExplicitBytes = 8;  // of AES-GCM's nonce, RFC 5288 §3
constexpr std::size_t kFixedIvBytes = 4;
constexpr std::size_t kLargestRecord = kHeaderBytes + kExplicitBytes + RecordLayer::kPlaintextMax + kAeadTagBytes;
constexpr std::size_t kRecordsPerBlock = 8;  // one block is one gathered write: large enough to be few, small enough for a cache
constexpr std::size_t kCopiedBytes = 512;    // shorter slices are brought together before they are sealed

// RFC 5246 §6.2.1
constexpr std::uint8_t kChangeCipherSpec = 20, kAlert = 21, kHandshake = 22, kData = 23;
constexpr std::uint8_t kWarning = 1, kFatal = 2;
// What a peer may do without purpose before it is told to stop (tls-records B4).
constexpr unsigned kEmptyRecords = 16, kWarnings = 4;

void put_u64(std::uint8_t* to, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) to[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
}

void put_header(std::uint8_t* to, std::uint8_t type, std::size_t length) {
  to[0] = type;
  to[1] = to[2] = 3;
  to[3] = static_cast<std::uint8_t>(length >> 8);
  to[4] = static_cast<std::uint8_t>(length);
}

/// RFC 5246 §6.2.3.3.
std::array<std::uint8_t, 13> additional_data(std::uint64_t sequence, std::uint8_t type, std::size_t plaintext) {
  std::array<std::uint8_t, 13> data{};
  put_u64(data.data(), sequence);
  put_header(data.data() + 8, type, plaintext);
  return data;
}

}  // namespace

std::size_t TrafficKeys::block_bytes(Aead::Kind kind) {
  return 2 * (Aead::key_bytes(kind) + (kind == Aead::Kind::chacha20_poly1305 ? kAeadIvBytes : kFixedIvBytes));
}

TrafficKeys TrafficKeys::from_block(Aead::Kind kind, ByteView block) {
  VAN_ASSERT(block.size() >= block_bytes(kind));
  TrafficKeys keys;
  keys.kind = kind;
  const std::size_t iv_bytes = block_bytes(kind) / 2 - Aead::key_bytes(kind);
  const auto take = [&block](std::uint8_t* to, std::size_t count) {
    std::copy_n(block.data(), count, to);
    block = block.subspan(count);
  };
  take(keys.client.key.data(), Aead::key_bytes(kind));
  take(keys.server.key.data(), Aead::key_bytes(kind));
  take(keys.client.iv.data(), iv_bytes);
  take(keys.server.iv.data(), iv_bytes);
  return keys;
}

std::optional<Aead::Kind> TrafficKeys::kind_of(std::string_view suite) {
  if (suite.find("AES-128-GCM") != std::string_view::npos) return Aead::Kind::aes_128_gcm;
  if (suite.find("AES-256-GCM") != std::string_view::npos) return Aead::Kind::aes_256_gcm;
  if (suite.find("CHACHA20-POLY1305") != std::string_view::npos) return Aead::Kind::chacha20_poly1305;
  return std::nullopt;
}

TrafficKeys::~TrafficKeys() {
  OPENSSL_cleanse(&client, sizeof client);
  OPENSSL_cleanse(&server, sizeof server);
}

std::unique_ptr<RecordLayer> RecordLayer::create(const TrafficKeys& keys, bool server, std::size_t plaintext_max) {
  const TrafficKeys::Side& own = server ? keys.server : keys.client;
  const TrafficKeys::Side& peer = server ? keys.client : keys.server;
  const std::size_t key_bytes = Aead::key_bytes(keys.kind);
  auto seal = Aead::create(keys.kind, Aead::Direction::seal, ByteView{own.key}.first(key_bytes));
  auto open = Aead::create(keys.kind, Aead::Direction::open, ByteView{peer.key}.first(key_bytes));
  if (!seal || !open) return nullptr;
  const bool explicit_nonce = keys.kind != Aead::Kind::chacha20_poly1305;
  return std::unique_ptr<RecordLayer>{new RecordLayer{Direction{std::move(*seal), own.iv}, Direction{std::move(*open), peer.iv}, explicit_nonce,
                                                      std::clamp<std::size_t>(plaintext_max, 1, kPlaintextMax)}};
}

RecordLayer::RecordLayer(Direction sealing, Direction opening, bool explicit_nonce, std::size_t plaintext_max)
    : sealing_{std::move(sealing)},
      opening_{std::move(opening)},
      explicit_bytes_{explicit_nonce ? kExplicitBytes : 0},
      plaintext_max_{plaintext_max},
      blocks_{kRecordsPerBlock * kLargestRecord},
      joined_{kPlaintextMax} {}

/// RFC 5288 §3, or RFC 7905 §2 where the record carries no part of it.
std::array<std::uint8_t, kAeadIvBytes> RecordLayer::nonce(const Direction& direction, const std::uint8_t* explicit_part) const {
  std::array<std::uint8_t, kAeadIvBytes> nonce = direction.iv;
  if (explicit_bytes_ > 0) {
    std::copy_n(explicit_part, kExplicitBytes, nonce.begin() + kFixedIvBytes);
    return nonce;
  }
  std::array<std::uint8_t, 8> sequence{};
  put_u64(sequence.data(), direction.sequence);
  for (std::size_t i = 0; i < sequence.size(); ++i) nonce[kFixedIvBytes + i] ^= sequence[i];
  return nonce;
}

// ---- Sealing ----

bool RecordLayer::seal(SliceQueue& plaintext, SliceQueue& out, std::size_t limit) {
  while (!plaintext.empty() && out.bytes() < limit) {
    const std::size_t count = std::min(plaintext.bytes(), plaintext_max_);
    const std::size_t record_bytes = kHeaderBytes + count + overhead();
    if (!seal_record(kData, plaintext, count, blocks_.space(record_bytes).data())) return false;
    out.push(blocks_.commit(record_bytes));
  }
  return true;
}

/// Consumes `count` bytes of plaintext; `record` has room for them and their overhead.
bool RecordLayer::seal_record(std::uint8_t type, SliceQueue& plaintext, std::size_t count, std::uint8_t* record) {
  if (over_ || sealing_.sequence >= kRecordsMax) return false;
  put_header(record, type, count + overhead());
  put_u64(record + kHeaderBytes, sealing_.sequence);  // ChaCha20-Poly1305 has no such field: overwritten by the text
  const auto iv = nonce(sealing_, record + kHeaderBytes);
  const auto aad = additional_data(sealing_.sequence, type, count);
  std::uint8_t* to = record + kHeaderBytes + explicit_bytes_;
  bool good = sealing_.aead.begin(iv, aad);
  ++sealing_.sequence;
  std::size_t copied = 0;  // bytes right behind `to` that are there, but not sealed yet
  const auto seal_copied = [&] {
    good = good && sealing_.aead.update({to, copied}, to);
    to += std::exchange(copied, 0);
  };
  while (count > 0) {
    const Slice& front = plaintext.slices().front();
    const std::size_t part = std::min(front.size(), count);
    if (part < kCopiedBytes) {
      std::memcpy(to + copied, front.data(), part);
      copied += part;
    } else {
      seal_copied();
      good = good && sealing_.aead.update(front.view().first(part), to);
      to += part;
    }
    plaintext.consume(part);
    count -= part;
  }
  seal_copied();
  return good && sealing_.aead.end(std::span<std::uint8_t, kAeadTagBytes>{to, kAeadTagBytes});
}

void RecordLayer::send_alert(std::uint8_t level, std::uint8_t description, SliceQueue& out) {
  SliceQueue alert;
  const std::array<std::uint8_t, 2> octets{level, description};
  alert.push_copy(octets);
  const std::size_t record_bytes = kHeaderBytes + octets.size() + overhead();
  if (seal_record(kAlert, alert, octets.size(), blocks_.space(record_bytes).data())) out.push(blocks_.commit(record_bytes));
}

void RecordLayer::close_notify(SliceQueue& out) {
  if (std::exchange(close_sent_, true)) return;
  send_alert(kWarning, kAlertCloseNotify, out);
}

RecordLayer::Failed RecordLayer::fail(std::uint8_t alert, SliceQueue& out) {
  if (!close_sent_) send_alert(kFatal, alert, out);
  over_ = true;
  return {.alert = alert, .by_peer = false};
}

// ---- Opening ----

RecordLayer::Opened RecordLayer::open(SliceQueue& in, SliceQueue& out) {
  while (!over_ && in.bytes() >= kHeaderBytes) {
    std::array<std::uint8_t, kHeaderBytes> octets{};
    in.copy_front(octets);
    const Header header{octets[0], static_cast<std::size_t>(octets[3] << 8 | octets[4])};
    // Judged before its body has come: nobody makes us wait for what we would refuse.
    if (const auto alert = judge(header, {octets.data() + 1, 2})) return fail(*alert, out);
    if (in.bytes() < kHeaderBytes + header.length) return Incomplete{};
    auto body = open_body(header, in);
    if (!body) return fail(kAlertBadRecordMac, out);
    if (header.type == kData && !body->empty()) {
      empty_records_ = 0;
      return std::move(*body);
    }
    if (header.type == kAlert) {
      if (auto ended = on_alert(body->view(), out)) return std::move(*ended);
    } else if (header.type == kData) {
      if (++empty_records_ > kEmptyRecords) return fail(kAlertUnexpectedMessage, out);
    } else if (header.type == kHandshake && !std::exchange(renegotiation_refused_, true)) {
      send_alert(kWarning, kAlertNoRenegotiation, out);
    } else {
      return fail(kAlertUnexpectedMessage, out);
    }
  }
  return Incomplete{};
}

/// The alert that a header deserves (tls-records B4).
std::optional<std::uint8_t> RecordLayer::judge(const Header& header, ByteView version) const {
  if (version[0] != 3 || version[1] != 3) return kAlertProtocolVersion;
  if (header.type < kChangeCipherSpec || header.type > kData) return kAlertUnexpectedMessage;
  if (header.length > kPlaintextMax + overhead()) return kAlertRecordOverflow;
  if (header.length < overhead()) return kAlertBadRecordMac;
  return std::nullopt;
}

/// Takes a whole record off `in`. In place where it lies in one slice, otherwise into a block of its own. Nullopt: not authentic.
std::optional<Slice> RecordLayer::open_body(const Header& header, SliceQueue& in) {
  const std::size_t count = header.length - overhead();
  const auto aad = additional_data(opening_.sequence, header.type, count);
  std::array<std::uint8_t, kExplicitBytes> explicit_part{};
  std::array<std::uint8_t, kAeadTagBytes> tag{};
  Slice text;
  std::uint8_t* to = nullptr;
  in.consume(kHeaderBytes);
  in.copy_front(std::span{explicit_part}.first(explicit_bytes_));
  in.consume(explicit_bytes_);
  bool good = opening_.aead.begin(nonce(opening_, explicit_part.data()), aad);
  ++opening_.sequence;
  if (count > 0 && in.slices().front().size() >= count) {
    text = in.pop(count);
    to = text.overwrite();
    good = good && opening_.aead.update(text.view(), to);
  } else if (count > 0) {
    to = joined_.space(count).data();
    std::size_t done = 0;
    while (done < count) {
      const Slice part = in.pop(count - done);
      good = good && opening_.aead.update(part.view(), to + done);
      done += part.size();
    }
    text = joined_.commit(count);
  }
  in.copy_front(tag);
  in.consume(kAeadTagBytes);
  good = good && opening_.aead.end_if(tag);
  if (good) return text;
  if (to != nullptr) OPENSSL_cleanse(to, count);
  return std::nullopt;
}

/// What ends the connection; nullopt: it goes on.
std::optional<RecordLayer::Opened> RecordLayer::on_alert(ByteView alert, SliceQueue& out) {
  if (alert.size() != 2) return fail(kAlertDecodeError, out);
  const std::uint8_t level = alert[0], description = alert[1];
  if (description == kAlertCloseNotify && level == kWarning) return Closed{};
  if (level == kFatal || description == kAlertNoRenegotiation) {
    over_ = true;
    return Failed{.alert = description, .by_peer = true};
  }
  if (level != kWarning) return fail(kAlertDecodeError, out);
  if (++warnings_ > kWarnings) return fail(kAlertUnexpectedMessage, out);
  return std::nullopt;
}

}  // namespace van::tls
