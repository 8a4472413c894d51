#include "core/tls/session.h"

#include <mbedtls/ssl.h>

#include <algorithm>
#include <cstring>

#include "core/base/assert.h"
#include "core/tls/alert.h"
#include "core/tls/certificate_info.h"
#include "core/tls/context_state.h"
#include "core/tls/key_export.h"
#include "core/tls/record_layer.h"
#include "core/tls/verification.h"

namespace van::tls {
namespace {

constexpr std::size_t kRecordBytes = RecordLayer::kPlaintextMax;
constexpr std::size_t kBlockBytes = 65536;     // of the library's output, and of plaintext read from it
constexpr std::uint8_t kAlertRecord = 21;      // content types, RFC 8446 §5.1
constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint64_t kRecordsSoft = 1u << 24;       // tls-records B5
constexpr std::uint32_t kNoFindings = 0xffff'ffff;     // the library's "was never verified"

#if MBEDTLS_VERSION_MAJOR >= 3
constexpr int kBadVersion = MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION;
#else
constexpr int kBadVersion = MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION;
#endif

std::string_view without_final_dot(std::string_view host) {
  if (host.size() > 1 && host.back() == '.') host.remove_suffix(1);
  return host;
}

}  // namespace

struct Session::State {
  enum class Stage { handshake, open, failed };

  State(const Context::State& context, std::string_view peer_host);

  Expected<std::optional<Slice>, Error> read();
  Expected<void, Error> write(SliceQueue& plaintext, std::size_t output_limit);
  void close_notify();

  void shake_hands();
  void take_over(std::string_view suite);
  Expected<std::optional<Slice>, Error> read_record();
  void read_records(std::span<std::uint8_t> space, std::size_t& filled);
  ByteView next_record(const SliceQueue& plaintext);
  void fail(Error reason);
  void fail(int code);
  Error explain(int code);
  [[nodiscard]] Error explain_end() const;
  [[nodiscard]] Error refusal(std::uint8_t alert) const;
  [[nodiscard]] Error broken_record(std::uint8_t alert) const;
  [[nodiscard]] std::uint32_t findings() const;
  [[nodiscard]] std::string peer_text() const { return std::string{"the "} + (server ? "client" : "server"); }

  // The library's callbacks, with this State as their context.
  static int send(void* self, const unsigned char* bytes, std::size_t count);
  static int take(void* self, unsigned char* out, std::size_t count);
  static int verify(void* self, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags);

  const bool server;
  const bool verify_host;
  LastSession* last_session;  // null: none is kept
  const std::string host;
  Stage stage = Stage::handshake;
  std::optional<Error> error;  // set when stage is failed
  bool input_ended = false;
  bool peer_closed = false;
  bool close_sent = false;
  bool alert_sent = false;
  std::optional<std::uint8_t> first_byte;  // of all input: what a peer speaks that does not speak TLS
  std::uint64_t records_sent = 0;      // by the library
  std::uint64_t records_received = 0;  // from it
  Peer peer;
  Verification verification;

