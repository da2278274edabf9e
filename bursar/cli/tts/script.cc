#include "bursar/cli/tts/script.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bursar::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr auto kLinger = milliseconds(500);  // of output that a command which ended left open
constexpr int kPollMs = 50;

struct Fd {
  explicit Fd(int fd) : value(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { close(); }
  void close() {
    if (value >= 0) ::close(value);
    value = -1;
  }
  int value;
};

tl::unexpected<Error> refused(const std::string& command, const std::string& what) {
  return fail(ErrorCode::kUnavailable, command + ": " + what + ": " + std::strerror(errno));
}

// The input lies in memory before the command starts: it can neither block on it nor be blocked by it.
bool fill(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return ::lseek(fd, 0, SEEK_SET) == 0;
}

[[noreturn]] void become(const char* command, int in, int out) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::execl("/bin/sh", "sh", "-c", command, static_cast<char*>(nullptr));
  ::_exit(127);
}

struct Child {
  pid_t pid = -1;
  std::optional<int> status;

  void look() {
    int s = 0;
    if (!status && ::waitpid(pid, &s, WNOHANG) == pid) status = s;
  }
  // Ends the group, and waits for its leader, which cannot refuse.
  void end() {
    ::kill(-pid, SIGKILL);
    int s = 0;
    while (!status && ::waitpid(pid, &s, 0) < 0 && errno == EINTR) {
    }
    if (!status) status = s;
  }
};

Result<std::string> read_until(Child& child, int out, Clock::time_point deadline, const std::string& command) {
  std::string text;
  bool open = true;
  std::optional<Clock::time_point> ended;
  while (open || !child.status) {
    child.look();
    const auto now = Clock::now();
    if (child.status && !ended) ended = now;
    if (ended && now > *ended + kLinger) break;
    if (now > deadline)
      return fail(ErrorCode::kTimeout, command + ": took longer than it may (--timeout); it was killed");
    pollfd one{.fd = open ? out : -1, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&one, 1, kPollMs);
    if (ready <= 0) continue;
    char buffer[1 << 14];
    const ssize_t n = ::read(out, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      open = false;
      continue;
    }
    text.append(buffer, static_cast<std::size_t>(n));
    if (text.size() > kMostScriptOutput) return fail(ErrorCode::kExhausted, command + ": printed more than 1 MiB");
  }
  return text;
}

}  // namespace

Result<std::string> run_script(const std::string& command, std::string_view input, milliseconds timeout) {
  Fd in(::memfd_create("bursar-script-input", MFD_CLOEXEC));
  if (in.value < 0 || !fill(in.value, input)) return refused(command, "its input cannot be written");
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return refused(command, "cannot be started");
  Fd from(ends[0]), to(ends[1]);
  Child child{.pid = ::fork()};
  if (child.pid < 0) return refused(command, "cannot be started");
  if (child.pid == 0) become(command.c_str(), in.value, to.value);
  ::setpgid(child.pid, child.pid);  // whoever is first
  to.close();
  auto text = read_until(child, from.value, Clock::now() + timeout, command);
  child.end();
  if (!text) return text;
  const int status = *child.status;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  if (WIFEXITED(status))
    return fail(ErrorCode::kUnavailable, command + ": ended with status " + std::to_string(WEXITSTATUS(status)) +
                                             (WEXITSTATUS(status) == 127 ? "; is it there, and can it be run?" : ""));
  return fail(ErrorCode::kUnavailable, command + ": was ended by signal " + std::to_string(WTERMSIG(status)));
}

}  // namespace bursar::cli
