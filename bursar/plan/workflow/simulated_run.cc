#include "bursar/plan/workflow/simulated_run.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <optional>

namespace bursar::plan {
namespace {

constexpr NodeSet bit(std::size_t node) { return NodeSet{1} << node; }
constexpr int kMostSamples = 1 << 16;

struct Sample {
  double ends = 0;
  bool success = false;
};

struct Batch {
  std::size_t node = 0, option = 0;
  double began = 0, ends = 0;
  std::vector<Sample> samples;
};

class World {
 public:
  World(const Workflow& workflow, const WorkflowBudget& budget, const RandomStream& random, bool cancel)
      : workflow_(workflow), budget_(budget), random_(random), cancel_(cancel), attempts_(workflow.size(), 0) {
    state_.failures.assign(workflow.option_count(), 0);
  }

  [[nodiscard]] bool complete() const { return state_.completed == workflow_.all(); }
  [[nodiscard]] bool idle() const { return open_.empty(); }
  [[nodiscard]] const SimulatedRun& report() const { return report_; }

  RunState look() {
    RunState out = state_;
    out.usd = budget_.usd - report_.usd;
    out.tokens = budget_.tokens - report_.tokens;
    out.ms = budget_.ms - report_.ms;
    for (const Batch& batch : open_) {
      RunningBatch seen{
          .node = batch.node, .option = batch.option, .pending = 0, .elapsed_ms = report_.ms - batch.began};
      for (const Sample& sample : batch.samples) {
        seen.pending += sample.ends > report_.ms ? 1 : 0;
        if (sample.ends > report_.ms) continue;
        seen.succeeded |= sample.success;
        if (!sample.success) ++out.failures[workflow_.option_at(batch.node, batch.option)];
      }
      out.running.push_back(seen);
    }
    return out;
  }

  // False where the run has failed.
  bool launch(const Start& start) {
    const Option& option = workflow_[start.node].options[start.option];
    RandomStream random = random_.split(start.node).split(attempts_[start.node]++);
    Batch batch{.node = start.node, .option = start.option, .began = report_.ms, .ends = report_.ms};
    double usd = 0, tokens = 0;
    for (int j = 0; j < start.samples; ++j) draw(option, random, batch, usd, tokens);
    batch.ends = end_of(batch);
    ++report_.batches;
    report_.samples += start.samples;
    if (report_.usd + usd > budget_.usd || report_.tokens + tokens > budget_.tokens || batch.ends > budget_.ms)
      return false;
    report_.usd += usd;
    report_.tokens += tokens;
    open_.push_back(std::move(batch));
    return true;
  }

  // To the next end of a batch, and all that end at that moment.
  void advance() {
    const double now = std::ranges::min_element(open_, {}, &Batch::ends)->ends;
    report_.ms = now;
    for (const Batch& batch : open_) {
      if (batch.ends <= now) close(batch);
    }
    std::erase_if(open_, [&](const Batch& batch) { return batch.ends <= now; });
    ++state_.events;
  }

  void decided() { ++report_.decisions; }
  SimulatedRun finish() {
    report_.completed = complete();
    return report_;
  }

 private:
  void draw(const Option& option, RandomStream& random, Batch& batch, double& usd, double& tokens) const {
    double ms = option.latency.mean_ms, factor = 1;
    bool success = random.uniform01() < option.p;
    if (!option.measured.empty()) {
      const MeasuredSample& one = option.measured[random.uniform_int(std::uint64_t{option.measured.size()})];
      ms = one.ms;
      success = one.success;
      factor = option.cost.tokens > 0 ? one.tokens / option.cost.tokens : 1;
    } else if (option.latency.cv > 0) {
      const LogNormal log = log_normal_of(option.latency);
      ms = std::exp(log.mu + log.sigma * random.normal());
      if (option.cost.follows_latency) factor = ms / option.latency.mean_ms;
    }
    batch.samples.push_back({.ends = report_.ms + ms, .success = success});
    usd += option.cost.usd * factor;
    tokens += option.cost.tokens * factor;
  }

  [[nodiscard]] double end_of(const Batch& batch) const {
    std::optional<double> first;
    double last = 0;
    for (const Sample& sample : batch.samples) {
      if (sample.success) first = std::min(first.value_or(sample.ends), sample.ends);
      last = std::max(last, sample.ends);
    }
    return cancel_ && first ? *first : last;
  }

  void close(const Batch& batch) {
    bool success = false;
    for (const Sample& sample : batch.samples) {
      if (sample.ends > batch.ends) continue;  // cancelled
      success |= sample.success;
      if (!sample.success) ++state_.failures[workflow_.option_at(batch.node, batch.option)];
    }
    if (success) state_.completed |= bit(batch.node);
  }