  SliceQueue input;
  SliceQueue output;
  BlockWriter sealed{kBlockBytes};
  BlockWriter opened{kBlockBytes};
  Bytes gathered;  // small slices on their way into one record
  std::unique_ptr<KeyExport> keys;  // of the handshake
  std::optional<Owned<mbedtls_ssl_context, mbedtls_ssl_init, mbedtls_ssl_free>> ssl;  // until `records` take over
  std::unique_ptr<RecordLayer> records;
};

Session::State::State(const Context::State& context, std::string_view peer_host)
    : server{context.server},
      verify_host{context.verify_host},
      last_session{context.last_session.get()},
      host{peer_host},
      verification{context.server ? "client" : "server", peer_host},
      keys{std::make_unique<KeyExport>()} {
  ssl.emplace();
  const int set_up = mbedtls_ssl_setup(ssl->get(), context.config.get());
  VAN_ASSERT(set_up == 0);  // fails only when there is no memory
  mbedtls_ssl_set_bio(ssl->get(), this, send, take, nullptr);
  mbedtls_ssl_set_verify(ssl->get(), verify, this);
  keys->watch(*ssl->get());
  if (!server) {
    if (mbedtls_ssl_set_hostname(ssl->get(), host.c_str()) == 0) {
      if (last_session != nullptr) last_session->offer(*ssl->get(), host);
      shake_hands();
    } else {
      fail(Error{Error::Code::wrong_host, "the host name is too long"});
    }
  }
}

int Session::State::send(void* self, const unsigned char* bytes, std::size_t count) {
  auto& state = *static_cast<State*>(self);
  if (count > 0 && bytes[0] == kAlertRecord) state.alert_sent = true;
  for (std::size_t done = 0; done < count;) {  // a record may go over the end of a block
    const auto space = state.sealed.space(1);
    const std::size_t part = std::min(space.size(), count - done);
    std::memcpy(space.data(), bytes + done, part);
    state.output.push(state.sealed.commit(part));
    done += part;
  }
  return static_cast<int>(count);
}

int Session::State::take(void* self, unsigned char* out, std::size_t count) {
  auto& state = *static_cast<State*>(self);
  if (state.input.empty()) return state.input_ended ? 0 : MBEDTLS_ERR_SSL_WANT_READ;
  std::size_t done = 0;
  while (done < count && !state.input.empty()) {
    const Slice& front = state.input.slices().front();
    const std::size_t part = std::min(front.size(), count - done);
    std::memcpy(out + done, front.data(), part);
    done += part;
    state.input.consume(part);
  }
  return static_cast<int>(done);
}

int Session::State::verify(void* self, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags) {
  auto& state = *static_cast<State*>(self);
  if (!state.verify_host) *flags &= ~std::uint32_t{MBEDTLS_X509_BADCERT_CN_MISMATCH};
  state.verification.judge(*certificate, depth, *flags);
  return 0;
}

void Session::State::shake_hands() {
  const int result = keys->handshake(*ssl->get());
  if (result == MBEDTLS_ERR_SSL_WANT_READ) return;
  if (result != 0) return fail(result);
  stage = Stage::open;
  const mbedtls_x509_crt* certificate = mbedtls_ssl_get_peer_cert(ssl->get());
  if (certificate != nullptr) peer.certificate = describe(*certificate);
  peer.version = mbedtls_ssl_get_version(ssl->get());
  if (peer.version.starts_with("TLSv")) peer.version.replace(0, 4, "TLS ");
  peer.cipher = mbedtls_ssl_get_ciphersuite(ssl->get());
  if (const char* protocol = mbedtls_ssl_get_alpn_protocol(ssl->get())) peer.alpn = protocol;
  peer.resumed = certificate != nullptr && !verification.asked();
  if (last_session != nullptr) last_session->keep(*ssl->get(), host);
  take_over(peer.cipher);
}

/// From here on the records are ours, and the library's 40 kB are given back (tls-records B2). What it does not let us have, it
/// goes on doing itself.
void Session::State::take_over(std::string_view suite) {
  const std::unique_ptr<KeyExport> exported = std::move(keys);
  const bool at_rest = mbedtls_ssl_check_pending(ssl->get()) == 0 && mbedtls_ssl_get_bytes_avail(ssl->get()) == 0;
  const auto kind = TrafficKeys::kind_of(suite);
  if (peer.version != "TLS 1.2" || !kind || !at_rest || findings() != 0) return;
  const auto traffic_keys = exported->traffic_keys(*kind);
  if (!traffic_keys) return;
  const auto plaintext_max = static_cast<std::size_t>(std::max(mbedtls_ssl_get_max_out_record_payload(ssl->get()), 1));
  records = RecordLayer::create(*traffic_keys, server, plaintext_max);
  if (records == nullptr) return;
  ssl.reset();
  gathered = {};
  sealed.release();
  opened.release();
}

/// Reads until the space is full, the input is used up, or the stream ends, well or badly.
void Session::State::read_records(std::span<std::uint8_t> space, std::size_t& filled) {
  while (filled < space.size()) {
    const int result = mbedtls_ssl_read(ssl->get(), space.data() + filled, space.size() - filled);
    if (result > 0) {
      filled += static_cast<std::size_t>(result);
      if (mbedtls_ssl_get_bytes_avail(ssl->get()) == 0) ++records_received;
      continue;
    }
    if (result == MBEDTLS_ERR_SSL_WANT_READ) return;
#if MBEDTLS_VERSION_MAJOR >= 3
    if (result == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) continue;
#endif
    if (result == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
      peer_closed = true;
    } else {
      fail(result);
    }
    return;
  }
}

Expected<std::optional<Slice>, Error> Session::State::read_record() {
  auto opened_record = records->open(input, output);
  if (auto* data = std::get_if<Slice>(&opened_record)) return std::optional{std::move(*data)};
  if (const auto* failed = std::get_if<RecordLayer::Failed>(&opened_record)) {
    fail(failed->by_peer ? refusal(failed->alert) : broken_record(failed->alert));
  } else if (std::holds_alternative<RecordLayer::Closed>(opened_record)) {
    peer_closed = true;
  } else if (input_ended) {
    fail(explain_end());
  }
  if (stage == Stage::failed) return Unexpected{*error};
  return std::optional<Slice>{};
}

Expected<std::optional<Slice>, Error> Session::State::read() {
  if (stage == Stage::handshake) shake_hands();
  if (stage == Stage::failed) return Unexpected{*error};
  if (stage == Stage::handshake || peer_closed) return std::optional<Slice>{};
  if (records != nullptr) return read_record();
  if (input.empty() && !input_ended && mbedtls_ssl_check_pending(ssl->get()) == 0) return std::optional<Slice>{};
  const auto space = opened.space(kRecordBytes);
  std::size_t filled = 0;
  read_records(space, filled);
  if (filled > 0) return std::optional{opened.commit(filled)};  // an error behind it is for the next call
  if (stage == Stage::failed) return Unexpected{*error};
  return std::optional<Slice>{};
}

/// What the next record is to hold: the front slice itself when it fills the record or is alone, else a copy of as
/// many slices as fit.
ByteView Session::State::next_record(const SliceQueue& plaintext) {
  const auto limit = static_cast<std::size_t>(std::max(mbedtls_ssl_get_max_out_record_payload(ssl->get()), 1));
  const auto& slices = plaintext.slices();
  if (slices.size() == 1 || slices.front().size() >= limit) {
    return slices.front().view().first(std::min(limit, slices.front().size()));
  }
  gathered.clear();
  for (const Slice& slice : slices) {
    if (gathered.size() == limit) break;
    append(gathered, slice.view().first(std::min(slice.size(), limit - gathered.size())));
  }
  return gathered;
}

Expected<void, Error> Session::State::write(SliceQueue& plaintext, std::size_t output_limit) {
  if (stage == Stage::failed) return Unexpected{*error};
  VAN_ASSERT(!close_sent);
  if (records != nullptr) {
    if (records->seal(plaintext, output, output_limit)) return {};
    fail(Error{Error::Code::internal, "the connection has sealed as many records as one key may"});
    return Unexpected{*error};
  }
  while (stage == Stage::open && !plaintext.empty() && output.bytes() < output_limit) {
    if (records_sent >= RecordLayer::kRecordsMax) {
      fail(Error{Error::Code::internal, "the connection has sealed as many records as one key may"});
      return Unexpected{*error};
    }
    const ByteView record = next_record(plaintext);
    const int result = mbedtls_ssl_write(ssl->get(), record.data(), record.size());
    if (result < 0) {
      fail(result);
      return Unexpected{*error};
    }
    plaintext.consume(static_cast<std::size_t>(result));
    ++records_sent;
  }
  return {};
}

void Session::State::close_notify() {
  if (stage != Stage::open || close_sent) return;
  close_sent = true;
  if (records != nullptr) return records->close_notify(output);
  const int result = mbedtls_ssl_close_notify(ssl->get());
  if (result != 0) fail(result);
}

void Session::State::fail(Error reason) {
  if (stage == Stage::failed) return;
  stage = Stage::failed;
  error = std::move(reason);
  input.clear();
}

void Session::State::fail(int code) {
  Error reason = explain(code);
  // mbedTLS 2.28 says nothing to a client without certificate, and the client would see only the end.
  if (reason.code == Error::Code::no_client_certificate && !alert_sent) {
    mbedtls_ssl_send_alert_message(ssl->get(), MBEDTLS_SSL_ALERT_LEVEL_FATAL, kAlertHandshakeFailure);
  }
  fail(std::move(reason));
}

std::uint32_t Session::State::findings() const {
  const std::uint32_t flags = mbedtls_ssl_get_verify_result(ssl->get());
  return flags == kNoFindings ? 0 : flags;
}

Error Session::State::explain_end() const {
  const std::string when = stage == Stage::handshake ? " during the handshake" : " without notice: data may be missing";
  return Error{Error::Code::closed, peer_text() + " closed the connection" + when};
}

Error Session::State::refusal(std::uint8_t alert) const {
  return Error{Error::Code::refused_by_peer, peer_text() + " refused us: " + describe_alert(alert)};
}

Error Session::State::broken_record(std::uint8_t alert) const {
  if (alert == kAlertBadRecordMac) return Error{Error::Code::protocol, "a record from " + peer_text() + " was changed on its way"};
  return Error{Error::Code::protocol, "TLS with " + peer_text() + ": a record that may not be there (we said alert " + std::to_string(alert) + ")"};
}

Error Session::State::explain(int code) {
  if (code == 0 || code == MBEDTLS_ERR_SSL_CONN_EOF) return explain_end();
  if (code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) return explain_end();  // in the handshake: nobody is there
  if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
    return refusal((*ssl)->MBEDTLS_PRIVATE(in_msg)[1]);
  }
  if (code == MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE) return *verification.verdict(MBEDTLS_X509_BADCERT_MISSING);
  if (stage == Stage::handshake) {
    if (auto verdict = verification.verdict(findings())) return std::move(*verdict);
  }
  if (code == MBEDTLS_ERR_SSL_ALLOC_FAILED) return Error{Error::Code::internal, library_error(code)};
  if (code == kBadVersion) return Error{Error::Code::protocol, peer_text() + " speaks no version of TLS that we accept (1.2 or newer)"};
  if (stage == Stage::handshake && first_byte && *first_byte != kHandshakeRecord && *first_byte != kAlertRecord) {
    return Error{Error::Code::protocol, peer_text() + " does not seem to speak TLS"};
  }
  if (code == MBEDTLS_ERR_SSL_INVALID_MAC) return broken_record(kAlertBadRecordMac);
  return Error{Error::Code::protocol, "TLS with " + peer_text() + ": " + library_error(code)};
}

