#include "core/io/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "core/io/file_descriptor.h"

extern char** environ;

namespace van::io {
namespace {

/// Strings as exec wants them; `strings` must outlive the result.
std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (const std::string& text : strings) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> with_program(const Command& command) {
  std::vector<std::string> result{command.program};
  result.insert(result.end(), command.arguments.begin(), command.arguments.end());
  return result;
}

FileDescriptor open_output(const std::string& path) {
  return FileDescriptor{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
}

/// posix_spawn's two argument objects.
class SpawnSetup {
 public:
  SpawnSetup() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  /// A new session, no blocked signals, and none of our ignored ones (SIGPIPE).
  void background() {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_,
                             static_cast<short>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  }
  void standard_streams(int in, int out) {
    posix_spawn_file_actions_adddup2(&actions_, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, out, STDERR_FILENO);
  }
  int spawn(pid_t& pid, const Command& command) const {
    const auto arguments = with_program(command);
    const auto argument_pointers = pointers(arguments);
    const auto environment_pointers = command.environment ? pointers(*command.environment) : std::vector<char*>{};
    char* const* environment = command.environment ? environment_pointers.data() : environ;
    return posix_spawnp(&pid, command.program.c_str(), &actions_, &attributes_, argument_pointers.data(), environment);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

Result<int> spawn_detached(const Command& command) {
  const FileDescriptor nothing{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (!nothing) return Unexpected{error_from_errno(errno, "open /dev/null")};
  const FileDescriptor output = command.output_path.empty() ? FileDescriptor{} : open_output(command.output_path);
  if (!output && !command.output_path.empty()) {
    return Unexpected{error_from_errno(errno, "open " + command.output_path)};
  }

  SpawnSetup setup;
  setup.background();
  setup.standard_streams(nothing.get(), output ? output.get() : nothing.get());
  pid_t pid = 0;
  const int number = setup.spawn(pid, command);
  if (number != 0) return Unexpected{error_from_errno(number, "start " + command.program)};
  return pid;
}

struct Child::Node {
  uv_process_t uv{};
  OnExit on_exit;
  bool running = false;
};

void Child::Close::operator()(Node* node) const noexcept {
  uv_close(reinterpret_cast<uv_handle_t*>(&node->uv),
           [](uv_handle_t* handle) noexcept { delete static_cast<Node*>(handle->data); });
}

Result<std::unique_ptr<Child>> Child::spawn(Loop& loop, const Command& command, OnExit on_exit) {
  const FileDescriptor output = command.output_path.empty() ? FileDescriptor{} : open_output(command.output_path);
  if (!output && !command.output_path.empty()) {
    return Unexpected{error_from_errno(errno, "open " + command.output_path)};
  }
  const auto arguments = with_program(command);
  auto argument_pointers = pointers(arguments);
  auto environment_pointers = command.environment ? pointers(*command.environment) : std::vector<char*>{};
  std::array<uv_stdio_container_t, 3> streams{};
  streams[0].flags = UV_IGNORE;
  for (int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    auto& stream = streams[static_cast<std::size_t>(fd)];
    stream.flags = UV_INHERIT_FD;
    stream.data.fd = output ? output.get() : fd;
  }

  uv_process_options_t options{};
  options.file = command.program.c_str();
  options.args = argument_pointers.data();
  options.env = command.environment ? environment_pointers.data() : nullptr;
  options.flags = UV_PROCESS_DETACHED;  // a group of its own, so that kill() reaches what it starts
  options.stdio = streams.data();
  options.stdio_count = static_cast<int>(streams.size());
  options.exit_cb = [](uv_process_t* process, std::int64_t code, int signum) noexcept {
    auto* node = static_cast<Node*>(process->data);
    node->running = false;
    node->on_exit(Exit{.code = static_cast<int>(code), .signal = signum});
  };

  std::unique_ptr<Node, Close> node{new Node{}};
  node->on_exit = std::move(on_exit);
  node->uv.data = node.get();
  const int status = uv_spawn(loop.uv(), &node->uv, &options);
  if (status < 0) return Unexpected{error_from_status(status, "start " + command.program)};
  node->running = true;
  return std::unique_ptr<Child>{new Child{std::move(node)}};
}

Child::Child(std::unique_ptr<Node, Close> node) : node_{std::move(node)} {}

Child::~Child() {
  if (!node_->running) return;
  kill(SIGKILL);
  while (::waitpid(pid(), nullptr, 0) < 0 && errno == EINTR) continue;  // else it would stay as a zombie
}

int Child::pid() const { return uv_process_get_pid(&node_->uv); }

bool Child::running() const { return node_->running; }

void Child::kill(int signum) {
  if (node_->running) ::kill(-pid(), signum);
}

}  // namespace van::io
