#include "bursar/broker/upstream/child_process.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <poll.h>
#include <sstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace bursar::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

ChildProcess started(ChildSpec spec) {
  auto child = ChildProcess::start(spec);
  EXPECT_TRUE(child.has_value()) << child.error().message;
  return std::move(*child);
}

ChildProcess shell(const std::string& script, ChildSpec spec = {}) {
  spec.command = "/bin/sh";
  spec.args = {"-c", script};
  return started(std::move(spec));
}

// What comes until `until` has been seen or the other side closes.
std::string read_until(int fd, std::string_view until, milliseconds at_most = seconds{10}) {
  std::string text;
  const auto deadline = Clock::now() + at_most;
  while (text.find(until) == std::string::npos && Clock::now() < deadline) {
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, 50) <= 0) continue;
    char piece[4096];
    const ssize_t n = ::read(fd, piece, sizeof piece);
    if (n == 0) break;
    if (n > 0) text.append(piece, static_cast<std::size_t>(n));
  }
  return text;
}

std::vector<pid_t> pids_in(const std::string& text) {
  std::vector<pid_t> pids;
  std::istringstream in(text);
  for (std::string word; in >> word;) {
    if (word.find_first_not_of("0123456789") == std::string::npos) pids.push_back(static_cast<pid_t>(std::stol(word)));
  }
  return pids;
}

// A zombie that waits for its reaper counts as gone.
bool alive(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(stat, line)) return false;
  const auto paren = line.rfind(')');
  return paren != std::string::npos && line.compare(paren + 2, 1, "Z") != 0;
}

bool all_gone(const std::vector<pid_t>& pids, milliseconds at_most) {
  const auto deadline = Clock::now() + at_most;
  for (;;) {
    bool any = false;
    for (const pid_t pid : pids) any = any || alive(pid);
    if (!any) return true;
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds{10});
  }
}

// Three levels, as npx -> sh -> node; one process that left the group, and one that ignores SIGTERM. Prints six
// numbers.
constexpr const char* kTree =
    "sh -c 'sleep 300 & echo $!; setsid sleep 301 & echo $!; sh -c \"trap \\\"\\\" TERM; echo \\$\\$; sleep 302 & echo "
    "\\$!; "
    "wait; wait; wait\" & wait' & echo $!; echo $$; wait";

std::vector<pid_t> tree_from(int fd) {
  std::string text;
  const auto deadline = Clock::now() + seconds{20};
  while (std::count(text.begin(), text.end(), '\n') < 6 && Clock::now() < deadline) text += read_until(fd, "\n");
  return pids_in(text);
}

TEST(ChildProcess, TalksOverItsPipesAndReportsItsEnd) {
  ChildProcess child = shell("read line; echo \"got $line\"; echo oops >&2; exit 7");
  ASSERT_EQ(::write(child.stdin_fd(), "hi\n", 3), 3);
  EXPECT_EQ(read_until(child.stdout_fd(), "\n"), "got hi\n");
  EXPECT_EQ(read_until(child.stderr_fd(), "\n"), "oops\n");
  EXPECT_EQ(child.wait(seconds{10}), 7);
}

TEST(ChildProcess, NeverGoesThroughAShell) {
  ChildProcess child = started({.command = "echo", .args = {"$HOME", ";", "ls *", "`id`"}});
  EXPECT_EQ(read_until(child.stdout_fd(), "\n"), "$HOME ; ls * `id`\n");
  EXPECT_EQ(child.wait(seconds{10}), 0);
}

TEST(ChildProcess, GivesAMinimalEnvironmentAndNoDescriptor) {
  ::setenv("BURSAR_TEST_SECRET", "s3cret", 1);
  ChildProcess child =
      shell("env; ls /proc/self/fd | wc -l; pwd; echo end", {.env = {{"TOKEN", "a b"}}, .directory = "/tmp"});
  const std::string text = read_until(child.stdout_fd(), "end\n");
  ::unsetenv("BURSAR_TEST_SECRET");
  EXPECT_EQ(text.find("BURSAR_TEST_SECRET"), std::string::npos);
  EXPECT_NE(text.find("TOKEN=a b\n"), std::string::npos);
  EXPECT_NE(text.find("PATH="), std::string::npos);
  EXPECT_NE(text.find("\n4\n"), std::string::npos) << text;  // 0, 1, 2 and the one that ls reads with
  EXPECT_NE(text.find("\n/tmp\n"), std::string::npos);
}

