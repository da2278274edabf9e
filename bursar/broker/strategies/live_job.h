// One job of a strategy, live: an executor whose actions are calls of this very gateway.
//
//   auto job = StrategyJob::start(services, std::move(request), std::move(asked), exchange, [](StrategyJob& done) { …
//   }); job->stop();                                          // from any thread; it answers with the best so far
//
// Every inner call goes the whole way that an agent's own would: identity, policy, rates, reservation on the path of
// accounts, timeout, audit, receipt; the call ids are "<job>.<action>". The job's purse stands before that: an action
// is launched only where its worst case fits. An agent that goes away ends the job, and its calls are cancelled. The
// first thing that came back opens the stream, so that refusals have their status. Where there is no answer at all, the
// last refusal is the answer.
// Belongs to the exchange's reactor; keeps itself alive while something is under way.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "bursar/broker/models/model_run.h"
#include "bursar/broker/strategies/inner_call.h"
#include "bursar/plan/job/executor.h"

namespace bursar::broker {

class ModelDriver;

// What a job needs of the gateway.
struct StrategyServices {
  const Clock* clock = nullptr;
  // Starts a model call of the principal; `ended` runs when it has been settled.
  std::function<std::shared_ptr<ModelDriver>(ModelCall call, std::shared_ptr<Exchange> back,
                                             std::function<void(ModelDriver&)> ended)>
      ask;
  std::function<void(HttpRequest request, std::shared_ptr<Exchange> back)> call_tool;  // the MCP door
  // The most that one attempt costs, of all the targets that the model's name can reach.
  std::function<Result<Amounts>(const std::string& model, std::uint64_t prompt_max, std::uint64_t output_max)> bound;
  // What a call of it costs, its milliseconds aside. Errors: kNotFound.
  std::function<Result<Amounts>(std::string_view tool)> tool_price;
  std::function<std::vector<HeaderParam>(std::string_view tool)> tool_headers;
  std::function<Amounts(std::string_view account)> left;
};

class LiveJob final : public plan::ExecutorEffects, public std::enable_shared_from_this<LiveJob> {
 public:
  // Who asks, and for what request the job is.
  struct Outer {
    std::string id;  // of the job
    Principal principal;
    HttpRequest request;  // its credentials and turn go with every inner call
    bool audit_body = false;
    double sample = 1;
  };
  struct Plan {
    std::unique_ptr<plan::Controller> controller;
    plan::JobLimits limits;
    boost::json::object own = {};  // goes with asks that have no messages of their own
  };
  // On the reactor. `progress` after each thing that happened, `ended` once.
  struct Hooks {
    std::function<void(LiveJob&)> progress, ended;
  };

  LiveJob(std::shared_ptr<const StrategyServices> services, Outer outer, Plan plan, Reactor& reactor, Hooks hooks);
  ~LiveJob() override;

  void begin();
  [[nodiscard]] Result<void> resume(const boost::json::array& journal);
  void stop();      // from any thread
  void stop_now();  // on the reactor: nobody waits for the answer any more, or all must end

  [[nodiscard]] const plan::Executor& executor() const { return executor_; }
  [[nodiscard]] const Outer& outer() const { return outer_; }
  [[nodiscard]] Reactor& reactor() { return reactor_; }
  [[nodiscard]] const StrategyServices& services() const { return *services_; }
  // Raw JSON of the message that an ask without messages of its own brought; empty where there is none.
  [[nodiscard]] std::string_view message(std::uint64_t action) const;
  [[nodiscard]] const std::optional<HttpResponse>& last_refusal() const { return last_refusal_; }
  [[nodiscard]] BudgetNote note() const;  // what it has cost, and what the account has left

 private:
  [[nodiscard]] Result<Amounts> bound(const plan::Action& action) override;
  void launch(const plan::Action& action) override;
  void cancel(std::uint64_t action) override;
  void wake(Duration in) override;
  void finish() override;

  void ask(const plan::Action& action);
  void call_tool(const plan::Action& action, const plan::ToolAsk& ask);
  [[nodiscard]] plan::Observation observed(const ModelRun& run, const InnerAnswer& answer, std::size_t texts);
  void seen(plan::Observation observation);
  void told();

  // What an ask sends.
  struct Body {
    ModelApi api = ModelApi::kChat;
    ModelRequest request;
    std::string text;
    std::size_t texts = 0;  // that are to be embedded
  };
  [[nodiscard]] Result<Body> body_of(const plan::Action& action) const;
  [[nodiscard]] Result<Amounts> bound_of(const plan::Action& action, const ModelRequest& request) const;

  struct Timer;
  struct Inner {
    std::shared_ptr<ModelDriver> driver;
    std::shared_ptr<InnerExchange> back;
    Amounts most;
    WallTime since{};
  };
  std::shared_ptr<const StrategyServices> services_;
  Outer outer_;
  boost::json::object own_;
  Reactor& reactor_;
  Hooks hooks_;
  std::unique_ptr<Timer> timer_;
  std::map<std::uint64_t, Inner> inner_;
  std::map<std::uint64_t, std::string> messages_;
  std::map<std::uint64_t, Body> bodies_;  // of actions to come
  std::optional<HttpResponse> last_refusal_;
  plan::Executor executor_;
};

}  // namespace bursar::broker
