// The least that a pair of relays between two sites must do: read, seal with the cipher of the links (AES-128-GCM, records of
// 16 KiB), write; and at the other end read, open, write. One thread each, one relay connection per client connection.
//   floor_relay seal LISTEN:TARGET...    accepts clients, connects to the other relay
//   floor_relay open LISTEN:TARGET...    accepts the other relay, connects to servers
// It measures work and gives no security: there is no handshake, and the keys travel in the clear.
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "tests/bench/sockets.h"

using namespace van::bench;

namespace {

constexpr std::size_t kKeyBytes = 16;
constexpr std::size_t kIvBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kRecordBytes = 16 * 1024;
constexpr std::size_t kHeaderBytes = 4;
constexpr std::size_t kReadBytes = 16 * kRecordBytes;

using Bytes = std::vector<unsigned char>;
using Key = std::array<unsigned char, kKeyBytes>;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "floor_relay: %s\n", what);
  std::exit(1);
}

/// AES-128-GCM for one direction of one connection; the n-th record has n as its initialisation vector.
class Cipher {
 public:
  Cipher(const Key& key, bool seals) : context_{EVP_CIPHER_CTX_new()}, seals_{seals} {
    require(EVP_CipherInit_ex(context_.get(), EVP_aes_128_gcm(), nullptr, key.data(), nullptr, seals) == 1, "no AES-128-GCM");
  }

  /// `tag` is written when sealing and checked when opening; in place is fine.
  bool run(const unsigned char* header, const unsigned char* from, unsigned char* to, std::size_t size, unsigned char* tag) {
    std::array<unsigned char, kIvBytes> iv{};
    std::memcpy(iv.data(), &records_, sizeof records_);
    ++records_;
    EVP_CIPHER_CTX* context = context_.get();
    int length = 0;
    const bool ready = EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, iv.data(), seals_) == 1 &&
                       (seals_ || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, kTagBytes, tag) == 1) &&
                       EVP_CipherUpdate(context, nullptr, &length, header, kHeaderBytes) == 1 &&
                       EVP_CipherUpdate(context, to, &length, from, static_cast<int>(size)) == 1 &&
                       EVP_CipherFinal_ex(context, to + size, &length) == 1;
    return ready && (!seals_ || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, kTagBytes, tag) == 1);
  }

 private:
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  std::unique_ptr<EVP_CIPHER_CTX, Free> context_;
  bool seals_;
  std::uint64_t records_ = 0;
};

/// What waits to be written to one socket.
struct Output {
  Bytes bytes;
  std::size_t written = 0;
  bool end = false;  // then this direction

  bool empty() const { return written == bytes.size(); }
};

struct Pair;

struct Side {
  Descriptor socket;
  Pair* pair = nullptr;
  Output output;
  bool read_all = false;
  bool shut = false;
  std::uint32_t events = 0;
};

/// A connection through this relay.
struct Pair {
  Side plain, sealed;
  std::unique_ptr<Cipher> sealer, opener;
  Bytes unopened;  // less than a record
  bool gone = false;
};

struct Service {
  Descriptor listener;
  std::uint16_t target = 0;
};

class Relay {
 public:
  Relay(bool seals, const std::vector<std::string_view>& services) : seals_{seals}, buffer_(kReadBytes) {
    for (const std::string_view text : services) {
      const std::size_t colon = text.find(':');
      require(colon != std::string_view::npos, "LISTEN:TARGET");
      services_.push_back({listen_on(port_number(text.substr(0, colon))), port_number(text.substr(colon + 1))});
    }
    for (Service& service : services_) poller_.add(service.listener.fd(), EPOLLIN, &service);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 128> events;
    while (true) {
      const int count = ::epoll_wait(poller_.fd(), events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        void* tag = events[static_cast<std::size_t>(i)].data.ptr;
        if (Service* service = service_of(tag)) {
          accept(*service);
        } else {
          handle(*static_cast<Side*>(tag), events[static_cast<std::size_t>(i)].events);
        }
      }
      finished_.clear();
    }
  }

 private:
  Service* service_of(void* tag) {
    auto* service = static_cast<Service*>(tag);
    return service >= services_.data() && service < services_.data() + services_.size() ? service : nullptr;
  }

  void accept(Service& service) {
    for (Descriptor accepted = accept_from(service.listener); accepted.fd() >= 0; accepted = accept_from(service.listener)) {
      auto* pair = new Pair;  // owned by its sockets' tags, until close()
      Side& near = seals_ ? pair->plain : pair->sealed;
      Side& far = seals_ ? pair->sealed : pair->plain;
      near.socket = std::move(accepted);
      far.socket = start_connect(service.target);
      if (far.socket.fd() < 0) {
        delete pair;
        continue;
      }
      if (seals_) send_keys(*pair);
      for (Side* side : {&near, &far}) {
        side->pair = pair;
        side->events = EPOLLIN | (side->output.empty() ? 0u : EPOLLOUT);
        poller_.add(side->socket.fd(), side->events, side);
      }
    }
  }

  void send_keys(Pair& pair) {
    std::array<Key, 2> keys;
    Bytes& out = pair.sealed.output.bytes;
    for (Key& key : keys) {
      require(RAND_bytes(key.data(), kKeyBytes) == 1, "no random octets");
      out.insert(out.end(), key.begin(), key.end());
    }
    pair.sealer = std::make_unique<Cipher>(keys[0], true);
    pair.opener = std::make_unique<Cipher>(keys[1], false);
  }

