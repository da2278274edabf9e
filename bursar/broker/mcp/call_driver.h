// Runs one call through the pipeline: performs what the sans-I/O CallRun asks for, and tells the session what came of
// it.
//
//   auto driver = CallDriver::start(dependencies, reactor, std::move(call), {.open = …, .related = …, .done = …});
//   driver->stop(Cause::kCancelled);   // the agent gave up
//
// Everything but start() and stop() happens on the given reactor, and start() and stop() must be called there. `done`
// runs exactly once. A driver that is dropped before that (the process stops) still settles: the CallRun does.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "bursar/broker/http/reactor.h"
#include "bursar/broker/pipeline/pipeline.h"
#include "bursar/broker/telemetry/metrics.h"
#include "bursar/core/random.h"
#include "bursar/ledger/ledger.h"

namespace bursar::broker {

class CallDriver : public std::enable_shared_from_this<CallDriver> {
 public:
  struct Dependencies {
    Pipeline* pipeline = nullptr;
    ledger::Ledger* ledger = nullptr;
    const Clock* clock = nullptr;
    Metrics* metrics = nullptr;
  };
  struct Hooks {
    std::function<Result<std::shared_ptr<UpstreamSession>>(const std::string& upstream)> open;
    // What the upstream says on behalf of this call while it runs.
    std::function<void(const std::shared_ptr<UpstreamSession>&, Message)> related;
    std::function<void(Call&)> done;
  };

  [[nodiscard]] static std::shared_ptr<CallDriver> start(const Dependencies& dependencies, Reactor& reactor, Call call,
                                                         Hooks hooks);
  CallDriver(const Dependencies& dependencies, Reactor& reactor, Call call, Hooks hooks);
  ~CallDriver();

  void stop(Cause cause);
  [[nodiscard]] const Call& call() const { return run_.call(); }

 private:
  void advance();
  void grant(const ledger::ReserveRequest& request);
  void attempt(const CallRun::Step& step);
  void replied(std::uint64_t attempt, UpstreamReply reply);
  void pause(Duration duration);
  void finish();
  void count(const Call& call, WallTime now);

  struct Timer;
  Dependencies dependencies_;
  Reactor& reactor_;
  Hooks hooks_;
  CallRun run_;
  RandomStream random_;
  std::unique_ptr<Timer> timer_;
  std::shared_ptr<UpstreamSession> session_;
  std::optional<Ticket> ticket_;
  std::uint64_t attempt_ = 0;
  bool finished_ = false;
};

}  // namespace bursar::broker
