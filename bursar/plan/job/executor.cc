#include "bursar/plan/job/executor.h"

#include <algorithm>
#include <utility>

#include "bursar/plan/job/journal.h"

namespace bursar::plan {
namespace {

constexpr std::size_t kRefusedSteps = 2;  // in a row; then the purse has spoken

}  // namespace

std::string_view name_of(JobEnd end) {
  switch (end) {
    case JobEnd::kAnswered: return "answered";
    case JobEnd::kPurse: return "purse";
    case JobEnd::kDeadline: return "deadline";
    case JobEnd::kStopped: return "stopped";
    case JobEnd::kActions: return "actions";
  }
  return "unknown";
}

Executor::Executor(std::unique_ptr<Controller> controller, const JobLimits& limits, ExecutorEffects& effects)
    : controller_(std::move(controller)), limits_(limits), effects_(effects) {
  purse_.limit = limits.purse;
  purse_.time = purse_.time_left = limits.time;
}

void Executor::begin(WallTime now) {
  started_ = now;
  if (limits_.time) effects_.wake(*limits_.time);
  pump(now);
}

void Executor::ended(Observation seen, WallTime now) {
  const auto found = open_.find(seen.action);
  if (found == open_.end() || !found->second.running) return;
  found->second.running = false;
  --running_;
  settle(found->second, std::move(seen));
  pump(now);
}

void Executor::woken(WallTime now) { pump(now); }

void Executor::stop(WallTime now) {
  if (!ending_ && !finished_) end(JobEnd::kStopped);
  pump(now);
}

// What happens from within effects is seen by the loop that caused it.
void Executor::pump(WallTime now) {
  if (std::exchange(pumping_, true)) return;
  while (!finished_ && advance(now)) {
  }
  pumping_ = false;
}

bool Executor::advance(WallTime now) {
  if (limits_.time) {
    purse_.time_left = std::max(*limits_.time - (now - started_), Duration{0});
    if (!ending_ && purse_.time_left == Duration{0}) end(JobEnd::kDeadline);
  }
  if (ending_) {
    if (running_ > 0) return false;
    hear_out(now);
    result_.answer = controller_->best();
    finished_ = true;
    effects_.finish();
    return false;
  }
  if (launch_waiting() || report_ended()) return true;
  if (!due_) return false;
  ask(now);
  return true;
}

void Executor::ask(WallTime now) {
  due_ = false;
  Step step = controller_->next(purse_);
  const Duration at = now - started_;
  journal_.push_back(step_entry(step, purse_.share(), at));
  if (step.done) return end(result_.refused > 0 ? JobEnd::kPurse : JobEnd::kAnswered);
  if (step.actions.empty() && open_.empty()) return end(JobEnd::kAnswered);  // it waits for nothing
  if (asked_ + step.actions.size() > limits_.actions) return end(JobEnd::kActions);
  admit(std::move(step));
}

void Executor::admit(Step step) {
  asked_ += step.actions.size();
  step_size_ = step.actions.size();
  step_refused_ = 0;
  for (Action& action : step.actions) {
    const std::uint64_t id = action.id;
    open_.emplace(id, Asked{.action = std::move(action)});
    waiting_.push_back(id);
  }
}

bool Executor::launch_waiting() {
  bool any = false;
  while (!waiting_.empty() && running_ < limits_.parallel && !ending_) {
    Asked& asked = open_.at(waiting_.front());
    const Result<bool> fits = fit(asked);
    if (fits && !*fits) break;
    waiting_.pop_front();
    any = true;
    if (!fits) {
      settle(asked, {.action = asked.action.id, .end = ActionEnd::kRefused, .why = fits.error().message});
      continue;
    }
    asked.running = true;
    ++running_;
    ++result_.launched;
    effects_.launch(asked.action);
  }
  return any;
}

Result<bool> Executor::fit(Asked& asked) {
  const auto short_of = [&](const Amounts& bound) -> std::optional<Amount> {
    for (const Amount& amount : bound.items()) {
      const auto left = purse_.left(amount.resource);
      if (left && amount.units > *left) return Amount{amount.resource, amount.units - *left};
    }
    return std::nullopt;
  };
  auto bound = effects_.bound(asked.action);
  if (!bound) return tl::unexpected(bound.error());
  auto lacking = short_of(*bound);
  auto* ask = std::get_if<ModelAsk>(&asked.action.ask);
  if (lacking && running_ > 0) return false;
  // A bound grows with max_tokens alone: halving finds the largest that fits, to within a part in 64.
  if (lacking && ask != nullptr && ask->least_tokens > 0 && ask->least_tokens < ask->max_tokens) {
    Action trial = asked.action;
    auto& cut = std::get<ModelAsk>(trial.ask);
    std::int64_t low = ask->least_tokens, high = ask->max_tokens;
    const auto fits = [&](std::int64_t tokens) {
      cut.max_tokens = tokens;
      auto less = effects_.bound(trial);
      return less && !short_of(*less);
    };
    if (fits(low)) {
      while (high - low > std::max<std::int64_t>(ask->max_tokens / 64, 1)) {
        const std::int64_t middle = low + (high - low) / 2;
        (fits(middle) ? low : high) = middle;
      }
      ask->max_tokens = low;
      bound = effects_.bound(asked.action);
      lacking = std::nullopt;
    }
  }
  if (lacking) {
    return fail(ErrorCode::kExhausted, "the job's purse is short of " + to_string(*lacking) + " for this action");
  }
  asked.held = *bound;
  if (auto held = purse_.held.add(asked.held); !held) return tl::unexpected(held.error());
  return true;
}

void Executor::settle(Asked& asked, Observation seen) {
  (void)purse_.held.subtract(asked.held);  // it was added by fit()
  asked.held = {};
  if (auto spent = purse_.spent.add(seen.cost); !spent) result_.why = spent.error().message;
  asked.seen = std::move(seen);
  const Observation& what = *asked.seen;
  result_.cost = purse_.spent;
  result_.prompt_tokens += what.prompt_tokens;
  result_.completion_tokens += what.completion_tokens;
  if (what.ok()) ++result_.done;
  if (what.end == ActionEnd::kRefused) ++result_.refused, ++step_refused_;
  if (what.end == ActionEnd::kFailed) ++result_.failed;
  if (!what.ok() && !what.why.empty()) result_.why = what.why;
  if (!ending_) arrived_.push_back(what.action);
}

bool Executor::report_ended() {
  if (arrived_.empty()) return false;
  if (controller_->pace() == Controller::Pace::kRounds) {
    if (arrived_.size() < open_.size()) return false;
    while (!open_.empty()) report(open_.begin()->second);  // ids grow
    arrived_.clear();
  } else {
    const std::uint64_t id = arrived_.front();
    arrived_.pop_front();
    report(open_.at(id));
  }
  due_ = true;
  if (open_.empty() && step_size_ > 0) {
    refused_steps_ = step_refused_ == step_size_ ? refused_steps_ + 1 : 0;
    if (refused_steps_ >= kRefusedSteps) end(JobEnd::kPurse);
  }
  return true;
}

void Executor::report(Asked& asked) {
  const Observation seen = std::move(*asked.seen);
  open_.erase(seen.action);
  journal_.push_back(seen_entry(seen));
  controller_->report(seen);
}

// What was seen of a round that was broken off counts too; what the controller asks for then is not done.
void Executor::hear_out(WallTime now) {
  const auto told = [](const auto& entry) { return entry.second.seen && entry.second.seen->ok(); };
  if (std::ranges::none_of(open_, told)) return;
  for (; !arrived_.empty(); arrived_.pop_front()) {
    if (controller_->pace() == Controller::Pace::kArrival) report(open_.at(arrived_.front()));
  }
  for (auto& [id, asked] : open_) {
    if (!asked.seen) asked.seen = {.action = id, .end = ActionEnd::kCancelled, .why = "the job ended"};
  }
  while (!open_.empty()) report(open_.begin()->second);
  journal_.push_back(step_entry(controller_->next(purse_), purse_.share(), now - started_));
}

void Executor::end(JobEnd how) {
  result_.end = how;
  ending_ = true;
  waiting_.clear();
  std::vector<std::uint64_t> running;  // the last of them that ends, perhaps from within, ends the job
  for (const auto& [id, asked] : open_) {
    if (asked.running) running.push_back(id);
  }
  for (const std::uint64_t id : running) effects_.cancel(id);
}

Result<void> Executor::resume(const boost::json::array& journal, WallTime now) {
  Duration at{0};
  for (const boost::json::value& entry : journal) {
    if (!entry.is_object()) return fail(ErrorCode::kCorrupt, "journal: an entry that is no object");
    if (const auto* step = entry.get_object().if_contains("step"); step != nullptr && step->is_object()) {
      auto time = time_of(step->get_object());
      if (!time) return tl::unexpected(time.error());
      at = *time;
    }
    if (auto ok = replay(entry.get_object()); !ok) return ok;
  }
  started_ = now - at;
  if (limits_.time) effects_.wake(std::max(*limits_.time - at, Duration{0}));
  pump(now);
  return {};
}

Result<void> Executor::replay(const boost::json::object& entry) {
  if (const auto* told = entry.if_contains("seen"); told != nullptr && told->is_object()) {
    auto seen = read_seen(told->get_object());
    if (!seen) return tl::unexpected(seen.error());
    const auto found = open_.find(seen->action);
    if (found == open_.end()) return fail(ErrorCode::kCorrupt, "journal: an observation of what was not asked");
    std::erase(waiting_, seen->action);
    if (seen->end != ActionEnd::kRefused) ++result_.launched;
    settle(found->second, std::move(*seen));
    arrived_.clear();
    report(found->second);
    due_ = open_.empty() || controller_->pace() == Controller::Pace::kArrival;
    return {};
  }
  const auto* told = entry.if_contains("step");
  if (told == nullptr || !told->is_object())
    return fail(ErrorCode::kCorrupt, "journal: neither a step nor what was seen");
  const boost::json::object& listed = told->get_object();
  auto at = time_of(listed);
  if (!at) return tl::unexpected(at.error());
  if (limits_.time) purse_.time_left = std::max(*limits_.time - *at, Duration{0});
  due_ = false;
  Step step = controller_->next(purse_);
  if (auto same = same_actions(listed, step); !same) return same;
  journal_.push_back(step_entry(step, purse_.share(), *at));
  if (step.done)
    end(result_.refused > 0 ? JobEnd::kPurse : JobEnd::kAnswered);
  else
    admit(std::move(step));
  return {};
}

}  // namespace bursar::plan
