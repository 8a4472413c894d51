#pragma once

#include <cstddef>

/// The bounds of datagrams and events, as limits.h has all others (docs/udp.md, docs/events.md).
namespace van::limits {

inline constexpr std::size_t kQueuedMessages = 2048;          ///< settled messages that wait on a link; above it the oldest goes, of our own the newest
inline constexpr std::size_t kQueuedMessageBytes = 2u << 20;  ///< the same in octets, once there are kQueuedMessagesLeast
inline constexpr std::size_t kQueuedMessagesLeast = 16;       ///< wait whatever their size
inline constexpr std::size_t kDatagramFlowBytes = 64;         ///< length of a flow's name
inline constexpr std::size_t kDatagramFlows = 4096;           ///< at one stand-in; then the one that is idle for longest goes
inline constexpr std::size_t kDatagramSockets = 512;          ///< flows at one exposure, each a socket; the same at the limit
inline constexpr std::size_t kDatagramsUnsent = 64;           ///< at one socket until the end of the loop's turn; then they go at once
inline constexpr std::size_t kDatagramsHeld = 256;            ///< of one flow while its provider is not known; more are dropped
inline constexpr std::size_t kDatagramBytesHeld = 4u << 20;   ///< the same over all flows of a stand-in, in octets
inline constexpr std::size_t kEventBytes = 256'000;           ///< of one message; longer ones would be forwarded while they arrive (data-plane 1.1)
inline constexpr std::size_t kSubscribers = 32;               ///< local commands that hear events at once; more are refused
inline constexpr std::size_t kEventsQueued = 10'000;          ///< for one of them; above it the oldest goes
inline constexpr std::size_t kEventBytesQueued = 4u << 20;    ///< the same in octets

}  // namespace van::limits
