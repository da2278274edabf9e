#include <cstdio>
#include <pthread.h>
#include <signal.h>
#include <thread>

#include "bursar/broker/serve.h"
#include "bursar/broker/telemetry/log.h"

namespace bursar::broker {

Result<void> serve(ServeOptions options) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  // Blocked before any thread starts, so that all of them inherit it and only sigwait() below sees a signal.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  auto gateway = Gateway::start(std::move(options));
  if (!gateway) return tl::unexpected(gateway.error());
  std::printf("bursar is listening on %s (MCP: %s/mcp)\n", (*gateway)->url().c_str(), (*gateway)->url().c_str());
  std::fflush(stdout);
  int number = 0;
  while (sigwait(&signals, &number) == 0 && number == SIGHUP) (void)(*gateway)->reload();
  log(LogLevel::kInfo, "stopping", {{"signal", number}});
  std::thread second([&gateway, signals] {
    int again = SIGHUP;
    while (sigwait(&signals, &again) == 0 && again == SIGHUP) {
    }
    (*gateway)->hurry();
  });
  (*gateway)->stop();
  pthread_kill(second.native_handle(), SIGTERM);  // ends its waiting
  second.join();
  return {};
}

}  // namespace bursar::broker
