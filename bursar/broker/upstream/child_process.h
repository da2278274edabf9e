// Starts the program of a stdio server so that it can never outlive this process, whatever tree of processes it grows.
//
//   auto child = ChildProcess::start({.command = "npx", .args = {"-y", "@scope/server"}});
//   if (!child) return report(child.error());
//   write(child->stdin_fd(), …); read(child->stdout_fd(), …);
//   child->close_stdin(); … child->terminate(); … child->kill_now();   // the order of a decent end
//
// Between us and the program stands a guard: this very executable, run again as "internal-guard". It leads a session of
// its own, adopts every orphan below it (PR_SET_CHILD_SUBREAPER), and watches a pipe that only we hold open. When the
// pipe closes, which the kernel does for us even after kill -9, it sends SIGTERM to the program's group, and kills what
// is left of the tree one second later; when the program ends by itself it kills what the program left behind. So when
// the guard is gone, the tree is gone. Any executable that links this file can be the guard: its constructor looks for
// the word before main() runs.
//
// The program is started by its argument vector, never through a shell, with a minimal environment (PATH, HOME, LANG,
// TMPDIR) and what `env` adds, no inherited descriptor but 0, 1 and 2, no blocked or ignored signal, and its limits
// set.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::broker {

struct ChildSpec {
  std::string command;  // found along PATH of the child's environment where it has no slash
  std::vector<std::string> args;
  std::map<std::string, std::string> env;
  std::string directory;         // empty: ours
  std::size_t memory_bytes = 0;  // RLIMIT_AS; 0: none
  std::size_t open_files = 1024;
};

// Not thread-safe. The destructor closes everything, which makes the guard end the tree; it does not wait.
class ChildProcess {
 public:
  // Errors: kInvalidArgument for an empty command or a NUL byte, kUnavailable where the system has no process or
  // descriptor left. A program that cannot be executed is seen by its end: exit status 127 and a line on stderr.
  [[nodiscard]] static Result<ChildProcess> start(const ChildSpec& spec);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  // Non-blocking ends of the pipes; -1 once released or closed. release_*: the caller owns it from here on.
  [[nodiscard]] int stdin_fd() const { return fds_[kIn]; }
  [[nodiscard]] int stdout_fd() const { return fds_[kOut]; }
  [[nodiscard]] int stderr_fd() const { return fds_[kErr]; }
  [[nodiscard]] int exit_fd() const { return fds_[kExit]; }  // pidfd of the guard: readable when the tree is gone
  [[nodiscard]] int release_stdin() { return std::exchange(fds_[kIn], -1); }
  [[nodiscard]] int release_stdout() { return std::exchange(fds_[kOut], -1); }
  [[nodiscard]] int release_stderr() { return std::exchange(fds_[kErr], -1); }
  [[nodiscard]] pid_t guard_pid() const { return guard_; }

  void close_stdin();
  void terminate();  // SIGTERM to the program's group
  void kill_now();   // SIGKILL to the whole tree

  // 0 … 255, or 128 + signal; absent while the tree lives. Reaps the guard.
  [[nodiscard]] std::optional<int> exit_status();
  [[nodiscard]] std::optional<int> wait(std::chrono::milliseconds at_most);

 private:
  enum { kIn, kOut, kErr, kLife, kExit, kFds };
  ChildProcess() = default;
  void close_all();

  int fds_[kFds] = {-1, -1, -1, -1, -1};
  pid_t guard_ = -1;
  std::optional<int> status_;
};

}  // namespace bursar::broker
