#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/json_text.h"

namespace van::cli {

/// The status document (docs/api.md, `GET /v1/status`) as text output shows it. A field that is missing or of another
/// type than this version knows is empty or 0: an agent may be newer than the command that asks it.
struct StatusDocument {
  struct Site {
    std::string id;
    std::string name;
    std::string role;
  };
  struct RemoteSite {
    Site site;
    bool direct = false;
    std::int64_t hops = 0;
    std::int64_t cost = 0;
  };
  struct Tls {
    std::string version;
    std::string cipher;
    std::string peer;
    std::string expires;
  };
  struct Link {
    std::string name;
    std::string peer;
    std::string role;
    std::string direction;
    std::string state;
    std::int64_t cost = 0;
    std::string remote;
    double since_s = 0;
    std::string error;
    std::optional<Tls> tls;
  };
  struct Provider {
    std::string site;
    std::int64_t cost = 0;
    std::string target;
    std::string state;  ///< up, checking, down; empty when it is not known
    std::string error;  ///< why it is not offered; empty when it is
  };
  struct Service {
    std::string address;
    std::string protocol;
    std::int64_t port = 0;
    bool reachable = false;
    std::vector<Provider> providers;
    std::string stand_in;
    std::int64_t in_flight = 0;
    std::int64_t connections = 0;
    std::int64_t bytes_in = 0;
    std::int64_t bytes_out = 0;
    bool multicast = false;
    std::int64_t dropped = 0;  ///< datagrams
  };

  std::string version;
  std::string profile;
  std::int64_t pid = 0;
  double uptime_s = 0;
  std::optional<Site> site;  ///< none before `join` or `site create`
  std::vector<RemoteSite> sites;
  std::vector<Link> links;
  std::vector<Service> services;
};

[[nodiscard]] StatusDocument read_status(const Json& document);

}  // namespace van::cli
