// Runs one call through the pipeline: performs what the sans-I/O CallRun asks for, and tells the session what came of
// it.
//
//   auto driver = CallDriver::start(dependencies, reactor, std::move(call), {.open = …, .related = …, .done = …});
//   driver->stop(Cause::kCancelled);   // the agent gave up
//   driver->park(), driver->resume();  // the call waits for its agent: meanwhile its time stands still
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
    std::function<Result<std::shared_ptr<UpstreamSession>>(const Call& call)> open;  // call.target is the upstream
    // What the upstream says on behalf of this call while it runs.
    std::function<void(const std::shared_ptr<UpstreamSession>&, Message)> related;
    std::function<void(Call&)> done;
    std::function<void(UpstreamRequest&)> prepare = {};  // a last look at what goes out
    // More than 0: the call may be parked, for so long in all. Its deadline is then kept here, not by the upstream.
    Duration patience{0};
  };

  [[nodiscard]] static std::shared_ptr<CallDriver> start(const Dependencies& dependencies, Reactor& reactor, Call call,
                                                         Hooks hooks);
  CallDriver(const Dependencies& dependencies, Reactor& reactor, Call call, Hooks hooks);
  ~CallDriver();

  void stop(Cause cause);
  // While a call is parked, no time passes for it: neither its deadline nor its turn nor the meter moves, and its hold
  // stays alive.
  void park();
  void resume();
  [[nodiscard]] bool parked() const { return parked_at_.has_value(); }
  [[nodiscard]] const Call& call() const { return run_.call(); }

 private:
  void advance();
  void grant(const ledger::ReserveRequest& request);
  void attempt(const CallRun::Step& step);
  void replied(std::uint64_t attempt, UpstreamReply reply);
  void pause(Duration duration);
  void finish();
  [[nodiscard]] WallTime now() const;  // less the time that it was parked
  void watch_deadline();
  void progressed();
  void timed_out();
  void keep_hold(Duration longer);
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
  std::unique_ptr<Timer> deadline_timer_;
  WallTime deadline_{}, deadline_last_{};  // of the attempt, as now() counts
  Duration attempt_time_{0}, parked_{0};
  std::optional<WallTime> parked_at_;
};

}  // namespace bursar::broker
