#include "bursar/plan/job/script.h"

#include <algorithm>

namespace bursar::plan {
namespace {

constexpr std::uint64_t kSeedStream = 0x6a09e667;  // of the actions' seeds, apart from the script's own draws

}  // namespace

std::int64_t Job::integer(std::string_view parameter) const {
  return setup_.parameters.at(parameter).to_number<std::int64_t>();
}
double Job::number(std::string_view parameter) const { return setup_.parameters.at(parameter).to_number<double>(); }
bool Job::flag(std::string_view parameter) const { return setup_.parameters.at(parameter).as_bool(); }
std::string_view Job::text(std::string_view parameter) const { return setup_.parameters.at(parameter).as_string(); }

Action Job::sample() const {
  return {.purpose = "sample",
          .ask = ModelAsk{.model = setup_.model, .max_tokens = setup_.max_tokens, .temperature = setup_.temperature}};
}

Job::Round Job::run(std::vector<Action> actions) {
  for (Action& action : actions) {
    action.id = ++actions_;
    action.seed = RandomStream(setup_.seed).split(kSeedStream).split(action.id)() >> 33U;  // 31 bits: any endpoint
    auto* ask = std::get_if<ModelAsk>(&action.ask);
    if (ask != nullptr && ask->model.empty()) ask->model = setup_.model;
  }
  asked_ = std::move(actions);
  seen_.clear();
  return Round(*this);
}

Job::Round Job::run(Action action) {
  std::vector<Action> one;
  one.push_back(std::move(action));
  return run(std::move(one));
}

void Job::note(boost::json::object numbers) {
  for (auto& [key, value] : numbers) why_[key] = std::move(value);
}

Step ScriptController::next(const Purse& purse) {
  if (done_ || waiting_ > 0) return {.done = done_};
  job_.purse_ = purse;
  script_.handle_.resume();
  Step step{.done = script_.handle_.done(), .why = std::exchange(job_.why_, {})};
  if (step.done) {
    done_ = true;
    if (script_.handle_.promise().bug) std::rethrow_exception(script_.handle_.promise().bug);
    if (auto& answer = script_.handle_.promise().answer) job_.best_ = std::move(*answer);
    return step;
  }
  step.actions = std::exchange(job_.asked_, {});
  waiting_ = step.actions.size();
  return step;
}

void ScriptController::report(const Observation& seen) {
  if (waiting_ == 0) return;
  --waiting_;
  job_.seen_.push_back(seen);
}

}  // namespace bursar::plan
