#include "bursar/plan/workflow/workflow.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <unordered_set>

namespace bursar::plan {
namespace {

constexpr NodeSet bit(std::size_t node) { return NodeSet{1} << node; }
constexpr double kMost = 1e15;

std::string named(const Subtask& task) { return "subtask \"" + task.id + "\""; }

bool within(double x, double low, double high) { return x >= low && x <= high; }

Result<void> fill_from_measured(Option& option, const std::string& where) {
  const auto n = static_cast<double>(option.measured.size());
  double ms = 0, squares = 0, tokens = 0, successes = 0;
  if (option.measured.size() > Workflow::kMostMeasured)
    return invalid_argument(where + ": at most " + std::to_string(Workflow::kMostMeasured) + " measured samples");
  for (const MeasuredSample& sample : option.measured) {
    if (!(sample.ms > 0 && sample.ms <= kMost)) return invalid_argument(where + ": a measured ms must be above 0");
    if (!within(sample.tokens, 0, kMost)) return invalid_argument(where + ": measured tokens must be at least 0");
    ms += sample.ms;
    squares += sample.ms * sample.ms;
    tokens += sample.tokens;
    successes += sample.success ? 1 : 0;
  }
  option.p = successes / n;
  option.latency.mean_ms = ms / n;
  option.latency.cv = std::sqrt(std::max(squares / n - (ms / n) * (ms / n), 0.0)) / (ms / n);
  option.cost.tokens = tokens / n;
  return {};
}

Result<void> check_option(Option& option, const Subtask& task) {
  const std::string where = named(task) + ", model \"" + option.model + "\"";
  if (option.model.empty()) return invalid_argument(named(task) + ": an option without a model");
  if (!option.measured.empty()) {
    if (auto ok = fill_from_measured(option, where); !ok) return ok;
  }
  if (!within(option.p, 0, 1))
    return invalid_argument(where + ": p is " + std::to_string(option.p) + "; it must be in [0, 1]");
  if (!(option.latency.mean_ms > 0 && option.latency.mean_ms <= kMost))
    return invalid_argument(where + ": the mean latency must be above 0 ms");
  if (!within(option.latency.cv, 0, 100)) return invalid_argument(where + ": cv must be from 0 to 100");
  if (!within(option.cost.usd, 0, kMost)) return invalid_argument(where + ": usd must be at least 0");
  if (!within(option.cost.tokens, 0, kMost)) return invalid_argument(where + ": tokens must be at least 0");
  return {};
}

Result<void> check_subtask(Subtask& task, std::size_t count) {
  if (task.options.empty()) return invalid_argument(named(task) + " has no option; name a model for it");
  if (task.options.size() > Workflow::kMostOptions)
    return invalid_argument(named(task) + ": at most " + std::to_string(Workflow::kMostOptions) + " options");
  std::unordered_set<std::string> models;
  for (Option& option : task.options) {
    if (auto ok = check_option(option, task); !ok) return ok;
    if (!models.insert(option.model).second)
      return invalid_argument(named(task) + ": model \"" + option.model + "\" stands twice");
  }
  for (const std::size_t parent : task.parents) {
    if (parent >= count)
      return invalid_argument(named(task) + ": parent " + std::to_string(parent) + " does not exist; there are " +
                              std::to_string(count) + " subtasks");
  }
  if (std::ranges::all_of(task.options, [](const Option& o) { return o.p == 0; }))
    return fail(ErrorCode::kInfeasible, named(task) + " is infeasible: no option of it can succeed (all p are 0)");
  return {};
}

}  // namespace

Result<Workflow> Workflow::make(std::vector<Subtask> subtasks) {
  if (subtasks.empty()) return invalid_argument("a workflow needs a subtask");
  if (subtasks.size() > kMostSubtasks)
    return invalid_argument("the workflow has " + std::to_string(subtasks.size()) + " subtasks; at most " +
                            std::to_string(kMostSubtasks) + " can be planned");
  std::unordered_set<std::string> ids;
  for (Subtask& task : subtasks) {
    if (task.id.empty()) return invalid_argument("a subtask without an id");
    if (!ids.insert(task.id).second) return invalid_argument(named(task) + " stands twice; ids must differ");
    if (auto ok = check_subtask(task, subtasks.size()); !ok) return tl::unexpected(ok.error());
  }
  Workflow out;
  out.subtasks_ = std::move(subtasks);
  if (auto ok = out.link(); !ok) return tl::unexpected(ok.error());
  out.index_models();
  return out;
}

Result<void> Workflow::link() {
  const std::size_t n = subtasks_.size();
  parents_.assign(n, 0);
  children_.assign(n, 0);
  for (std::size_t v = 0; v < n; ++v) {
    for (const std::size_t parent : subtasks_[v].parents) {
      parents_[v] |= bit(parent);
      children_[parent] |= bit(v);
    }
  }
  NodeSet placed = 0;
  while (order_.size() < n) {
    const std::size_t before = order_.size();
    for (std::size_t v = 0; v < n; ++v) {
      if ((placed & bit(v)) != 0 || (parents_[v] & ~placed) != 0) continue;
      placed |= bit(v);
      order_.push_back(v);
    }
    if (order_.size() == before) {
      const auto stuck = static_cast<std::size_t>(std::countr_one(placed));
      return invalid_argument("the parents of " + named(subtasks_[stuck]) + " form a cycle, or lead to one");
    }
  }
  return {};
}

void Workflow::index_models() {
  first_.push_back(0);
  for (const Subtask& task : subtasks_) {
    first_.push_back(first_.back() + task.options.size());
    for (const Option& option : task.options) {
      if (std::ranges::find(models_, option.model) == models_.end()) models_.push_back(option.model);
    }
  }
  for (const std::string& model : models_) {
    for (const Subtask& task : subtasks_) {
      const auto found = std::ranges::find(task.options, model, &Option::model);
      option_of_.push_back(found == task.options.end() ? 0 : static_cast<std::size_t>(found - task.options.begin()));
    }
  }
}

NodeSet Workflow::all() const { return size() == 64 ? ~NodeSet{0} : bit(size()) - 1; }

NodeSet Workflow::dispatchable(const RunState& state) const {
  NodeSet busy = state.completed, out = 0;
  for (const RunningBatch& batch : state.running) busy |= bit(batch.node);
  for (std::size_t v = 0; v < size(); ++v) {
    if ((busy & bit(v)) == 0 && (parents_[v] & ~state.completed) == 0) out |= bit(v);
  }
  return out;
}

Result<void> Workflow::check(const RunState& state) const {
  if ((state.completed & ~all()) != 0) return invalid_argument("completed names a subtask that does not exist");
  for (std::size_t v = 0; v < size(); ++v) {
    if ((state.completed & bit(v)) != 0 && (parents_[v] & ~state.completed) != 0)
      return invalid_argument(named(subtasks_[v]) + " is complete, and a parent of it is not");
  }
  if (std::isnan(state.usd) || std::isnan(state.tokens) || std::isnan(state.ms))
    return invalid_argument("what is left of usd, tokens and ms must be numbers");
  if (!state.failures.empty() && state.failures.size() != option_count())
    return invalid_argument("failures must have one entry an option, " + std::to_string(option_count()));
  if (std::ranges::any_of(state.failures, [](int f) { return f < 0; }))
    return invalid_argument("failures must be at least 0");
  NodeSet seen = 0;
  for (const RunningBatch& batch : state.running) {
    if (batch.node >= size() || batch.option >= subtasks_[batch.node].options.size())
      return invalid_argument("a running batch names a subtask or an option that does not exist");
    const std::string where = named(subtasks_[batch.node]);
    if (((state.completed | seen) & bit(batch.node)) != 0 || (parents_[batch.node] & ~state.completed) != 0)
      return invalid_argument(where + " cannot be running: it is complete, runs twice, or a parent is open");
    if (batch.pending < 1) return invalid_argument(where + ": a running batch has at least 1 pending sample");
    if (!(batch.elapsed_ms >= 0)) return invalid_argument(where + ": elapsed_ms must be at least 0");
    seen |= bit(batch.node);
  }
  return {};
}

LogNormal log_normal_of(const LatencyModel& latency) {
  const double variance = std::log1p(latency.cv * latency.cv);
  return {.mu = std::log(latency.mean_ms) - variance / 2, .sigma = std::sqrt(variance)};
}

double budget_scale_usd(const Workflow& workflow, std::size_t model) {
  double out = 0;
  for (std::size_t v = 0; v < workflow.size(); ++v) {
    const Option& option = workflow[v].options[workflow.option_of(v, model)];
    if (option.cost.usd == 0) continue;
    // At p = 1 the quotient is 0 and one sample is enough; at p = 0 it is infinite.
    out += option.cost.usd * std::max(std::ceil(std::log(.05) / std::log1p(-option.p)), 1.0);
  }
  return out;
}

double deadline_scale_ms(const Workflow& workflow, std::size_t model) {
  std::vector<double> weight;
  for (std::size_t v = 0; v < workflow.size(); ++v) {
    const Option& option = workflow[v].options[workflow.option_of(v, model)];
    weight.push_back(option.latency.mean_ms / option.p);
  }
  return std::ranges::max(path_lengths(workflow, weight));
}

std::vector<double> path_lengths(const Workflow& workflow, std::span<const double> weight) {
  std::vector<double> out(workflow.size(), 0);
  for (auto v = workflow.order().rbegin(); v != workflow.order().rend(); ++v) {
    double longest = 0;
    for (NodeSet rest = workflow.children(*v); rest != 0; rest &= rest - 1)
      longest = std::max(longest, out[static_cast<std::size_t>(std::countr_zero(rest))]);
    out[*v] = weight[*v] + longest;
  }
  return out;
}

}  // namespace bursar::plan
