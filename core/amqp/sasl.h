#pragma once

#include <string>
#include <vector>

#include "core/amqp/connection.h"
#include "core/amqp/frame_decoder.h"
#include "core/amqp/performatives.h"
#include "core/amqp/wire.h"

namespace van::amqp {

/// The SASL layer before the AMQP header, either side: AMQP 1.0 §5.3, control-plane 1.3. EXTERNAL means that the transport
/// has authenticated the peer already; ANONYMOUS that nobody is to.
class Sasl {
 public:
  /// Both must outlive it.
  Sasl(const Connection::Config& config, Wire& wire);

  /// client: writes our header; a client that may use no mechanism begins with AMQP at once.
  void start();
  enum class Step {
    waiting,  ///< for more bytes
    again,    ///< something was taken, ask again
    done,     ///< the peer's AMQP header is next
    skipped,  ///< server: the client began with its AMQP header, which is taken, and may do so
  };
  /// Takes what is due from `input`; not to be called after done, skipped or an error. Errors end the connection without a
  /// close, because AMQP has not begun; what the peer is owed (an outcome, our header: §2.2) is written then.
  Result<Step> advance(FrameDecoder& input);

 private:
  enum class State { header, mechanisms, init, outcome };

  Result<Step> on_header(ProtocolHeader header);
  Result<Step> on_frame(const Frame& frame);
  Result<Step> on_mechanisms(const SaslMechanisms& offered);
  Result<Step> on_init(const SaslInit& init);
  Result<Step> on_outcome(const SaslOutcome& outcome);
  [[nodiscard]] std::vector<std::string> mechanisms() const;
  [[nodiscard]] bool is_client() const { return config_.side == Connection::Side::client; }

  const Connection::Config& config_;
  Wire& wire_;
  State state_ = State::header;
};

}  // namespace van::amqp
