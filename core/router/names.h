#pragma once

#include <cstdint>
#include <string_view>

/// Texts of the router protocol on the wire (control-plane 1.5, 1.6, 2.2, 2.5) and our own additions, which begin with
/// "vanctl." and which real routers ignore.
namespace van::router::names {

inline constexpr std::string_view cap_router = "qd.router";
inline constexpr std::string_view cap_router_data = "qd.router-data";
inline constexpr std::string_view cap_edge_downlink = "qd.router-edge-downlink";
inline constexpr std::string_view cap_streaming_deliveries = "qd.streaming-deliveries";
inline constexpr std::string_view cap_anonymous_relay = "ANONYMOUS-RELAY";
inline constexpr std::string_view cap_streaming_links = "qd.streaming-links";
inline constexpr std::string_view cap_connection_trunking = "qd.connection_trunking";

inline constexpr std::string_view product = "vanctl";
inline constexpr std::string_view prop_cost = "qd.inter-router-cost";
inline constexpr std::string_view prop_access_id = "qd.access-id";
inline constexpr std::string_view prop_role = "qd.inter-router-role";
inline constexpr std::string_view prop_annotations_version = "qd.annotations-version";
inline constexpr std::string_view prop_site_id = "vanctl.site-id";
inline constexpr std::string_view prop_site_name = "vanctl.site-name";
inline constexpr std::string_view prop_exposure_cost = "vanctl.cost";  ///< of a consumer proxy link, uint
inline constexpr std::string_view prop_alpn = "alpn";  ///< data-plane 2.1
inline constexpr std::string_view prop_client_from = "vanctl.from";  ///< of a stream's head, as the next (ClientFacts)
inline constexpr std::string_view prop_client_to = "vanctl.to";
inline constexpr std::string_view prop_worker = "vanctl.worker";       ///< of a streaming link, uint: which worker of the site attaches it
inline constexpr std::string_view prop_correlator = "qd.group-correlator";
inline constexpr std::int64_t data_connection_role = 4;

inline constexpr std::string_view addr_mesh_discovery = "_$qd.mesh_discovery";
inline constexpr std::string_view addr_edge_tracking = "_$qd.edge_addr_tracking";

inline constexpr std::string_view to_hello = "amqp:/_local/qdhello";
inline constexpr std::string_view to_all = "amqp:/_topo/0/all/qdrouter";
inline constexpr std::string_view to_all_mobile = "_topo/0/all/qdrouter.ma";
inline constexpr std::string_view node_prefix = "amqp:/_topo/0/";

inline constexpr std::string_view content_octets = "application/octet-stream";

}  // namespace van::router::names
