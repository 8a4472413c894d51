// Whole routers on a simulated network, with faults and enemies; every run is that of its seed. What must hold is in
// run.cpp, traffic.h and reference.h.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>

#include <unistd.h>

#include "core/base/random.h"
#include "tests/simulation/options.h"
#include "tests/simulation/run.h"

using namespace van;
using namespace van::simulation;

namespace {

char command_line[512];  // of the run under way, for the signal handler

void died(int signal) {
  constexpr char kWords[] = "\nto repeat: ";
  [[maybe_unused]] auto written = write(STDERR_FILENO, kWords, sizeof kWords - 1);
  written = write(STDERR_FILENO, command_line, std::strlen(command_line));
  written = write(STDERR_FILENO, "\n", 1);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

bool run_one(const Options& options) {
  const std::string command = options.command();
  std::snprintf(command_line, sizeof command_line, "%s", command.c_str());
  const auto began = std::chrono::steady_clock::now();
  const Outcome outcome = run(options);
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::printf("%s: %s, %zu faults, %zu streams (%zu whole, %zu failed), %.1f MB, %llu messages, converged after %.0f s, hash %016llx, %.1f s\n", command.c_str(),
              outcome.good() ? "good" : "BROKEN", outcome.faults, outcome.streams, outcome.succeeded, outcome.failed, static_cast<double>(outcome.octets) / 1e6,
              static_cast<unsigned long long>(outcome.messages), outcome.converged_after, static_cast<unsigned long long>(outcome.hash), wall);
  if (!outcome.good()) std::printf("  %s\n  to repeat: %s\n", outcome.broken.c_str(), command.c_str());
  std::fflush(stdout);
  if (!outcome.good() || !options.twice) return outcome.good();
  if (run(options).hash == outcome.hash) return true;
  std::printf("  the same seed gave another run\n  to repeat: %s --twice\n", command.c_str());
  return false;
}

Options fresh(Rng& rng) {
  Options options;
  options.seed = rng.next() >> 16;
  options.seconds = 60 + static_cast<unsigned>(rng.below(240));
  options.interiors = rng.below(6) == 0 ? 20 + static_cast<unsigned>(rng.below(20)) : 2 + static_cast<unsigned>(rng.below(14));
  options.edges = static_cast<unsigned>(rng.below(2 * options.interiors + 1));
  if (rng.below(3) == 0) options.faults &= static_cast<unsigned>(rng.next());
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse_options(argc, argv);
  if (!options) return 2;
  for (const int signal : {SIGABRT, SIGSEGV, SIGFPE, SIGILL}) std::signal(signal, died);
  unsigned passed = 0, failed = 0;
  if (options->fresh) {
    std::random_device device;
    Rng rng{std::uint64_t{device()} << 32 | device()};
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{options->wall_seconds};
    while (std::chrono::steady_clock::now() < end) ++(run_one(fresh(rng)) ? passed : failed);
  } else {
    Options each = *options;
    for (unsigned i = 0; i < options->runs; ++i, ++each.seed) ++(run_one(each) ? passed : failed);
  }
  std::printf("%u passed, %u failed\n", passed, failed);
  return failed > 0 ? 1 : 0;
}