TEST(ChildProcess, ReportsWhatCannotBeExecuted) {
  ChildProcess child = started({.command = "/no/such/program"});
  EXPECT_NE(read_until(child.stderr_fd(), "\n").find("/no/such/program: No such file"), std::string::npos);
  EXPECT_EQ(child.wait(seconds{10}), 127);
  ChildProcess lost = started({.command = "true", .directory = "/no/such/directory"});
  EXPECT_EQ(lost.wait(seconds{10}), 127);
  EXPECT_EQ(ChildProcess::start({}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ChildProcess::start({.command = "a", .args = {std::string("b\0c", 3)}}).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(ChildProcess::start({.command = "a", .env = {{"b=c", "d"}}}).error().code, ErrorCode::kInvalidArgument);
}

TEST(ChildProcess, HoldsItsLimits) {
  ChildProcess child = shell("ulimit -n; ulimit -c; ulimit -v", {.memory_bytes = 512 << 20, .open_files = 77});
  const std::string text = read_until(child.stdout_fd(), "524288\n");
  EXPECT_EQ(text, "77\n0\n524288\n");
}

TEST(ChildProcess, EndsWhenItsInputCloses) {
  ChildProcess child = shell("cat; exit 3");
  EXPECT_EQ(child.wait(milliseconds{0}), std::nullopt);
  child.close_stdin();
  EXPECT_EQ(child.wait(seconds{10}), 3);
}

TEST(ChildProcess, TerminatesTheGroupAndKillsTheRest) {
  ChildProcess child = shell("sleep 300 & echo $!; sleep 301");
  const auto pids = pids_in(read_until(child.stdout_fd(), "\n"));
  child.terminate();
  EXPECT_EQ(child.wait(seconds{10}), 128 + SIGTERM);
  EXPECT_TRUE(all_gone(pids, milliseconds{0}));
}

TEST(ChildProcess, KillsAWholeTreeOnDemand) {
  ChildProcess child = shell(kTree);
  const auto pids = tree_from(child.stdout_fd());
  ASSERT_EQ(pids.size(), 6U);
  child.kill_now();
  EXPECT_EQ(child.wait(seconds{10}), 128 + SIGKILL);
  EXPECT_TRUE(all_gone(pids, milliseconds{0}));
}

TEST(ChildProcess, LeavesNothingBehindWhenTheProgramEndsByItself) {
  ChildProcess child = shell("setsid sleep 300 & echo $!; sleep 301 & echo $!; echo ready; exit 0");
  const auto pids = pids_in(read_until(child.stdout_fd(), "ready"));
  EXPECT_EQ(child.wait(seconds{10}), 0);
  EXPECT_TRUE(all_gone(pids, milliseconds{0}));
}

TEST(ChildProcess, DiesWithItsOwnerEvenByKillMinusNine) {
  int report[2];
  ASSERT_EQ(::pipe(report), 0);
  const pid_t owner = ::fork();
  if (owner == 0) {
    auto child = ChildProcess::start({.command = "/bin/sh", .args = {"-c", kTree}});
    std::string text;
    if (child) {
      for (const pid_t pid : tree_from(child->stdout_fd())) text += std::to_string(pid) + "\n";
    }
    (void)!::write(report[1], text.data(), text.size());
    for (;;) ::pause();
  }
  ::close(report[1]);
  const auto pids = tree_from(report[0]);
  ::close(report[0]);
  EXPECT_EQ(pids.size(), 6U);
  for (const pid_t pid : pids) EXPECT_TRUE(alive(pid));
  ::kill(owner, SIGKILL);
  ::waitpid(owner, nullptr, 0);
  EXPECT_TRUE(all_gone(pids, seconds{10}));
}

}  // namespace
}  // namespace bursar::broker
