#include "core/http2/session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <unordered_map>
#include <vector>

#include "core/base/assert.h"
#include "core/base/limits.h"
#include "core/http2/token_bucket.h"

namespace van::http2 {
namespace {

constexpr std::size_t kFrameHeader = 9;
constexpr std::size_t kHeaderOverhead = 32;   ///< RFC 9113 §6.5.2
constexpr std::size_t kSmallOctets = 1024;    ///< pieces below it are copied together: each would hold the block that it was read into
constexpr std::uint32_t kStreamNoLast = 0x7fff'ffff - 1;

template <class T, auto free>
struct Freed {
  void operator()(T* what) const noexcept { free(what); }
};
using Callbacks = std::unique_ptr<nghttp2_session_callbacks, Freed<nghttp2_session_callbacks, nghttp2_session_callbacks_del>>;
using Option = std::unique_ptr<nghttp2_option, Freed<nghttp2_option, nghttp2_option_del>>;
using Engine = std::unique_ptr<nghttp2_session, Freed<nghttp2_session, nghttp2_session_del>>;

constexpr std::string_view kWords = "This service is used by HTTP/2, with prior knowledge and without TLS.\n";

/// For clients that begin with anything but a preface: they speak HTTP/1, if anything.
std::string http1_answer() {
  return "HTTP/1.1 505 HTTP Version Not Supported\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(kWords.size()) +
         "\r\nConnection: close\r\n\r\n" + std::string{kWords};
}

/// What nghttp2 reads a header list from; it copies. Borrows from `headers`.
std::vector<nghttp2_nv> borrow(const Headers& headers) {
  std::vector<nghttp2_nv> lines;
  lines.reserve(headers.size());
  const auto bytes = [](const std::string& text) { return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data())); };
  for (const Header& each : headers) {
    lines.push_back({bytes(each.name), bytes(each.value), each.name.size(), each.value.size(),
                     static_cast<std::uint8_t>(each.never_indexed ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE)});
  }
  return lines;
}

std::int32_t number(StreamNo stream) { return static_cast<std::int32_t>(stream.value); }
StreamNo stream_no(std::int32_t number) { return StreamNo{static_cast<std::uint32_t>(number)}; }

}  // namespace

class Session::Impl {
 public:
  struct Stream {
    Headers head;               // being received
    std::size_t head_bytes = 0;
    bool head_too_large = false;
    bool told = false;          // by HeadReceived, or a request of ours
    bool responded = false;     // or requested: data may be sent
    SliceQueue unsent;
    bool finished = false;      // behind `unsent`
    bool end_sent = false;
    Headers trailers;
    bool reset_by_us = false;
    bool want_no_more = false;
  };

  explicit Impl(const Config& config) : server_{config.side == Side::server}, preface_left_{server_ ? std::size_t{NGHTTP2_CLIENT_MAGIC_LEN} : 0} {
    nghttp2_session_callbacks* callbacks = nullptr;
    VAN_ASSERT(nghttp2_session_callbacks_new(&callbacks) == 0);
    const Callbacks free_callbacks{callbacks};
    set(*callbacks);
    nghttp2_option* option = nullptr;
    VAN_ASSERT(nghttp2_option_new(&option) == 0);
    const Option free_option{option};
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_session* engine = nullptr;
    VAN_ASSERT((server_ ? nghttp2_session_server_new2 : nghttp2_session_client_new2)(&engine, callbacks, this, option) == 0);
    engine_.reset(engine);
    announce(config);
  }

  // ---- Input ----

  void receive(const Slice& bytes, TimePoint now) {
    if (fatal_) return;
    now_ = now;
    preface_left_ -= std::min(preface_left_, bytes.size());
    input_ = &bytes;
    const ssize_t read = nghttp2_session_mem_recv(engine_.get(), bytes.data(), bytes.size());
    input_ = nullptr;
    small_.release();
    if (read < 0) return give_up(static_cast<int>(read));
    calm();
  }

  // ---- Commands ----

  std::optional<StreamNo> request(const Headers& headers, bool end) {
    const auto lines = borrow(headers);
    const nghttp2_data_provider provider = data_provider();
    const std::int32_t id = nghttp2_submit_request(engine_.get(), nullptr, lines.data(), lines.size(), end ? nullptr : &provider, nullptr);
    if (id < 0) return std::nullopt;
    Stream& stream = streams_[id];
    stream.told = stream.responded = true;
    stream.finished = stream.end_sent = end;
    return stream_no(id);
  }

