#pragma once

#include <cstddef>
#include <string_view>

#include "core/base/slice.h"
#include "core/http/body_reader.h"
#include "core/http/request_reader.h"
#include "core/http/response_reader.h"
#include "proxy/http_ask.h"
#include "proxy/http_heads.h"

namespace van::proxy {

/// One client's connection to the port for HTTP: its requests one after the other, each with a stream of its own to the service that it
/// is for (RFC 9112 §3.2.2, §9). No I/O: fed with what both sides send, drained of what they get.
///
/// The owner looks at state() after each input. While asking it finds what ask() wants and calls opened(), answer() or refuse(). The
/// service's stream may go, and must not be fed any more, as soon as state() is neither asking nor exchanging.
class HttpConversation {
 public:
  enum class State {
    reading,     ///< a request's head
    asking,      ///< ask() is to be answered
    exchanging,  ///< request and response are under way
    skipping,    ///< answered; the rest of the request's content is of no use
    tunnel,      ///< after the outputs each side is handed the other as it is
    closing,     ///< after the output the client's connection ends
    broken,      ///< the client's connection is to be reset: it must not take what it got for whole
  };
  static constexpr std::size_t kBacklog = 64 * 1024;      ///< octets of one side that wait for the other
  static constexpr std::size_t kSkippedMax = 1024 * 1024;  ///< of a refused request; then the connection ends

  void from_client(Slice octets);
  void client_ended();
  [[nodiscard]] bool wants_client() const { return input_.bytes() < kBacklog && to_service_.bytes() < kBacklog; }
  [[nodiscard]] bool client_has_ended() const { return client_ended_; }
  /// The client has not said what it wants in time.
  void timed_out();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const HttpAsk& ask() const { return ask_; }
  void opened();  ///< the stream to the service; while asking
  void answer(const HttpAnswer& answer);
  void refuse(int status, std::string_view why);  ///< with one line for people

  void from_service(Slice octets);  ///< while exchanging
  void service_ended();
  void service_failed(int status, std::string_view why);
  /// to_service() has room again.
  void service_took() { advance(); }
  /// All of the request was handed on.
  [[nodiscard]] bool request_complete() const { return state_ == State::exchanging && body_.complete(); }

  [[nodiscard]] SliceQueue& to_client() { return to_client_; }
  [[nodiscard]] SliceQueue& to_service() { return to_service_; }
  [[nodiscard]] SliceQueue& from_client_behind() { return input_; }  ///< of a tunnel: what came already

 private:
  void advance();
  bool read_head();
  void begin();
  bool pass_content();
  bool skip_content();
  void refuse_for_good(int status, std::string_view why);
  void read_response_head(Slice& octets);
  void take_response_head();
  void pass_response(Slice octets);
  void finish();
  void next();
  void close(State how);

  State state_ = State::reading;
  HttpAsk ask_;
  http::RequestReader request_;
  http::BodyReader body_;
  http::ResponseReader response_;
  http::BodyReader response_body_;
  ClientSide client_;
  bool is_head_ = false, expects_continue_ = false, upgrade_asked_ = false;
  bool response_begun_ = false;  ///< its head went to the client
  bool client_ended_ = false;
  std::size_t skipped_ = 0;
  SliceQueue input_, to_client_, to_service_;
};

}  // namespace van::proxy
