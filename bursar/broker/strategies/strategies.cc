#include "bursar/broker/strategies/strategies.h"

namespace bursar::broker {
namespace {

StrategyDoor::Dependencies with(StrategyDoor::Dependencies door, BeliefStore* beliefs) {
  door.beliefs = beliefs;
  return door;
}

}  // namespace

Result<std::unique_ptr<Strategies>> Strategies::open(const Dependencies& dependencies, const Config& config) {
  auto beliefs = BeliefStore::open(config.database + ".beliefs.json");
  if (!beliefs) return tl::unexpected(beliefs.error());
  auto pipelines = prepare(config);
  if (!pipelines) return tl::unexpected(with_context("strategies.pipelines", pipelines.error()));
  std::unique_ptr<Strategies> out(new Strategies(std::move(*beliefs), dependencies));
  out->adopt(std::move(*pipelines));
  return out;
}

Strategies::Strategies(std::unique_ptr<BeliefStore> beliefs, const Dependencies& dependencies)
    : beliefs_(std::move(beliefs)),
      door_(with(dependencies.door, beliefs_.get())),
      workflows_({.authenticate = dependencies.authenticate,
                  .services = door_.services(),
                  .jobs = door_.jobs(),
                  .config = dependencies.door.config,
                  .instance = dependencies.instance}),
      feedback_({.authenticate = dependencies.authenticate, .beliefs = beliefs_.get()}) {}

OwnModels Strategies::own_models() {
  return {.takes = [this](std::string_view model) { return door_.takes(model); },
          .start =
              [this](ModelCall call, HttpRequest request, const std::shared_ptr<Exchange>& back) {
                door_.start(std::move(call), std::move(request), back);
              },
          .names = [this] { return door_.names(); }};
}

void Strategies::handle(HttpRequest request, const std::shared_ptr<Exchange>& exchange) {
  if (FeedbackDoor::is_mine(request.path)) return feedback_.handle(request, exchange);
  workflows_.handle(std::move(request), exchange);
}

void Strategies::stop() {
  door_.jobs()->stop();
  beliefs_->save();
}

}  // namespace bursar::broker
