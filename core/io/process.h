#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/io/error.h"
#include "core/io/loop.h"

namespace van::io {

struct Command {
  std::string program;                                  ///< a path, or a name looked up in PATH
  std::vector<std::string> arguments;                   ///< without the program itself
  std::optional<std::vector<std::string>> environment;  ///< "NAME=value"; absent: ours
  /// Appended to by standard output and error, created with mode 0600. Empty: a child inherits ours, a background
  /// process has none.
  std::string output_path;
};

/// Starts a background process: in a session of its own, standard input from /dev/null, in no relation to any
/// loop; it goes on when we end. Returns its process id. Errors: not_found, permission, no_space. For a caller that
/// ends soon itself: nobody waits for the process, so one that ends before the caller stays as a zombie until then.
Result<int> spawn_detached(const Command& command);

/// A child process in a process group of its own, standard input from /dev/null.
class Child {
 public:
  struct Exit {
    int code = 0;    ///< when signal is 0
    int signal = 0;  ///< which killed it
  };
  using OnExit = std::function<void(Exit)>;

  /// `on_exit` comes once, on the loop thread, and may destroy the Child; never after ~Child().
  static Result<std::unique_ptr<Child>> spawn(Loop& loop, const Command& command, OnExit on_exit);

  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  /// Kills the group (SIGKILL) if the child still runs, and waits for it. To let it end in order: kill(SIGTERM),
  /// then wait for on_exit.
  ~Child();

  [[nodiscard]] int pid() const;
  [[nodiscard]] bool running() const;
  /// Sends a signal to the child and what it started; nothing once it has ended.
  void kill(int signum);

 private:
  struct Node;
  struct Close {
    void operator()(Node* node) const noexcept;
  };
  explicit Child(std::unique_ptr<Node, Close> node);
  std::unique_ptr<Node, Close> node_;
};

}  // namespace van::io