  /// Gives the octets that the keys took.
  std::size_t receive_keys(Pair& pair) {
    if (pair.opener) return 0;
    if (pair.unopened.size() < 2 * kKeyBytes) return 0;
    std::array<Key, 2> keys;
    std::memcpy(keys.data(), pair.unopened.data(), 2 * kKeyBytes);
    pair.opener = std::make_unique<Cipher>(keys[0], false);
    pair.sealer = std::make_unique<Cipher>(keys[1], true);
    return 2 * kKeyBytes;
  }

  void handle(Side& side, std::uint32_t events) {
    Pair& pair = *side.pair;
    if (pair.gone) return;
    const bool ok = (events & EPOLLERR) == 0 && (!(events & EPOLLOUT) || flush(side)) && (!(events & (EPOLLIN | EPOLLHUP)) || read(side));
    const bool done = pair.plain.shut && pair.sealed.shut && pair.plain.read_all && pair.sealed.read_all;
    if (!ok || done) {
      close(pair);
      return;
    }
    arm(pair.plain, pair.sealed);
    arm(pair.sealed, pair.plain);
  }

  void close(Pair& pair) {
    pair.gone = true;
    finished_.emplace_back(&pair);  // later events of this turn may still name it
  }

  /// Reads from a side only while the other takes all; before the keys are here there is nothing to seal with.
  void arm(Side& side, const Side& other) {
    const bool reads = !side.read_all && other.output.empty() && (&side == &side.pair->sealed || side.pair->sealer);
    const std::uint32_t events = (reads ? EPOLLIN : 0u) | (side.output.empty() ? 0u : EPOLLOUT);
    if (events != side.events) poller_.change(side.socket.fd(), side.events = events, &side);
  }

  bool flush(Side& side) {
    Output& output = side.output;
    while (!output.empty()) {
      const ssize_t sent = ::send(side.socket.fd(), output.bytes.data() + output.written, output.bytes.size() - output.written, MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN;
      output.written += static_cast<std::size_t>(sent);
    }
    output.bytes.clear();
    output.written = 0;
    if (output.end && !side.shut) {
      ::shutdown(side.socket.fd(), SHUT_WR);
      side.shut = true;
    }
    return true;
  }

  bool read(Side& side) {
    Pair& pair = *side.pair;
    if (side.read_all) return true;
    const ssize_t received = ::recv(side.socket.fd(), buffer_.data(), buffer_.size(), 0);
    if (received < 0) return errno == EAGAIN;
    const std::size_t size = static_cast<std::size_t>(received);
    if (&side == &pair.plain) {
      if (size == 0) side.read_all = true;
      seal(pair, size);
      return flush(pair.sealed);
    }
    if (size == 0) {
      if (!pair.plain.output.end) return false;  // cut in the middle
      side.read_all = true;
      return true;
    }
    return open(pair, size) && flush(pair.plain);
  }

  /// Seals what is in the buffer; nothing there is the end of the direction, an empty record.
  void seal(Pair& pair, std::size_t size) {
    Bytes& out = pair.sealed.output.bytes;
    const std::size_t records = size == 0 ? 1 : (size + kRecordBytes - 1) / kRecordBytes;
    std::size_t at = out.size();
    out.resize(at + size + records * (kHeaderBytes + kTagBytes));
    for (std::size_t from = 0, left = records; left > 0; --left) {
      const std::size_t part = std::min(kRecordBytes, size - from);
      unsigned char* header = out.data() + at;
      const auto length = static_cast<std::uint32_t>(part);
      std::memcpy(header, &length, kHeaderBytes);
      require(pair.sealer->run(header, buffer_.data() + from, header + kHeaderBytes, part, header + kHeaderBytes + part), "sealing");
      from += part;
      at += kHeaderBytes + part + kTagBytes;
    }
    if (size == 0) pair.sealed.output.end = true;
  }

  bool open(Pair& pair, std::size_t size) {
    Bytes& in = pair.unopened;
    in.insert(in.end(), buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size));
    std::size_t at = receive_keys(pair);
    Bytes& out = pair.plain.output.bytes;
    while (pair.opener && in.size() - at >= kHeaderBytes + kTagBytes) {
      std::uint32_t length = 0;
      std::memcpy(&length, in.data() + at, kHeaderBytes);
      if (length > kRecordBytes) return false;
      if (in.size() - at < kHeaderBytes + length + kTagBytes) break;
      unsigned char* body = in.data() + at + kHeaderBytes;
      const std::size_t before = out.size();
      out.resize(before + length);
      if (!pair.opener->run(in.data() + at, body, out.data() + before, length, body + length)) return false;
      if (length == 0) pair.plain.output.end = true;
      at += kHeaderBytes + length + kTagBytes;
    }
    in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(at));
    return true;
  }

  const bool seals_;
  Poller poller_;
  std::vector<Service> services_;
  Bytes buffer_;
  std::vector<std::unique_ptr<Pair>> finished_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> words{argv + 1, argv + argc};
  require(words.size() >= 2 && (words[0] == "seal" || words[0] == "open"), "usage: floor_relay seal|open LISTEN:TARGET...");
  Relay{words[0] == "seal", {words.begin() + 1, words.end()}}.run();
}
