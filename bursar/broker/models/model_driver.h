// Runs one model call: does what its ModelRun asks for, on the reactor of the agent's connection, and tells it what
// came of it. Inside this folder only.
//
//   auto driver = ModelDriver::start(services, table, std::move(call), exchange, [](ModelDriver& done) { … });
//   driver->stop(Cause::kShutdown);                     // from any thread
//
// The driver keeps itself alive while something is under way. An agent that goes away cancels the upstream's call;
// one that reads slowly slows it down.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "bursar/broker/models/model_run.h"

namespace bursar::broker {

class HttpCall;

class ModelDriver final : public ModelEffects, public std::enable_shared_from_this<ModelDriver> {
 public:
  // On the exchange's reactor. `ended` runs when the call has been settled and answered, or when the driver is dropped.
  static std::shared_ptr<ModelDriver> start(const ModelServices& services, std::shared_ptr<const ModelTable> table,
                                            ModelCall call, std::shared_ptr<Exchange> exchange,
                                            std::function<void(ModelDriver&)> ended);
  ModelDriver(const ModelServices& services, std::shared_ptr<const ModelTable> table, ModelCall call,
              std::shared_ptr<Exchange> exchange, std::function<void(ModelDriver&)> ended);
  ~ModelDriver() override;

  void stop(Cause cause);
  [[nodiscard]] bool finished() const { return run_.finished(); }
  [[nodiscard]] const ModelRun& run() const { return run_; }

 private:
  void reserve(ledger::ReserveRequest request) override;
  void send(std::size_t attempt, const ModelAttempt& to, std::string body) override;
  void cancel(std::size_t attempt) override;
  void wake(Duration in) override;
  void answer(HttpResponse response) override;
  void stream(HttpResponse head) override;
  void write(std::string piece) override;
  void finish() override;
  void settled();
  void slow_down();  // while the agent has not taken what was written
  void speed_up();

  struct Timer;
  ModelServices services_;
  std::shared_ptr<Exchange> exchange_;
  std::function<void(ModelDriver&)> ended_;
  std::unique_ptr<Timer> timer_;
  std::vector<std::shared_ptr<HttpCall>> calls_;
  bool slowed_ = false;
  ModelRun run_;  // ends first: what it settles needs what stands above
};

}  // namespace bursar::broker
