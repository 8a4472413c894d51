#pragma once

#include <memory>
#include <string>

#include "agent/log.h"
#include "agent/site.h"
#include "core/io/loop.h"
#include "core/tls/secure_random.h"
#include "tests/agent/temporary_folder.h"
#include "tests/support/catch.h"

namespace van::test {

/// A profile with a folder of its own; its site can be opened again as after a restart of the agent.
class Profile {
 public:
  explicit Profile(io::Loop& loop) : loop_{loop}, logs_{make_logs()} { open(); }

  void open() {
    auto opened = agent::Site::open({loop_, random_, *logs_, agent::StateStore{state_file()}, "box"});
    INFO((opened ? std::string{} : opened.error().message));
    REQUIRE(opened);
    site_ = *std::move(opened);
  }
  void restart() {
    site_.reset();
    open();
  }
  agent::Site& operator*() { return *site_; }
  agent::Site* operator->() { return site_.get(); }
  agent::Logs& logs() { return *logs_; }
  [[nodiscard]] std::filesystem::path state_file() const { return folder_ / "state.toml"; }
  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }
  [[nodiscard]] std::string saved() const { return content_of(state_file()); }

  /// From now on nothing can be saved: a folder is in the place of the file that is written first.
  void break_disk() {
    std::filesystem::create_directory(state_file().string() + ".new");
    write_file(std::filesystem::path{state_file().string() + ".new"} / "in the way", "");
  }
  void mend_disk() { std::filesystem::remove_all(state_file().string() + ".new"); }

 private:
  static std::unique_ptr<agent::Logs> make_logs() {
    auto logs = agent::Logs::open({.file = {}});
    REQUIRE(logs);
    return *std::move(logs);
  }

  io::Loop& loop_;
  TemporaryFolder folder_;
  tls::SystemRandom random_;
  std::unique_ptr<agent::Logs> logs_;
  std::unique_ptr<agent::Site> site_;
};

/// An interior site that listens on ports which the system picked.
inline agent::CreateSite loopback_site(const std::string& name) {
  agent::CreateSite command;
  command.name = name;
  command.listen = "127.0.0.1:0";
  command.listen_edge = "127.0.0.1:0";
  return command;
}

/// Joins and runs the loop until the outcome is there.
inline agent::Result<agent::Joined> join(io::Loop& loop, agent::Site& site, const agent::Join& command) {
  std::optional<agent::Result<agent::Joined>> outcome;
  site.join(command, [&outcome](agent::Result<agent::Joined> result) { outcome = std::move(result); });
  loop.run_until([&outcome] { return outcome.has_value(); });
  return *outcome;
}

}  // namespace van::test