  const Workflow& workflow_;
  WorkflowBudget budget_;
  RandomStream random_;
  bool cancel_;
  std::vector<std::uint64_t> attempts_;
  std::vector<Batch> open_;
  RunState state_;
  SimulatedRun report_;
};

Result<void> check(const Workflow& workflow, const RunState& state, const std::vector<Start>& starts) {
  NodeSet open = workflow.dispatchable(state);
  for (const Start& start : starts) {
    if (start.node >= workflow.size() || (open & bit(start.node)) == 0)
      return invalid_argument("subtask " + std::to_string(start.node) + " cannot be started now");
    if (start.option >= workflow[start.node].options.size() || start.samples < 1 || start.samples > kMostSamples)
      return invalid_argument("subtask \"" + workflow[start.node].id + "\": needs one of its options, and 1 … 65536 " +
                              "samples");
    open &= ~bit(start.node);
  }
  return {};
}

std::vector<double> weights_of(const Workflow& workflow, StaticSplit split, std::size_t model, RandomStream& random) {
  std::vector<double> latency, failure, out;
  for (std::size_t v = 0; v < workflow.size(); ++v) {
    const Option& option = workflow[v].options[workflow.option_of(v, model)];
    latency.push_back(option.latency.mean_ms);
    failure.push_back(1 - option.p);
    out.push_back(split == StaticSplit::kRandom ? random.exponential() : 1);
  }
  if (split == StaticSplit::kLatency) return latency;
  if (split == StaticSplit::kFailure) return failure;
  if (split == StaticSplit::kCriticalPath) return path_lengths(workflow, latency);
  return out;
}

}  // namespace

Result<SimulatedRun> simulate_run(const Workflow& world, const WorkflowBudget& budget, const WorkflowPolicy& policy,
                                  const RandomStream& random, bool cancel_on_success) {
  World run(world, budget, random, cancel_on_success);
  while (!run.complete()) {
    const RunState state = run.look();
    if (world.dispatchable(state) != 0) {
      run.decided();
      const auto starts = policy(state);
      if (!starts) return tl::unexpected(starts.error());
      if (auto ok = check(world, state, *starts); !ok) return tl::unexpected(ok.error());
      for (const Start& start : *starts) {
        if (!run.launch(start)) return run.finish();
      }
    }
    if (run.idle()) return run.finish();
    run.advance();
  }
  return run.finish();
}

WorkflowPolicy planned_by(PortfolioPlanner& planner) {
  return [&planner](const RunState& state) -> Result<std::vector<Start>> {
    return planner.decide(state).map([](const Decision& decision) { return decision.starts; });
  };
}

WorkflowPolicy fixed_rule(const Workflow& workflow, PortfolioRule rule) {
  return [&workflow, rule](const RunState& state) -> Result<std::vector<Start>> {
    std::vector<Start> out;
    for (NodeSet rest = workflow.dispatchable(state); rest != 0; rest &= rest - 1) {
      const auto v = static_cast<std::size_t>(std::countr_zero(rest));
      out.push_back({.node = v, .option = workflow.option_of(v, rule.model), .samples = rule.samples});
    }
    return out;
  };
}

std::string_view name_of(StaticSplit split) {
  switch (split) {
    case StaticSplit::kUniform: return "uniform";
    case StaticSplit::kRandom: return "random";
    case StaticSplit::kLatency: return "latency";
    case StaticSplit::kFailure: return "failure";
    case StaticSplit::kCriticalPath: return "critical-path";
  }
  return "?";
}

std::vector<int> split_once(const Workflow& workflow, StaticSplit split, double usd, std::size_t model,
                            RandomStream random) {
  const std::vector<double> weight = weights_of(workflow, split, model, random);
  const double sum = std::accumulate(weight.begin(), weight.end(), 0.0);
  std::vector<int> out;
  for (std::size_t v = 0; v < workflow.size(); ++v) {
    const double each = workflow[v].options[workflow.option_of(v, model)].cost.usd;
    const double share = sum > 0 ? usd * weight[v] / sum : usd / static_cast<double>(workflow.size());
    // A subtask that cannot fail has no weight where failures weigh; it needs its one sample all the same.
    const double most = weight[v] == 0 ? 1 : each > 0 ? std::floor(share / each) : 64;
    out.push_back(static_cast<int>(std::clamp(most, 0.0, static_cast<double>(kMostSamples))));
  }
  return out;
}

WorkflowPolicy dispatch_once(const Workflow& workflow, std::vector<int> samples, std::size_t model) {
  return [&workflow, samples = std::move(samples), model](const RunState& state) -> Result<std::vector<Start>> {
    std::vector<Start> out;
    for (NodeSet rest = workflow.dispatchable(state); rest != 0; rest &= rest - 1) {
      const auto v = static_cast<std::size_t>(std::countr_zero(rest));
      const std::size_t option = workflow.option_of(v, model);
      const bool tried = !state.failures.empty() && state.failures[workflow.option_at(v, option)] > 0;
      if (tried || samples[v] < 1) return std::vector<Start>();  // it will not complete
      out.push_back({.node = v, .option = option, .samples = samples[v]});
    }
    return out;
  };
}

}  // namespace bursar::plan
