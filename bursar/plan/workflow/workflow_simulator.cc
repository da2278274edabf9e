#include "bursar/plan/workflow/workflow_simulator.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "bursar/core/special.h"

namespace bursar::plan {
namespace {

constexpr std::uint32_t kStrata = 1024;
constexpr NodeSet bit(std::size_t node) { return NodeSet{1} << node; }
std::size_t lowest(NodeSet set) { return static_cast<std::size_t>(std::countr_zero(set)); }

// splitmix64: one word of state a subtask, so that a run's start costs one addition each.
std::uint64_t next(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}
double uniform01(std::uint64_t& state) { return static_cast<double>(next(state) >> 11) * 0x1.0p-53; }

// Mean of each of kStrata equally likely pieces of a log-normal: E[L; z in (a, b)] = mean (Phi(b - s) - Phi(a - s)).
std::vector<double> strata_of(const LatencyModel& latency) {
  const double sigma = log_normal_of(latency).sigma;
  std::vector<double> out;
  double below = 0;
  for (std::uint32_t j = 1; j <= kStrata; ++j) {
    const double until = j == kStrata ? 1 : normal_cdf(normal_quantile(static_cast<double>(j) / kStrata) - sigma);
    out.push_back(latency.mean_ms * std::max((until - below) * kStrata, 1e-12));
    below = until;
  }
  return out;
}

}  // namespace

struct WorkflowSimulator::Run {
  NodeSet done, ready, running = 0, succeeding = 0;
  double usd, tokens, clock = 0;
  std::array<double, Workflow::kMostSubtasks> ends;           // NOLINT: of those that run only
  std::array<std::uint64_t, Workflow::kMostSubtasks> stream;  // NOLINT
};

WorkflowSimulator::WorkflowSimulator(const Workflow& workflow, SimulatorOptions options)
    : options_(options), nodes_(workflow.size()), all_(workflow.all()) {
  std::uint64_t salt = 0x6d637070;
  for (std::size_t v = 0; v < nodes_; ++v) {
    parents_.push_back(workflow.parents(v));
    children_.push_back(workflow.children(v));
    salts_.push_back(next(salt));
    first_option_.push_back(workflow.option_at(v, 0));
    for (const Option& option : workflow[v].options) compile(option);
  }
  for (std::size_t m = 0; m < workflow.models().size(); ++m) {
    for (std::size_t v = 0; v < nodes_; ++v) rule_option_.push_back(workflow.option_at(v, workflow.option_of(v, m)));
  }
}

void WorkflowSimulator::compile(const Option& option) {
  Compiled out{.usd = option.cost.usd,
               .tokens = option.cost.tokens,
               .p = option.p,
               .first = static_cast<std::uint32_t>(draws_.size()),
               .measured = !option.measured.empty()};
  for (int k = 0; k <= kMostSamples; ++k) out.success.at(static_cast<std::size_t>(k)) = 1 - std::pow(1 - option.p, k);
  const double mean = option.latency.mean_ms;
  if (out.measured) {
    for (const MeasuredSample& sample : option.measured)
      draws_.push_back({.ms = sample.ms,
                        .factor = option.cost.tokens > 0 ? sample.tokens / option.cost.tokens : 1,
                        .success = sample.success});
    std::stable_sort(draws_.begin() + out.first, draws_.end(),
                     [](const Draw& a, const Draw& b) { return a.ms < b.ms; });
  } else if (option.latency.cv == 0) {
    draws_.push_back({.ms = mean});
  } else {
    for (const double ms : strata_of(option.latency))
      draws_.push_back({.ms = ms, .factor = option.cost.follows_latency ? ms / mean : 1});
  }
  out.count = static_cast<std::uint32_t>(draws_.size()) - out.first;
  compiled_.push_back(out);
}

void WorkflowSimulator::begin(const RunState& state) {
  done_ = state.completed;
  usd_ = state.usd;
  tokens_ = state.tokens;
  ms_ = state.ms;
  failures_ = state.failures;
  failures_.resize(compiled_.size(), 0);
  pending_.clear();
  NodeSet running = 0;
  for (const RunningBatch& batch : state.running) {
    const std::size_t option = first_option_[batch.node] + batch.option;
    const Compiled& c = compiled_[option];
    const auto from = draws_.begin() + c.first, to = from + c.count;
    const auto longer = std::partition_point(from, to, [&](const Draw& d) { return d.ms <= batch.elapsed_ms; });
    pending_.push_back({.node = batch.node,
                        .option = option,
                        .samples = std::min(batch.pending, kMostSamples),
                        .succeeded = batch.succeeded,
                        .first = static_cast<std::uint32_t>(longer - from),
                        .elapsed_ms = batch.elapsed_ms});
    running |= bit(batch.node);
  }
  ready_ = 0;
  for (std::size_t v = 0; v < nodes_; ++v) {
    if (((done_ | running) & bit(v)) == 0 && (parents_[v] & ~done_) == 0) ready_ |= bit(v);
  }
}

template <bool kLearning>
double WorkflowSimulator::chance(std::size_t option, int samples, const Run&) const {
  const Compiled& c = compiled_[option];
  if constexpr (!kLearning) return c.success[static_cast<std::size_t>(samples)];
  // 1 - prod (b + f + j) / (a + b + f + j): each sample of the batch that failed would have taught the next.
  const double strength = options_.prior_strength, b = strength * (1 - c.p), f = run_failures_[option];
  double none = 1;
  for (int j = 0; j < samples; ++j) none *= (b + f + j) / (strength + f + j);
  return 1 - none;
}

// The longest and the sum of `samples` draws; of measured ones, whether any succeeded.
WorkflowSimulator::Batch WorkflowSimulator::draw(std::size_t option, int samples, std::uint32_t from,
                                                 std::uint64_t& stream) const {
  const Compiled& c = compiled_[option];
  if (c.count == 1 && from == 0) {
    const Draw& d = draws_[c.first];
    return {.ms = d.ms, .factor = d.factor * samples, .success = d.success};
  }
  const std::uint32_t count = c.count - from;
  const Draw* draws = draws_.data() + c.first + from;
  Batch out;
  std::uint64_t word = 0;
  for (int j = 0; j < samples; ++j) {
    word = j % 4 == 0 ? next(stream) : word >> 16;
    const Draw& d = draws[((word & 0xffff) * count) >> 16];
    out.ms = std::max(out.ms, d.ms);
    out.factor += d.factor;
    out.success |= d.success;
  }
  return out;
}

// With siblings cancelled: ends at the earliest success, or with the last failure.
WorkflowSimulator::Batch WorkflowSimulator::draw_until_success(std::size_t option, int samples, std::uint32_t from,
                                                               double p, std::uint64_t& stream) const {
  const Compiled& c = compiled_[option];
  const std::uint32_t count = c.count - from;
  Batch out;
  for (int j = 0; j < samples; ++j) {
    const Draw& d = draws_[c.first + from + ((next(stream) & 0xffff) * count >> 16)];
    const bool success = c.measured ? d.success : uniform01(stream) < p;
    if (success) out.ms = out.success ? std::min(out.ms, d.ms) : d.ms;
    if (!success && !out.success) out.ms = std::max(out.ms, d.ms);
    out.success |= success;
    out.factor += d.factor;
  }
  return out;
}

template <bool kLearning>
bool WorkflowSimulator::launch(const Start& start, Run& run) {
  const std::size_t option = start.option;
  const Compiled& c = compiled_[option];
  std::uint64_t& stream = run.stream[start.node];
  // A word for the outcome, then the latencies: the same key gives a batch of more samples the same first ones.
  const double u = uniform01(stream);
  Batch batch;
  if (options_.cancel_on_success) {
    batch = draw_until_success(option, start.samples, 0, chance<kLearning>(option, 1, run), stream);
  } else {
    batch = draw(option, start.samples, 0, stream);
    if (!c.measured || kLearning) batch.success = u < chance<kLearning>(option, start.samples, run);
  }
  run.usd -= c.usd * batch.factor;
  run.tokens -= c.tokens * batch.factor;
  const double end = run.clock + batch.ms;
  if (run.usd < 0 || run.tokens < 0 || end > ms_) return false;
  run.ends[start.node] = end;
  run.running |= bit(start.node);
  if (batch.success) run.succeeding |= bit(start.node);
  if (kLearning && !batch.success) run_failures_[option] += start.samples;
  return true;
}

template <bool kLearning>
void WorkflowSimulator::resume(const Pending& batch, Run& run) {
  const Compiled& c = compiled_[batch.option];
  std::uint64_t& stream = run.stream[batch.node];
  const double u = uniform01(stream);
  Batch drawn;
  if (batch.first == c.count) {
    // Longer than anything known: it may end any moment, within a twentieth of what it took [choice].
    drawn.ms = batch.elapsed_ms * 1.05;
  } else if (options_.cancel_on_success && !batch.succeeded) {
    drawn =
        draw_until_success(batch.option, batch.samples, batch.first, chance<kLearning>(batch.option, 1, run), stream);
  } else {
    drawn = draw(batch.option, batch.samples, batch.first, stream);
  }
  const bool by_chance = !c.measured || kLearning || batch.first == c.count;
  if (by_chance && !(options_.cancel_on_success && batch.first < c.count))
    drawn.success = u < chance<kLearning>(batch.option, batch.samples, run);
  run.ends[batch.node] = std::max(drawn.ms - batch.elapsed_ms, 0.0);
  run.running |= bit(batch.node);
  if (drawn.success || batch.succeeded) run.succeeding |= bit(batch.node);
}

template <bool kLearning>
bool WorkflowSimulator::play(std::span<const Start> first, PortfolioRule rule, std::uint64_t key) {
  Run run;  // its arrays are written before they are read
  run.done = done_;
  run.ready = ready_;
  run.usd = usd_;
  run.tokens = tokens_;
  for (std::size_t v = 0; v < nodes_; ++v) run.stream[v] = key ^ salts_[v];
  if (kLearning) run_failures_ = failures_;
  for (const Pending& batch : pending_) resume<kLearning>(batch, run);
  for (const Start& start : first) {
    run.ready &= ~bit(start.node);
    if (!launch<kLearning>({start.node, first_option_[start.node] + start.option, start.samples}, run)) return false;
  }
  const std::size_t* option = rule_option_.data() + rule.model * nodes_;
  if (run.running == 0 && first.empty()) {  // nothing to wait for
    for (; run.ready != 0; run.ready &= run.ready - 1) {
      const std::size_t v = lowest(run.ready);
      if (!launch<kLearning>({v, option[v], rule.samples}, run)) return false;
    }
  }
  while (run.running != 0) {
    std::size_t v = lowest(run.running);
    for (NodeSet rest = run.running & (run.running - 1); rest != 0; rest &= rest - 1) {
      if (run.ends[lowest(rest)] < run.ends[v]) v = lowest(rest);
    }
    run.clock = run.ends[v];
    if (run.clock > ms_) return false;
    run.running &= ~bit(v);
    if ((run.succeeding & bit(v)) != 0) {
      run.succeeding &= ~bit(v);
      run.done |= bit(v);
      for (NodeSet rest = children_[v]; rest != 0; rest &= rest - 1) {
        if ((parents_[lowest(rest)] & ~run.done) == 0) run.ready |= rest & (~rest + 1);
      }
    } else {
      run.ready |= bit(v);
    }
    for (; run.ready != 0; run.ready &= run.ready - 1) {
      const std::size_t next_up = lowest(run.ready);
      if (!launch<kLearning>({next_up, option[next_up], rule.samples}, run)) return false;
    }
  }
  return run.done == all_;
}

bool WorkflowSimulator::run(std::span<const Start> first, PortfolioRule rule, std::uint64_t key) {
  return options_.prior_strength > 0 ? play<true>(first, rule, key) : play<false>(first, rule, key);
}

}  // namespace bursar::plan