  void interim(StreamNo no, const Headers& headers) {
    if (find(no) == nullptr) return;
    const auto lines = borrow(headers);
    nghttp2_submit_headers(engine_.get(), NGHTTP2_FLAG_NONE, number(no), nullptr, lines.data(), lines.size(), nullptr);
  }

  void respond(StreamNo no, const Headers& headers, bool end) {
    Stream* stream = find(no);
    if (stream == nullptr || std::exchange(stream->responded, true)) return;
    stream->finished = end;
    const auto lines = borrow(headers);
    const nghttp2_data_provider provider = data_provider();
    nghttp2_submit_response(engine_.get(), number(no), lines.data(), lines.size(), end ? nullptr : &provider);
  }

  void send(StreamNo no, Slice octets) {
    Stream* stream = find(no);
    if (stream == nullptr || stream->finished) return;
    stream->unsent.push(std::move(octets));
    nghttp2_session_resume_data(engine_.get(), number(no));
  }

  void finish(StreamNo no, Headers trailers) {
    Stream* stream = find(no);
    if (stream == nullptr || std::exchange(stream->finished, true)) return;
    stream->trailers = std::move(trailers);
    nghttp2_session_resume_data(engine_.get(), number(no));
  }

  void reset(StreamNo no, ErrorCode code) {
    Stream* stream = find(no);
    if (stream == nullptr || std::exchange(stream->reset_by_us, true)) return;
    nghttp2_submit_rst_stream(engine_.get(), NGHTTP2_FLAG_NONE, number(no), static_cast<std::uint32_t>(code));
  }

  void want_no_more(StreamNo no) {
    Stream* stream = find(no);
    if (stream == nullptr) return;
    stream->want_no_more = true;
    if (stream->end_sent) reset(no, ErrorCode::no_error);
  }

  void taken(StreamNo no, std::size_t octets) { nghttp2_session_consume_stream(engine_.get(), number(no), octets); }

  void go_away() {
    if (std::exchange(going_away_, true)) return;
    nghttp2_submit_goaway(engine_.get(), NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(engine_.get()), NGHTTP2_NO_ERROR, nullptr, 0);
  }

  // ---- Output ----

  void take_output(SliceQueue& output, std::size_t budget) {
    output_ = &output;
    end_ = output.bytes() + budget;
    while (speaks() && output.bytes() < end_) {
      const std::uint8_t* data = nullptr;
      const ssize_t count = nghttp2_session_mem_send(engine_.get(), &data);
      if (count < 0) give_up(static_cast<int>(count));
      if (count <= 0) break;
      copy_out({data, static_cast<std::size_t>(count)});
    }
    output.append(std::move(last_words_));
    last_words_.clear();
    output_ = nullptr;
    written_.release();
    calm();
  }

  [[nodiscard]] bool wants_output() const { return !last_words_.empty() || (speaks() && nghttp2_session_want_write(engine_.get()) != 0); }
  [[nodiscard]] bool over() const {
    return fatal_ || (nghttp2_session_want_read(engine_.get()) == 0 && nghttp2_session_want_write(engine_.get()) == 0);
  }

