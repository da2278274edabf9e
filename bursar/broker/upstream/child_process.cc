#include "bursar/broker/upstream/child_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "bursar/broker/upstream/guard.h"

namespace bursar::broker {
namespace {

constexpr int kFirstFreeFd = 10;  // above the numbers that the guard's own descriptors get

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_fd(read_end);
    close_fd(write_end);
  }
  bool open() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) return false;
    read_end = ::fcntl(fds[0], F_DUPFD_CLOEXEC, kFirstFreeFd);
    write_end = ::fcntl(fds[1], F_DUPFD_CLOEXEC, kFirstFreeFd);
    ::close(fds[0]);
    ::close(fds[1]);
    return read_end >= 0 && write_end >= 0;
  }
};

std::vector<std::string> environment_of(const ChildSpec& spec) {
  std::map<std::string, std::string> all;
  for (const char* name : {"PATH", "HOME", "LANG", "TMPDIR"}) {
    if (const char* value = std::getenv(name)) all[name] = value;
  }
  if (all["PATH"].empty()) all["PATH"] = "/usr/local/bin:/usr/bin:/bin";
  for (const auto& [name, value] : spec.env) all[name] = value;
  std::vector<std::string> out;
  for (const auto& [name, value] : all) out.push_back(name + '=' + value);
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

Result<void> check(const ChildSpec& spec) {
  const auto has_nul = [](const std::string& s) { return s.find('\0') != std::string::npos; };
  if (spec.command.empty()) return invalid_argument("command is empty; name the program to start");
  if (has_nul(spec.command) || std::any_of(spec.args.begin(), spec.args.end(), has_nul)) {
    return invalid_argument("command or args of " + spec.command.substr(0, spec.command.find('\0')) +
                            " hold a NUL byte");
  }
  for (const auto& [name, value] : spec.env) {
    const bool bad = name.empty() || name.find('=') != std::string::npos || has_nul(name) || has_nul(value);
    if (bad) return invalid_argument("env of " + spec.command + ": a name must not be empty or hold = or NUL");
  }
  return {};
}

tl::unexpected<Error> cannot_start(const ChildSpec& spec, int error) {
  return fail(ErrorCode::kUnavailable, "cannot start " + spec.command + ": " + std::strerror(error), true);
}

// posix_spawn of this executable with the guard's descriptors in place; returns an errno.
int spawn_guard(std::vector<std::string> args, std::vector<std::string> env, const std::array<int, 4>& fds,
                pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  for (int i = 0; i < 4; ++i) posix_spawn_file_actions_adddup2(&actions, fds[static_cast<std::size_t>(i)], i);
  posix_spawn_file_actions_addclosefrom_np(&actions, 4);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const auto argv = pointers(args);
  const auto envp = pointers(env);
  const int error = ::posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error;
}

void set_nonblocking(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

}  // namespace

Result<ChildProcess> ChildProcess::start(const ChildSpec& spec) {
  if (auto ok = check(spec); !ok) return tl::unexpected(ok.error());
  Pipe in, out, err, life;
  if (!in.open() || !out.open() || !err.open() || !life.open()) return cannot_start(spec, errno);
  std::vector<std::string> args{"bursar",
                                std::string(guard_word()),
                                std::to_string(spec.memory_bytes),
                                std::to_string(spec.open_files),
                                spec.directory,
                                spec.command};
  args.insert(args.end(), spec.args.begin(), spec.args.end());
  ChildProcess child;
  const std::array<int, 4> fds{in.read_end, out.write_end, err.write_end, life.read_end};
  if (const int error = spawn_guard(std::move(args), environment_of(spec), fds, child.guard_))
    return cannot_start(spec, error);
  child.fds_[kIn] = std::exchange(in.write_end, -1);
  child.fds_[kOut] = std::exchange(out.read_end, -1);
  child.fds_[kErr] = std::exchange(err.read_end, -1);
  child.fds_[kLife] = std::exchange(life.write_end, -1);
  child.fds_[kExit] = static_cast<int>(::syscall(SYS_pidfd_open, child.guard_, 0));
  for (const int fd : {kIn, kOut, kErr, kLife}) set_nonblocking(child.fds_[fd]);
  if (child.fds_[kExit] < 0) return cannot_start(spec, errno);
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept { *this = std::move(other); }

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this == &other) return *this;
  close_all();
  for (int i = 0; i < kFds; ++i) fds_[i] = std::exchange(other.fds_[i], -1);
  guard_ = std::exchange(other.guard_, -1);
  status_ = std::exchange(other.status_, std::nullopt);
  return *this;
}

ChildProcess::~ChildProcess() { close_all(); }

void ChildProcess::close_all() {
  for (int& fd : fds_) close_fd(fd);
}

void ChildProcess::close_stdin() { close_fd(fds_[kIn]); }

// A guard that is gone already needs no order; the pipe is never full, it carries two bytes at most.
void ChildProcess::terminate() {
  if (fds_[kLife] >= 0) (void)!::write(fds_[kLife], &kGuardTerminate, 1);
}

void ChildProcess::kill_now() {
  if (fds_[kLife] >= 0) (void)!::write(fds_[kLife], &kGuardKill, 1);
}

std::optional<int> ChildProcess::exit_status() {
  if (status_ || guard_ < 0) return status_;
  int status = 0;
  const pid_t reaped = ::waitpid(guard_, &status, WNOHANG);
  if (reaped == guard_) status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (reaped < 0 && errno == ECHILD) status_ = 255;  // somebody else reaped it
  return status_;
}

std::optional<int> ChildProcess::wait(std::chrono::milliseconds at_most) {
  if (status_ || fds_[kExit] < 0) return status_;
  pollfd gone{.fd = fds_[kExit], .events = POLLIN, .revents = 0};
  (void)::poll(&gone, 1, static_cast<int>(at_most.count()));
  return exit_status();
}

}  // namespace bursar::broker
