#pragma once

#include <cstdint>
#include <optional>

namespace van::amqp {

// AMQP 1.0 §2.4.6, with the names of the standard.
enum class ConnectionState : std::uint8_t {
  start, hdr_rcvd, hdr_sent, hdr_exch, open_pipe, oc_pipe, open_rcvd, open_sent, close_pipe, opened, close_rcvd,
  close_sent, discarding, end,
};
enum class ConnectionInput : std::uint8_t { snd_hdr, rcv_hdr, snd_open, rcv_open, snd_close, snd_close_error, rcv_close };

struct ConnectionTransition {
  ConnectionState from;
  ConnectionInput input;
  ConnectionState to;
};

// §2.4.7, one row {from, input, to} per arrow. No row: the input is illegal in that state. The standard draws two arrows
// labelled alike from opened (close with and without error); here the input tells them apart.
inline constexpr ConnectionTransition kConnectionTransitions[] = {
    {ConnectionState::start, ConnectionInput::snd_hdr, ConnectionState::hdr_sent},
    {ConnectionState::start, ConnectionInput::rcv_hdr, ConnectionState::hdr_rcvd},
    {ConnectionState::hdr_rcvd, ConnectionInput::snd_hdr, ConnectionState::hdr_exch},
    {ConnectionState::hdr_sent, ConnectionInput::rcv_hdr, ConnectionState::hdr_exch},
    {ConnectionState::hdr_sent, ConnectionInput::snd_open, ConnectionState::open_pipe},
    {ConnectionState::hdr_exch, ConnectionInput::snd_open, ConnectionState::open_sent},
    {ConnectionState::hdr_exch, ConnectionInput::rcv_open, ConnectionState::open_rcvd},
    {ConnectionState::open_pipe, ConnectionInput::rcv_hdr, ConnectionState::open_sent},
    {ConnectionState::open_pipe, ConnectionInput::snd_close, ConnectionState::oc_pipe},
    {ConnectionState::open_pipe, ConnectionInput::snd_close_error, ConnectionState::oc_pipe},
    {ConnectionState::oc_pipe, ConnectionInput::rcv_hdr, ConnectionState::close_pipe},
    {ConnectionState::open_rcvd, ConnectionInput::snd_open, ConnectionState::opened},
    {ConnectionState::open_sent, ConnectionInput::rcv_open, ConnectionState::opened},
    {ConnectionState::open_sent, ConnectionInput::snd_close, ConnectionState::close_pipe},
    {ConnectionState::open_sent, ConnectionInput::snd_close_error, ConnectionState::close_pipe},
    {ConnectionState::close_pipe, ConnectionInput::rcv_open, ConnectionState::close_sent},
    {ConnectionState::opened, ConnectionInput::rcv_close, ConnectionState::close_rcvd},
    {ConnectionState::opened, ConnectionInput::snd_close, ConnectionState::close_sent},
    {ConnectionState::opened, ConnectionInput::snd_close_error, ConnectionState::discarding},
    {ConnectionState::close_rcvd, ConnectionInput::snd_close, ConnectionState::end},
    {ConnectionState::close_sent, ConnectionInput::rcv_close, ConnectionState::end},
    {ConnectionState::discarding, ConnectionInput::rcv_close, ConnectionState::end},
};

constexpr std::optional<ConnectionState> next_state(ConnectionState from, ConnectionInput input) {
  for (const ConnectionTransition& row : kConnectionTransitions) {
    if (row.from == from && row.input == input) return row.to;
  }
  return std::nullopt;
}

static_assert(!next_state(ConnectionState::end, ConnectionInput::rcv_open), "nothing is legal after the end");

}  // namespace van::amqp