  [[nodiscard]] bool can_open() const {
    const std::size_t told = nghttp2_session_get_remote_settings(engine_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    const std::size_t most = greeted_ ? std::min(limits::kHttp2Streams, told) : 1;
    return !server_ && !fatal_ && !going_away_ && !peer_going_away_ && streams_.size() < most && nghttp2_session_check_request_allowed(engine_.get()) != 0 &&
           nghttp2_session_get_next_stream_id(engine_.get()) < kStreamNoLast;
  }
  [[nodiscard]] bool sends_stopped() const { return nghttp2_session_get_remote_window_size(engine_.get()) <= 0; }

  std::deque<Event> events_;
  std::unordered_map<std::int32_t, Stream> streams_;
  std::string trouble_;
  bool greeted_ = false;

 private:
  static Impl& of(void* data) { return *static_cast<Impl*>(data); }

  static void set(nghttp2_session_callbacks& callbacks) {
    nghttp2_session_callbacks_set_on_begin_headers_callback(&callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
      of(self).head_begins(frame->hd.stream_id);
      return 0;
    });
    nghttp2_session_callbacks_set_on_header_callback(
        &callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
                       std::size_t value_size, std::uint8_t flags, void* self) {
          return of(self).header(frame->hd.stream_id, as_text({name, name_size}), as_text({value, value_size}), (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0);
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(&callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
      of(self).received(*frame);
      return 0;
    });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        &callbacks, [](nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* data, std::size_t size, void* self) {
          of(self).data({data, size}, stream);
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(&callbacks, [](nghttp2_session*, std::int32_t stream, std::uint32_t code, void* self) {
      of(self).closed(stream, static_cast<ErrorCode>(code));
      return 0;
    });
    nghttp2_session_callbacks_set_on_frame_send_callback(&callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
      of(self).sent(*frame);
      return 0;
    });
    nghttp2_session_callbacks_set_on_frame_not_send_callback(&callbacks, [](nghttp2_session*, const nghttp2_frame* frame, int, void* self) {
      of(self).not_sent(*frame);
      return 0;
    });
    nghttp2_session_callbacks_set_send_data_callback(
        &callbacks, [](nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head, std::size_t size, nghttp2_data_source*, void* self) {
          return of(self).write_data(frame->hd.stream_id, {head, kFrameHeader}, size);
        });
  }

  void announce(const Config& config) {
    std::vector<nghttp2_settings_entry> settings{{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, config.stream_window},
                                                 {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits::kHttp2HeaderListBytes)}};
    if (server_) settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, static_cast<std::uint32_t>(limits::kHttp2Streams)});
    else settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
    VAN_ASSERT(nghttp2_submit_settings(engine_.get(), NGHTTP2_FLAG_NONE, settings.data(), settings.size()) == 0);
    VAN_ASSERT(nghttp2_session_set_local_window_size(engine_.get(), NGHTTP2_FLAG_NONE, 0, NGHTTP2_MAX_WINDOW_SIZE) == 0);
  }

  Stream* find(std::int32_t id) {
    const auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : &found->second;
  }
  Stream* find(StreamNo no) { return find(number(no)); }

  // ---- What nghttp2 tells ----

  void head_begins(std::int32_t id) {
    if (server_) streams_.try_emplace(id);
    Stream* stream = find(id);
    if (stream == nullptr) return;
    stream->head.clear();
    stream->head_bytes = 0;
  }

  int header(std::int32_t id, std::string_view name, std::string_view value, bool never_indexed) {
    Stream* stream = find(id);
    if (stream == nullptr) return 0;
    stream->head_bytes += name.size() + value.size() + kHeaderOverhead;
    if (stream->head_bytes > limits::kHttp2HeaderListBytes) {
      stream->head_too_large = true;
      // A few octets can stand for any number of lines (RFC 9113 §10.5.1): reading on has its end, too.
      return stream->head_bytes > 8 * limits::kHttp2HeaderListBytes ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
    }
    stream->head.push_back({std::string{name}, std::string{value}, never_indexed});
    return 0;
  }

  void received(const nghttp2_frame& frame) {
    const bool end = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    const bool ack = (frame.hd.flags & NGHTTP2_FLAG_ACK) != 0;
    switch (frame.hd.type) {
      case NGHTTP2_HEADERS: return head(frame.hd.stream_id, end);
      case NGHTTP2_DATA:
        if (end && find(frame.hd.stream_id) != nullptr) events_.push_back(EndReceived{stream_no(frame.hd.stream_id)});
        if (!end && frame.hd.length == 0) idle_frame();
        return;
      case NGHTTP2_SETTINGS:
        if (ack) return;
        greeted_ = true;
        events_.push_back(PeerChanged{});
        return idle_frame();
      case NGHTTP2_PING:
        if (!ack) idle_frame();
        return;
      case NGHTTP2_PRIORITY: return idle_frame();
      case NGHTTP2_GOAWAY:
        peer_going_away_ = true;
        events_.push_back(PeerChanged{});
        return;
      default: return;
    }
  }

  void head(std::int32_t id, bool end) {
    Stream* stream = find(id);
    if (stream == nullptr) return;
    HeadReceived event{stream_no(id), Head::trailers, std::exchange(stream->head, {}), end, stream->head_too_large};
    const std::string_view status = value_of(event.headers, ":status");
    if (server_ && !stream->told) event.kind = Head::request;
    else if (!status.empty()) event.kind = status.starts_with('1') ? Head::interim : Head::response;
    stream->told = true;
    events_.push_back(std::move(event));
  }

  void data(ByteView octets, std::int32_t id) {
    nghttp2_session_consume_connection(engine_.get(), octets.size());
    if (find(id) == nullptr) return;
    Slice slice;
    if (octets.size() < kSmallOctets) {
      std::memcpy(small_.space(octets.size()).data(), octets.data(), octets.size());
      slice = small_.commit(octets.size());
    } else {
      slice = input_->part(static_cast<std::size_t>(octets.data() - input_->data()), octets.size());
    }
    events_.push_back(DataReceived{stream_no(id), std::move(slice)});
  }

  void closed(std::int32_t id, ErrorCode code) {
    const auto found = streams_.find(id);
    if (found == streams_.end()) return;
    // Resets are cheap to ask for and dear to carry out, also those that a peer provokes.
    if (server_ && code != ErrorCode::no_error && !found->second.reset_by_us && !resets_.take(now_)) too_much_ = true;
    if (found->second.told) events_.push_back(StreamClosed{stream_no(id), code});
    streams_.erase(found);
  }

  void sent(const nghttp2_frame& frame) {
    if ((frame.hd.type != NGHTTP2_DATA && frame.hd.type != NGHTTP2_HEADERS) || (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
    Stream* stream = find(frame.hd.stream_id);
    if (stream == nullptr) return;
    stream->end_sent = true;
    if (stream->want_no_more) reset(stream_no(frame.hd.stream_id), ErrorCode::no_error);
  }

  /// A request that came too late: after the peer's GOAWAY, or too large to send. nghttp2 does not tell of its end.
  void not_sent(const nghttp2_frame& frame) {
    if (frame.hd.type != NGHTTP2_HEADERS || frame.headers.cat != NGHTTP2_HCAT_REQUEST) return;
    if (nghttp2_session_find_stream(engine_.get(), frame.hd.stream_id) == nullptr) closed(frame.hd.stream_id, ErrorCode::refused_stream);
  }

  // ---- What nghttp2 asks for ----

  nghttp2_data_provider data_provider() {
    return {{.ptr = nullptr}, [](nghttp2_session*, std::int32_t stream, std::uint8_t*, std::size_t most, std::uint32_t* flags, nghttp2_data_source*, void* self) {
              return of(self).next_data(stream, most, *flags);
            }};
  }

  ssize_t next_data(std::int32_t id, std::size_t most, std::uint32_t& flags) {
    Stream* stream = find(id);
    if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const std::size_t count = std::min(most, stream->unsent.bytes());
    if (count == 0 && !stream->finished) return NGHTTP2_ERR_DEFERRED;
    flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (!stream->finished || count < stream->unsent.bytes()) return static_cast<ssize_t>(count);
    flags |= NGHTTP2_DATA_FLAG_EOF;
    if (stream->trailers.empty()) return static_cast<ssize_t>(count);
    flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    const auto lines = borrow(stream->trailers);
    nghttp2_submit_trailer(engine_.get(), id, lines.data(), lines.size());
    return static_cast<ssize_t>(count);
  }

  int write_data(std::int32_t id, ByteView head, std::size_t size) {
    Stream* stream = find(id);
    if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (output_->bytes() >= end_) return NGHTTP2_ERR_WOULDBLOCK;
    copy_out(head);
    for (std::size_t left = size; left > 0;) {
      Slice piece = stream->unsent.pop(left);
      left -= piece.size();
      output_->push(std::move(piece));
    }
    if (size > 0) events_.push_back(DataSent{stream_no(id), size});
    return 0;
  }

  void copy_out(ByteView bytes) {
    std::memcpy(written_.space(bytes.size()).data(), bytes.data(), bytes.size());
    output_->push(written_.commit(bytes.size()));
  }

  // ---- Ends ----

  /// A server waits for the client's preface: it may be none.
  [[nodiscard]] bool speaks() const { return !fatal_ && preface_left_ == 0; }

  void idle_frame() {
    if (!idle_frames_.take(now_)) too_much_ = true;
  }

  void calm() {
    if (!std::exchange(too_much_, false) || fatal_ || !trouble_.empty()) return;
    trouble_ = "the peer resets streams, or sends frames that carry nothing, too often";
    nghttp2_session_terminate_session(engine_.get(), NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /// nghttp2 says no more itself after such an error: RFC 9113 §5.4.1 wants a GOAWAY.
  void give_up(int error) {
    fatal_ = true;
    trouble_ = error == NGHTTP2_ERR_CALLBACK_FAILURE ? "a header list that is much too large" : nghttp2_strerror(error);
    if (error == NGHTTP2_ERR_BAD_CLIENT_MAGIC) return last_words_.push_copy(as_bytes(http1_answer()));
    const bool flood = error == NGHTTP2_ERR_FLOODED || error == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS || error == NGHTTP2_ERR_CALLBACK_FAILURE;
    const auto code = static_cast<std::uint8_t>(flood ? ErrorCode::enhance_your_calm : ErrorCode::protocol_error);
    const auto last = static_cast<std::uint32_t>(nghttp2_session_get_last_proc_stream_id(engine_.get()));
    const auto octet = [last](int shift) { return static_cast<std::uint8_t>(last >> shift); };
    const std::array<std::uint8_t, kFrameHeader + 8> frame{0, 0, 8, NGHTTP2_GOAWAY, 0, 0, 0, 0, 0, octet(24), octet(16), octet(8), octet(0), 0, 0, 0, code};
    last_words_.push_copy(frame);
  }

  bool server_;
  std::size_t preface_left_;  ///< of a client's
  Engine engine_;
  TokenBucket resets_{limits::kHttp2Resets, limits::kHttp2ResetsPerSecond};
  TokenBucket idle_frames_{limits::kHttp2IdleFrames, limits::kHttp2IdleFramesPerSecond};
  TimePoint now_{};
  const Slice* input_ = nullptr;   // during receive()
  SliceQueue* output_ = nullptr;   // during take_output()
  std::size_t end_ = 0;            // of what it may hold
  BlockWriter small_{4096}, written_{1024};
  SliceQueue last_words_;
  bool fatal_ = false, too_much_ = false, going_away_ = false, peer_going_away_ = false;
};

Session::Session(const Config& config) : impl_{std::make_unique<Impl>(config)} {}
Session::~Session() = default;
void Session::receive(const Slice& bytes, TimePoint now) { impl_->receive(bytes, now); }
std::optional<StreamNo> Session::request(const Headers& headers, bool end) { return impl_->request(headers, end); }
void Session::interim(StreamNo stream, const Headers& headers) { impl_->interim(stream, headers); }
void Session::respond(StreamNo stream, const Headers& headers, bool end) { impl_->respond(stream, headers, end); }
void Session::send(StreamNo stream, Slice octets) { impl_->send(stream, std::move(octets)); }
void Session::finish(StreamNo stream, Headers trailers) { impl_->finish(stream, std::move(trailers)); }
void Session::reset(StreamNo stream, ErrorCode code) { impl_->reset(stream, code); }
void Session::want_no_more(StreamNo stream) { impl_->want_no_more(stream); }
void Session::taken(StreamNo stream, std::size_t octets) { impl_->taken(stream, octets); }
void Session::go_away() { impl_->go_away(); }
std::optional<Event> Session::poll_event() {
  if (impl_->events_.empty()) return std::nullopt;
  Event event = std::move(impl_->events_.front());
  impl_->events_.pop_front();
  return event;
}
void Session::take_output(SliceQueue& output, std::size_t budget) { impl_->take_output(output, budget); }
bool Session::wants_output() const { return impl_->wants_output(); }
bool Session::over() const { return impl_->over(); }
const std::string& Session::trouble() const { return impl_->trouble_; }
bool Session::can_open() const { return impl_->can_open(); }
bool Session::greeted() const { return impl_->greeted_; }
std::size_t Session::streams() const { return impl_->streams_.size(); }
bool Session::sends_stopped() const { return impl_->sends_stopped(); }

}  // namespace van::http2
