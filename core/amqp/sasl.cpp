#include "core/amqp/sasl.h"

#include <algorithm>
#include <utility>

namespace van::amqp {
namespace {

constexpr const char* kExternal = "EXTERNAL";
constexpr const char* kAnonymous = "ANONYMOUS";
constexpr const char* kAnonymousTrace = "anonymous";  // RFC 4505: any text

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

Sasl::Sasl(const Connection::Config& config, Wire& wire) : config_{config}, wire_{wire} {}

std::vector<std::string> Sasl::mechanisms() const {
  std::vector<std::string> list;
  if (config_.sasl_external) list.emplace_back(kExternal);
  if (config_.sasl_anonymous) list.emplace_back(kAnonymous);
  return list;
}

void Sasl::start() {
  if (is_client()) wire_.write_header(kSaslHeader);
}

Result<Sasl::Step> Sasl::advance(FrameDecoder& input) {
  if (state_ == State::header) {
    auto header = input.next_header();
    if (!header) {
      if (!is_client()) wire_.write_header(kSaslHeader);  // §2.2: what we speak, then the end
      return Unexpected{header.error()};
    }
    if (!*header) return Step::waiting;
    return on_header(**header);
  }
  auto frame = input.next();
  if (!frame) return Unexpected{frame.error()};
  if (!*frame) return Step::waiting;
  return on_frame(**frame);
}

Result<Sasl::Step> Sasl::on_header(ProtocolHeader header) {
  if (is_client()) {
    if (header != kSaslHeader) return failure(condition::framing_error, "the peer does not speak SASL");
    state_ = State::mechanisms;
    return Step::again;
  }
  const bool may_skip = config_.sasl_optional && config_.sasl_anonymous;
  if (header == kAmqpHeader && may_skip) return Step::skipped;
  wire_.write_header(kSaslHeader);
  if (header == kAmqpHeader) return failure(condition::unauthorized_access, "the client skipped SASL");
  if (header != kSaslHeader) return failure(condition::framing_error, "unknown protocol header");
  wire_.write_sasl(SaslMechanisms{mechanisms()});
  state_ = State::init;
  return Step::again;
}

Result<Sasl::Step> Sasl::on_frame(const Frame& frame) {
  if (frame.type != Frame::kSasl) return failure(condition::framing_error, "a frame that is not of SASL");
  auto decoded = decode_performative(frame.body.view());
  if (!decoded) return Unexpected{decoded.error()};
  const Performative& performative = decoded->performative;
  const auto* mechanisms = std::get_if<SaslMechanisms>(&performative);
  const auto* init = std::get_if<SaslInit>(&performative);
  const auto* outcome = std::get_if<SaslOutcome>(&performative);
  if (mechanisms != nullptr && state_ == State::mechanisms) return on_mechanisms(*mechanisms);
  if (init != nullptr && state_ == State::init) return on_init(*init);
  if (outcome != nullptr && state_ == State::outcome) return on_outcome(*outcome);
  return failure(condition::not_allowed, "SASL frame out of order");
}

Result<Sasl::Step> Sasl::on_mechanisms(const SaslMechanisms& offered) {
  SaslInit init;
  if (!config_.hostname.empty()) init.hostname = config_.hostname;
  if (config_.sasl_external && contains(offered.mechanisms, kExternal)) {
    init.mechanism = kExternal;
    init.initial_response = Binary{};
  } else if (config_.sasl_anonymous && contains(offered.mechanisms, kAnonymous)) {
    init.mechanism = kAnonymous;
    init.initial_response = to_bytes(as_bytes(kAnonymousTrace));
  } else {
    return failure(condition::unauthorized_access, "the peer offers no SASL mechanism that may be used");
  }
  wire_.write_sasl(init);
  state_ = State::outcome;
  return Step::again;
}

Result<Sasl::Step> Sasl::on_init(const SaslInit& init) {
  const bool external = init.mechanism == kExternal;
  // EXTERNAL with a text asks to act as somebody else than the certificate says (RFC 4422): nobody may.
  const bool as_another = external && init.initial_response && !init.initial_response->empty();
  if (!contains(mechanisms(), init.mechanism) || as_another) {
    wire_.write_sasl(SaslOutcome{SaslCode::auth, {}});
    return failure(condition::unauthorized_access, "SASL mechanism was not offered");
  }
  wire_.write_sasl(SaslOutcome{SaslCode::ok, {}});
  return Step::done;
}

Result<Sasl::Step> Sasl::on_outcome(const SaslOutcome& outcome) {
  if (outcome.code == SaslCode::ok) return Step::done;
  return failure(condition::unauthorized_access,
                 "SASL outcome " + std::to_string(static_cast<unsigned>(outcome.code)));
}

}  // namespace van::amqp
