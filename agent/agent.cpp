#include "agent/agent.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "agent/api.h"
#include "agent/atomic_file.h"
#include "agent/config.h"
#include "agent/http_server.h"
#include "agent/lock_file.h"
#include "agent/log.h"
#include "agent/site.h"
#include "core/io/listener.h"
#include "core/io/signal.h"
#include "core/link/log.h"
#include "core/tls/secure_random.h"
#include "core/tls/self_check.h"

namespace van::agent {
namespace {

/// As the system calls it; without the domain.
std::string machine_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "site";
  const std::string text{name.data()};
  return text.substr(0, text.find('.'));
}

/// One line: who started us may show only the last one.
int complain(const Error& error) {
  const std::string hint = error.hint.empty() ? "" : " (" + error.hint + ")";
  std::fprintf(stderr, "vanctl: agent: %s%s\n", error.message.c_str(), hint.c_str());
  return error.code == Error::Code::conflict ? 6 : 1;
}

Result<std::unique_ptr<Logs>> open_logs(const AgentOptions& options, const Config& config) {
  const auto level = log_level(options.verbose ? "debug" : config.log_level);
  VAN_ASSERT(level);  // the table of keys lets no other word pass
  return Logs::open({.file = options.paths.log_file(),
                     .file_bytes = static_cast<std::size_t>(config.log_file_bytes),
                     .files = static_cast<std::size_t>(config.log_files),
                     .level = *level,
                     .standard_error = !options.quiet});
}

Result<void> check_tls(spdlog::logger& log) {
  const tls::SelfCheck check = tls::run_self_check();
  if (!check.vector_ok)
    return Unexpected{Error{Error::Code::failed, "encryption does not work: AES-GCM gives wrong results",
                            "mbedTLS or libcrypto of this machine is broken, or not the one this program was built for"}};
  if (check.seam_active) {
    log.info("fast AES-GCM active");
  } else {
    log.warn("fast AES-GCM not active");
  }
  return {};
}

/// Everything of the process that runs on the loop, in the order in which it depends on each other.
class Agent {
 public:
  Agent(const AgentOptions& options, const Config& config, Logs& logs)
      : options_{options},
        idle_timeout_{std::chrono::seconds{config.idle_timeout_s}},
        proxy_{config.proxy_socks, config.proxy_http},
        workers_{static_cast<std::uint32_t>(config.workers)},
        logs_{logs},
        log_{logs.component("agent")},
        started_{io::Loop::now()} {}

  Result<void> run() {
    // Before anybody can know that we are here: who is told to end early ends in order, too.
    for (const int signum : {SIGTERM, SIGINT})
      signals_.push_back(std::make_unique<io::SignalWatcher>(loop_, signum, [this] { stop(); }));
    auto site = Site::open({loop_, random_, logs_, StateStore{options_.paths.state_file()}, machine_name(), idle_timeout_, proxy_, workers_});
    if (!site) return Unexpected{site.error()};
    site_ = *std::move(site);
    server_.emplace(loop_, [this](ExchangeId exchange, const HttpRequest& request) { api_->handle(exchange, request); });
    api_.emplace(Api::Parts{*server_, *site_, logs_, options_.paths.profile, started_, [this] { stop(); }});
    const auto listening = listen();
    if (!listening) return listening;
    log_.info("agent started version={} profile={} pid={}", VAN_VERSION, options_.paths.profile, ::getpid());
    loop_.run();
    log_.info("agent ended");
    return {};
  }

 private:
  Result<void> listen() {
    const std::filesystem::path& socket = options_.paths.control_socket;
    const auto folder = make_private_folder(socket.parent_path());
    if (!folder) return folder;
    auto listener = io::LocalListener::listen(loop_, socket.string(),
                                              [this](std::unique_ptr<io::Stream> stream) { server_->accept(std::move(stream)); });
    if (!listener) return Unexpected{from_io(listener.error(), "the control socket")};
    listener_ = *std::move(listener);
    return {};
  }

  /// Tells the neighbours, lets the answers out, then ends the loop.
  void stop() {
    if (std::exchange(stopping_, true)) return;
    log_.info("agent is stopping");
    listener_.reset();
    site_->close();
    server_->flush([this] { loop_.post([this] { loop_.stop(); }); });
  }

  const AgentOptions& options_;
  Duration idle_timeout_;
  ProxyState proxy_;
  std::uint32_t workers_;
  Logs& logs_;
  spdlog::logger& log_;
  TimePoint started_;
  tls::SystemRandom random_;
  io::Loop loop_;
  std::unique_ptr<Site> site_;
  std::optional<HttpServer> server_;
  std::optional<Api> api_;
  std::unique_ptr<io::LocalListener> listener_;
  std::vector<std::unique_ptr<io::SignalWatcher>> signals_;
  bool stopping_ = false;
};

Result<void> run_locked(const AgentOptions& options) {
  const auto config = load_config(options.paths.config_file());
  if (!config) return Unexpected{config.error()};
  const auto logs = open_logs(options, *config);
  if (!logs) return Unexpected{logs.error()};
  spdlog::logger& log = (*logs)->component("agent");
  auto done = check_tls(log);
  if (done) done = Agent{options, *config, **logs}.run();
  if (!done) log.error("agent can't run: {}", done.error().message);
  return done;
}

}  // namespace

int run_agent(const AgentOptions& options) {
  ::umask(0077);
  const auto folder = make_private_folder(options.paths.state_folder);
  if (!folder) return complain(folder.error());
  const auto lock = LockFile::acquire(options.paths.lock_file());
  if (!lock) return complain(lock.error());
  const auto done = run_locked(options);
  return done ? 0 : complain(done.error());
}

}  // namespace van::agent
