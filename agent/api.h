#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "agent/http_server.h"
#include "agent/log.h"
#include "agent/site.h"
#include "core/base/clock.h"

namespace van::agent {

/// The control API (docs/api.md): turns requests into commands of the Site, and their results into answers.
class Api {
 public:
  struct Parts {  ///< all must outlive the Api
    HttpServer& server;
    Site& site;
    Logs& logs;
    std::string profile;
    TimePoint started;
    std::function<void()> stop;  ///< ends the agent once the answers are written
  };
  explicit Api(Parts parts);

  void handle(ExchangeId exchange, const HttpRequest& request);

 private:
  struct Call {
    ExchangeId exchange;
    const HttpRequest& request;
    std::string name;  ///< what follows the path of a route that ends with '/'
  };
  struct Route {
    std::string_view method;
    std::string_view path;
    void (Api::*handler)(const Call& call);
  };
  static const Route kRoutes[];

  void get_status(const Call& call);
  void get_logs(const Call& call);
  void post_site(const Call& call);
  void delete_site(const Call& call);
  void post_token(const Call& call);
  void post_link(const Call& call);
  void delete_link(const Call& call);
  void delete_links(const Call& call);
  void post_exposure(const Call& call);
  void delete_exposures(const Call& call);
  void post_binding(const Call& call);
  void delete_bindings(const Call& call);
  void post_proxy(const Call& call);
  void delete_proxy(const Call& call);
  void get_events(const Call& call);
  void post_events(const Call& call);
  void post_stop(const Call& call);

  void refuse(ExchangeId exchange, int status, const Error& error);
  void fail(ExchangeId exchange, const Error& error);
  void reply(ExchangeId exchange, int status, const nlohmann::ordered_json& document);
  /// {} or the error.
  void reply_done(ExchangeId exchange, const Result<void>& result);
  [[nodiscard]] nlohmann::ordered_json status() const;

  Parts parts_;
  spdlog::logger& log_;
};

}  // namespace van::agent