Session::Session(const Context& context, std::string_view peer_host) {
  VAN_ASSERT(context.is_server() || !peer_host.empty());
  state_ = std::make_unique<State>(context.state(), without_final_dot(peer_host));
}

Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

void Session::receive(Slice ciphertext) {
  if (state_->stage == State::Stage::failed || state_->peer_closed) return;
  if (!state_->first_byte && !ciphertext.empty()) state_->first_byte = ciphertext.data()[0];
  state_->input.push(std::move(ciphertext));
}

void Session::receive_end() { state_->input_ended = true; }
Expected<std::optional<Slice>, Error> Session::read() { return state_->read(); }
Expected<void, Error> Session::write(SliceQueue& plaintext, std::size_t output_limit) { return state_->write(plaintext, output_limit); }
void Session::close_notify() { state_->close_notify(); }
SliceQueue& Session::output() { return state_->output; }

bool Session::handshake_done() const { return !state_->peer.version.empty(); }
bool Session::peer_closed() const { return state_->peer_closed; }

const Peer& Session::peer() const {
  VAN_ASSERT(handshake_done());
  return state_->peer;
}

bool Session::needs_replacement() const {
  const RecordLayer* records = state_->records.get();
  const std::uint64_t sent = records != nullptr ? records->sealed() : state_->records_sent;
  const std::uint64_t received = records != nullptr ? records->opened() : state_->records_received;
  return std::max(sent, received) >= kRecordsSoft;
}

}  // namespace van::tls
