#include "bursar/broker/upstream/guard.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bursar::broker {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kOrders = 3;
constexpr int kGuardArguments = 6;  // name, word, memory, files, directory, command
constexpr std::chrono::milliseconds kGrace{1000};

void set_limit(decltype(RLIMIT_AS) what, rlim_t value) {
  rlimit limit{};
  ::getrlimit(what, &limit);
  if (limit.rlim_max == RLIM_INFINITY || value < limit.rlim_max) limit.rlim_max = value;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(what, &limit);
}

[[noreturn]] void become_program(char** argv, const sigset_t& handled) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // should the guard itself be killed
  ::sigprocmask(SIG_UNBLOCK, &handled, nullptr);
  const rlim_t memory = std::strtoull(argv[2], nullptr, 10), files = std::strtoull(argv[3], nullptr, 10);
  if (memory > 0) set_limit(RLIMIT_AS, memory);
  if (files > 0) set_limit(RLIMIT_NOFILE, files);
  set_limit(RLIMIT_CORE, 0);
  const char* directory = argv[4];
  if (*directory != '\0' && ::chdir(directory) != 0) {
    ::dprintf(2, "bursar: cannot enter directory %s: %s\n", directory, std::strerror(errno));
    ::_exit(127);
  }
  ::close(kOrders);
  ::execvp(argv[5], argv + 5);
  ::dprintf(2, "bursar: cannot execute %s: %s\n", argv[5], std::strerror(errno));
  ::_exit(127);
}

// Every process below us is our child or becomes it when its parent dies; so killing children until there are none ends
// the whole tree, also what left the program's group or session.
void kill_children() {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%d/children", static_cast<int>(::getpid()));
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  char text[4096];
  pid_t pid = 0;
  for (ssize_t n = 0; (n = ::read(fd, text, sizeof text)) > 0;) {
    for (ssize_t i = 0; i < n; ++i) {
      if (text[i] >= '0' && text[i] <= '9') {
        pid = pid * 10 + (text[i] - '0');
      } else if (pid > 0) {
        ::kill(pid, SIGKILL);
        pid = 0;
      }
    }
  }
  ::close(fd);
}

class Guard {
 public:
  Guard(pid_t program, int signals) : program_(program), signals_(signals) {}

  int run() {
    while (!reap()) {
      pollfd watched[2] = {{.fd = signals_, .events = POLLIN, .revents = 0},
                           {.fd = orders_, .events = POLLIN, .revents = 0}};
      (void)::poll(watched, 2, timeout());
      if (watched[0].revents != 0) read_signals();
      if (watched[1].revents != 0) read_order();
      if (killing_ || (ending_ && Clock::now() >= kill_at_)) kill_tree();
    }
    return status_;
  }

 private:
  // True when nothing is left below us.
  bool reap() {
    for (;;) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, WNOHANG);
      if (pid == 0) return false;
      if (pid < 0) return errno == ECHILD;
      if (pid != program_) continue;
      status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      program_gone_ = true;
      kill_tree();
    }
  }

  int timeout() const {
    if (killing_) return 10;  // children of what was killed may only now have become ours
    if (!ending_) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(kill_at_ - Clock::now()).count();
    return left > 0 ? static_cast<int>(left) : 0;
  }

  void read_signals() {
    signalfd_siginfo info;
    while (::read(signals_, &info, sizeof info) == sizeof info) {
      if (info.ssi_signo != SIGCHLD) end();
    }
  }

  void read_order() {
    char order = 0;
    const ssize_t n = ::read(kOrders, &order, 1);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {  // the gateway is gone, or wants no more of us
      orders_ = -1;
      end();
    } else if (order == kGuardTerminate) {
      terminate();
    } else if (order == kGuardKill) {
      kill_tree();
    }
  }

  void end() {
    if (ending_) return;
    ending_ = true;
    kill_at_ = Clock::now() + kGrace;
    terminate();
  }

  void terminate() const {
    if (!program_gone_) ::kill(-program_, SIGTERM);
  }

  void kill_tree() {
    killing_ = true;
    if (!program_gone_) ::kill(-program_, SIGKILL);
    kill_children();
  }

  pid_t program_;
  int signals_;
  int orders_ = kOrders;
  int status_ = 0;
  bool program_gone_ = false, ending_ = false, killing_ = false;
  Clock::time_point kill_at_;
};

[[noreturn]] void run_guard(char** argv) {
  ::prctl(PR_SET_NAME, "bursar-guard");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::fcntl(kOrders, F_SETFD, FD_CLOEXEC);
  sigset_t handled;
  sigemptyset(&handled);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&handled, signal);
  ::sigprocmask(SIG_BLOCK, &handled, nullptr);
  const int signals = ::signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
  const pid_t program = ::fork();
  if (program == 0) become_program(argv, handled);
  if (program < 0) {
    ::dprintf(2, "bursar: cannot start %s: %s\n", argv[5], std::strerror(errno));
    ::_exit(127);
  }
  ::setpgid(program, program);  // both sides do it, so that no order comes too early
  // The program's pipes are its own: their other ends must see when it closes them.
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; ++fd) ::dup2(null, fd);
  ::_exit(Guard(program, signals).run());
}

__attribute__((constructor)) void become_guard_if_asked(int argc, char** argv, char**) {
  if (argc >= kGuardArguments && std::string_view(argv[1]) == guard_word()) run_guard(argv);
}

}  // namespace

std::string_view guard_word() { return "internal-guard"; }

}  // namespace bursar::broker
