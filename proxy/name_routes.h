#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/limits.h"
#include "core/io/timer.h"
#include "proxy/directory.h"
#include "proxy/service.h"
#include "proxy/service_name.h"

namespace van::proxy {

class NamedStream;

/// The services that were asked for by name a short while ago: each is used (Node::add_producer) from the first question until
/// nobody has asked for `idle`. At most limits::kNameServices at once; one that is not in use makes room.
class NameRoutes {
 public:
  /// A service that is used as long as this lives, which NameRoutes must outlive.
  class Use;

  NameRoutes(const Parts& parts, const Directory& directory, Duration idle = limits::kNameIdle);  ///< the first two must outlive it
  ~NameRoutes();
  NameRoutes(const NameRoutes&) = delete;
  NameRoutes& operator=(const NameRoutes&) = delete;

  /// The service that a host name means (find_service()).
  Expected<Use, NameRefusal> find(std::string_view host, std::uint16_t port);
  [[nodiscard]] std::vector<KnownService> known() const { return directory_.services(); }
  [[nodiscard]] const Parts& parts() const { return parts_; }
  [[nodiscard]] std::size_t size() const { return routes_.size(); }

 private:
  friend class NamedStream;
  struct Route;

  Route* route_to(const std::string& address);
  Route* known_already(const std::string& name, std::uint16_t port);
  bool make_room();
  void drop(std::map<std::string, std::unique_ptr<Route>>::iterator route);
  void drop_idle();

  Parts parts_;
  const Directory& directory_;
  std::map<std::string, std::unique_ptr<Route>> routes_;  // by address
  std::map<std::string, Route*, std::less<>> aliases_;    // by the host name that was asked for
  Duration idle_;
  io::Timer idle_timer_;
};

class NameRoutes::Use {
 public:
  Use() = default;  ///< of none
  Use(Use&& other) noexcept : route_{std::exchange(other.route_, nullptr)} {}
  Use& operator=(Use&& other) noexcept {
    std::swap(route_, other.route_);
    return *this;
  }
  ~Use();
  [[nodiscard]] Protocol protocol() const;  ///< of a service

 private:
  friend class NameRoutes;
  friend class NamedStream;
  explicit Use(Route& route);
  Route* route_ = nullptr;
};

}  // namespace van::proxy
