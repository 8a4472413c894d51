#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/clock.h"

/// Every bound of the program, with unit and reason. The code at the limit says what happens there.
namespace van::limits {

// AMQP engine
inline constexpr std::uint32_t kMaxFrameSize = 16384;        ///< bytes we announce, as real routers do
inline constexpr std::uint32_t kMaxFrameSizeSent = 65536;    ///< bytes we use of a larger announcement
inline constexpr std::uint16_t kChannelMax = 32767;          ///< announced; a real router needs >= 10
inline constexpr std::size_t kSessionsPerConnection = 256;   ///< begun by the peer; more: close with amqp:resource-limit-exceeded
inline constexpr std::size_t kLinksPerConnection = 65536;    ///< attached by the peer, all sessions
inline constexpr std::size_t kUnsettledPerLink = 16384;      ///< deliveries alive on one link; at it no credit is granted or used
inline constexpr std::size_t kUnsettledPerConnection = 1u << 20;  ///< the same over all links; a peer's next one closes the connection
inline constexpr std::uint32_t kSessionWindowFrames = 8192;  ///< frames, as real routers do on router and edge links
inline constexpr std::uint32_t kLinkCredit = 250;            ///< deliveries, as real routers do
inline constexpr std::uint32_t kMessageCredit = 2048;        ///< the same on links that carry whole messages one after the other: what comes in a round trip
inline constexpr unsigned kValueDepth = 16;                  ///< nesting of lists, maps and arrays
inline constexpr std::size_t kValueElements = 65536;         ///< elements of all compounds of one value

// Routing core
inline constexpr std::size_t kMessageHeaderBytes = 65536;     ///< annotations and properties of one delivery
inline constexpr std::size_t kMessageBytes = 16u << 20;       ///< a message that must be whole before it is used (MAU)
inline constexpr std::size_t kControlQueueBytes = 4u << 20;   ///< router protocol waiting for a peer's credit; above it the oldest messages go
inline constexpr std::size_t kOutputHighWater = 512 * 1024;   ///< bytes waiting for a peer's socket; above it deliveries wait
inline constexpr std::size_t kStreamPendingBytes = 4u << 20;  ///< bytes of one delivery waiting in a router; above it the stream ends
inline constexpr std::size_t kWideStreamPendingBytes = 20u << 20;  ///< the same where the window may be as wide as kStreamWindowMax
inline constexpr std::size_t kPeerPendingBytes = 64u << 20;   ///< the same over all deliveries of a peer; above it its session windows stay shut
inline constexpr std::size_t kRouters = 4096;                 ///< nodes in the link-state database
inline constexpr std::size_t kAddressesPerRouter = 65536;     ///< mobile addresses learned from one router
inline constexpr std::size_t kAddressBytes = 1024;            ///< length of an address

// AMQP clients
inline constexpr std::size_t kClients = 256;                    ///< connected at one port; more are closed at once
inline constexpr std::uint32_t kClientWindowFrames = 512;       ///< of a session, as real routers do
inline constexpr std::size_t kClientSessions = 64;              ///< of a connection; more are ended with amqp:resource-limit-exceeded
inline constexpr std::size_t kClientLinks = 1024;               ///< of a connection; more are refused with the same
inline constexpr std::size_t kClientPendingBytes = 8u << 20;    ///< sent by one and not passed on; above it its session windows stay shut
inline constexpr std::size_t kClientQueueBytes = 16u << 20;     ///< waiting for one client's credit; above it what comes is released
inline constexpr Duration kClientIdle = std::chrono::seconds{16};  ///< silence after which it is given up, as real routers do

// TCP streams (data plane, section 4)
inline constexpr std::uint64_t kStreamWindow = 1'042'432;       ///< octets unreported at which a sender stops reading
inline constexpr std::uint64_t kStreamWindowLeast = 560'000;  ///< of a real receiver, which would not report with less (data-plane 4.2)
inline constexpr std::uint64_t kRealPeerBudget = 3u << 20;      ///< unreported octets of all streams to real receivers that we like to stay below
inline constexpr std::uint64_t kStreamWindowMin = 512u << 10;   ///< between ends of ours the window follows the path, from here
inline constexpr std::uint64_t kStreamWindowMax = 16u << 20;    ///< to here: 1 Gbit/s at 130 ms
inline constexpr std::uint64_t kStreamWindowBudget = 64u << 20;  ///< what a receiver lets all its streams together have beyond kStreamWindow each
inline constexpr std::uint64_t kStreamReportOctets = 64 * 1024;  ///< progress after which a receiver reports

// HTTP/2
inline constexpr std::size_t kHttp2Streams = 128;                ///< open at once on a connection; more are refused, or wait
inline constexpr std::size_t kHttp2HeaderListBytes = 48u << 10;  ///< of one message, as RFC 9113 §6.5.2 counts; more: 431, or the stream ends
inline constexpr std::uint32_t kHttp2LocalWindow = 256u << 10;   ///< octets of one stream that wait here for the network or a local reader
inline constexpr std::uint32_t kHttp2FarWindow = 1u << 20;       ///< the same between the ends of the network, where a round trip is long
inline constexpr std::uint32_t kHttp2FarWindowMax = 16u << 20;   ///< of a response, while few are under way
inline constexpr std::uint64_t kHttp2FarBudget = 64u << 20;      ///< what all responses of a stand-in have together, beyond kHttp2FarWindow each
inline constexpr std::size_t kHttp2ReplayBytes = 64u << 10;      ///< of a request, kept to be sent once more; a longer one is refused instead
inline constexpr double kHttp2Resets = 500;                      ///< of streams at once, by one peer; then
inline constexpr double kHttp2ResetsPerSecond = 30;              ///< so many; above it the connection ends
inline constexpr double kHttp2IdleFrames = 5000;                 ///< PING, SETTINGS, PRIORITY and empty DATA, at once; then
inline constexpr double kHttp2IdleFramesPerSecond = 1000;        ///< so many; above it the connection ends
inline constexpr std::size_t kHttp2PoolConnections = 8;          ///< to one target
inline constexpr std::size_t kHttp2Waiting = 1024;               ///< requests that wait for one of them, or for a provider; more are refused

// Local ends of services
inline constexpr std::size_t kConnecting = 1024;      ///< streams of an exposure whose server is being connected; more are refused at once, for another provider
inline constexpr std::size_t kClientsWaiting = 256;   ///< of a stand-in, for a provider; more are refused at once (HTTP/2: kHttp2Waiting)

// Services by name
inline constexpr std::size_t kNameClients = 1024;   ///< connected at one port; more are reset
inline constexpr std::size_t kNameServices = 1024;  ///< used at once; one that nobody uses makes room, else more are refused
inline constexpr std::size_t kNameFarewells = 16;   ///< of an HTTP client: streams that wait for their end; more: the first is reset
inline constexpr Duration kNameWordTime = std::chrono::seconds{60};  ///< for a client to say what it wants; then it is closed
inline constexpr Duration kNameLinger = std::chrono::seconds{2};     ///< for a refused client to read why and end its connection
inline constexpr Duration kNameIdle = std::chrono::seconds{60};      ///< without a question for a service, after which it is not used any more

// Management
inline constexpr std::size_t kManagementAnswerBytes = 2u << 20;  ///< rows beyond it are left out: the client asks for them by offset
inline constexpr std::size_t kManagementNames = 256;             ///< attributes that one request asks for; more: refused
inline constexpr std::size_t kValidOriginsRouters = 512;         ///< in the network; above it nobody is told valid origins

// Telemetry of other sites (vanflow)
inline constexpr std::size_t kTelemetrySources = 1024;           ///< at once; beacons of more are not heard until one falls silent
inline constexpr std::size_t kTelemetryRecordsPerSource = 4096;  ///< more are not kept
inline constexpr std::size_t kTelemetryBytes = 16u << 20;        ///< of all records; what does not fit is not kept
inline constexpr std::size_t kTelemetryTextBytes = 300;          ///< of a text, as real routers cut them; longer ones are not kept

// HTTP/1
inline constexpr std::size_t kHttpLineBytes = 16384;      ///< request line or header line with its end; more: 414 or 431
inline constexpr std::size_t kHttpHeadBytes = 65536;      ///< request line and headers; more: 431
inline constexpr std::size_t kHttpFields = 256;           ///< headers of a message; more: 431
inline constexpr std::size_t kHttpChunkLineBytes = 512;   ///< a chunk's size with its extensions, which nobody uses; more: 400
inline constexpr std::size_t kHttpRepeatBytes = 16384;    ///< of a request, kept until an answer begins; a longer one is not sent again
inline constexpr std::size_t kHttpTrailerBytes = 16384;   ///< behind a chunked body; more: 431
inline constexpr std::size_t kHttpIdleServers = 1024;     ///< connections to an exposure's server between two requests; the longest unused one goes

// Local interfaces
inline constexpr std::size_t kApiBodyBytes = 1u << 20;    ///< body of a control API request
inline constexpr std::size_t kApiHeaderBytes = 16384;     ///< request line and headers
inline constexpr std::size_t kApiConnections = 64;        ///< at once; more are closed
inline constexpr std::size_t kTokenBytes = 1u << 20;      ///< a token file
inline constexpr std::size_t kTokenDocuments = 64;        ///< YAML documents in a token

}  // namespace van::limits
