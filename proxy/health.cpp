#include "proxy/health.h"

#include <algorithm>
#include <utility>

#include "core/link/log.h"

namespace van::proxy {
namespace {

constexpr std::chrono::milliseconds kFirstProbe{250};  ///< after a failure; each wait is twice the last one
constexpr std::chrono::seconds kSlowestProbe{2};       ///< without a check

/// Our own want of files or memory says nothing of the target.
bool is_ours(const io::Error& error) { return error.code == io::Error::Code::no_space; }

}  // namespace

std::string_view to_text(HealthState state) {
  switch (state) {
    case HealthState::up: return "up";
    case HealthState::checking: return "checking";
    case HealthState::down: return "down";
  }
  return {};
}

Health::Health(io::Loop& loop, spdlog::logger& log, std::string name, Target& target, const HealthCheck& check,
               std::function<void()> changed)
    : loop_{loop},
      log_{log},
      name_{std::move(name)},
      target_{target},
      check_{check},
      changed_{std::move(changed)},
      state_{check.kind == HealthCheck::Kind::none && !target.tls() ? HealthState::up : HealthState::checking},
      wait_{kFirstProbe},
      timer_{loop, [this] { probe(); }} {
  if (state_ == HealthState::up) return;
  trouble_ = "not asked yet whether it works";
  probe();
}

void Health::target_failed(const io::Error& error) {
  if (is_ours(error)) return log_.error("target not tried address={} target={} why=\"{}\"", name_, target_.endpoint().text(), error.message);
  if (state_ != HealthState::up) return;  // one of several that failed together
  probe_.reset();
  set(HealthState::down, error.message);
  arm();
}

void Health::stop() {
  timer_.cancel();
  probe_.reset();
}

void Health::probe() {
  probe_ = std::make_unique<Probe>(loop_, target_, check_, [this](const io::Result<void>& result) { probed(result); });
}

void Health::probed(const io::Result<void>& result) {
  probe_.reset();
  if (result) {
    succeeded();
  } else if (!is_ours(result.error())) {
    failed(result.error());
  }
  arm();
}

void Health::succeeded() {
  failures_ = 0;
  if (state_ != HealthState::up && ++successes_ >= check_.successes) set(HealthState::up, {});
}

void Health::failed(const io::Error& error) {
  successes_ = 0;
  if (state_ == HealthState::up && ++failures_ < check_.failures) return;
  set(HealthState::down, error.message);
}

void Health::set(HealthState state, const std::string& trouble) {
  trouble_ = trouble;
  if (std::exchange(state_, state) == state) return;
  failures_ = successes_ = 0;
  wait_ = kFirstProbe;
  if (state == HealthState::up) {
    log_.info("target works, address offered address={} target={}", name_, target_.endpoint().text());
  } else {
    log_.warn("target fails, address not offered address={} target={} why=\"{}\"", name_, target_.endpoint().text(), trouble);
  }
  changed_();
}

void Health::arm() {
  const bool asked = check_.kind != HealthCheck::Kind::none;
  if (state_ == HealthState::up && !asked) return;
  const Duration slowest = asked ? Duration{check_.interval} : Duration{kSlowestProbe};
  if (state_ == HealthState::up || successes_ > 0) return timer_.arm(slowest);
  timer_.arm(std::min(wait_, slowest));
  wait_ = std::min(wait_ * 2, slowest);
}

}  // namespace van::proxy
