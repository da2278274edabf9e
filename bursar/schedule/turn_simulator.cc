#include "bursar/schedule/turn_simulator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "bursar/core/special.h"
#include "bursar/schedule/latency_store.h"

namespace bursar::schedule {
namespace {

constexpr std::array kMedians_ms{80.0, 150.0, 300.0, 600.0, 1200.0, 2500.0};
constexpr double kHung = std::numeric_limits<double>::infinity();

Duration from_ms(double ms) { return Duration(static_cast<std::int64_t>(std::min(ms, 1e9) * 1000)); }
double to_ms(Duration d) { return static_cast<double>(d.count()) / 1000; }

ToolId tool_of(std::size_t step) { return {"simulated", std::to_string(step)}; }

double quantile_ms(const ToolLaw& law, double p) { return law.median_ms * std::exp(law.sigma * normal_quantile(p)); }

// The quantiles of the calls that answer at all. Steps are looked up by the number that is their tool's name.
class TrueLatencies final : public LatencyModel {
 public:
  explicit TrueLatencies(const TurnScenario& scenario) : steps_(scenario.steps) {}
  Duration quantile(const ToolId& tool, double p) const override { return from_ms(quantile_ms(law(tool), p)); }
  double cdf(const ToolId& tool, Duration t) const override {
    if (t <= Duration{0}) return 0;
    return (1 - law(tool).hang) * normal_cdf(std::log(to_ms(t) / law(tool).median_ms) / law(tool).sigma);
  }
  bool knows(const ToolId&) const override { return true; }

 private:
  const ToolLaw& law(const ToolId& tool) const { return steps_[std::stoul(tool.tool)].law; }
  std::vector<SimulatedStep> steps_;
};

void learn(LatencyStore& store, const ToolId& tool, Duration waited, bool answered, Knowledge knowledge) {
  if (!answered && knowledge == Knowledge::kCompletionsOnly) return;
  store.record(tool, waited, !answered && knowledge == Knowledge::kKaplanMeier);
}

std::vector<ToolLaw> draw_laws(double hang, RandomStream& random) {
  std::vector<ToolLaw> laws;
  for (std::size_t i = 0; i < kMedians_ms.size(); ++i) {
    const double median_ms = kMedians_ms[random.uniform_int(std::uint64_t{kMedians_ms.size()})];
    laws.push_back(
        {.median_ms = median_ms, .sigma = random.uniform(.35, 1), .hang = hang, .sticky = .3, .retry_correlation = .5});
  }
  return laws;
}

double sum_of_medians(const std::vector<ToolLaw>& laws) {
  return std::accumulate(laws.begin(), laws.end(), 0.0,
                         [](double sum, const ToolLaw& law) { return sum + law.median_ms; });
}

// One turn under one policy.
class TurnRunner {
 public:
  TurnRunner(const TurnScenario& scenario, TurnPolicy policy, const TurnRun& run)
      : scenario_(scenario), policy_(policy), run_(run), truth_(scenario) {
    config_.answer_reserve_min = Duration{0};
    config_.answer_reserve_share = 0;
    config_.stop_early_fraction = run.stop_early_fraction;
    for (std::size_t i = 0; i < scenario.steps.size(); ++i) {
      plan_.push_back({.tool = tool_of(i), .optional = scenario.steps[i].optional, .weight = scenario.steps[i].weight});
    }
  }

  TurnScore play(const RandomStream& random) {
    left_ = from_ms(scenario_.budget_ms);
    TurnScore score{.success = 1};
    for (std::size_t i = 0; i < plan_.size(); ++i) {
      if (make_step(i, random.split(i))) {
        score.value += plan_[i].weight;
      } else if (!plan_[i].optional) {
        score = {};
        break;
      }
    }
    score.used_ms = scenario_.budget_ms - to_ms(left_);
    return score;
  }

 private:
  const LatencyModel& known() const {
    if (run_.knowledge == Knowledge::kTruth) return truth_;
    return learned_;
  }
  std::span<const StepPlan> rest(std::size_t step) const { return std::span(plan_).subspan(step); }
  Turn turn() const { return {.total = from_ms(scenario_.budget_ms), .left = left_, .plan_known = true}; }

  // Absent: do not make this call.
  std::optional<Duration> timeout(std::size_t step, int attempt) const {
    const auto p95 = [&](const StepPlan& s) { return known().quantile(s.tool, .95); };
    const auto share = [&](double part) { return from_ms(scenario_.budget_ms * part); };
    switch (policy_) {
      case TurnPolicy::kAtba: {
        const auto decision = next_timeout(turn(), rest(step), attempt, known(), config_);
        return decision.why == TimeoutReason::kAllocated ? std::optional(decision.timeout) : std::nullopt;
      }
      case TurnPolicy::kOwnP95: return p95(plan_[step]);
      case TurnPolicy::kNoLimit: return left_;
      case TurnPolicy::kFixed2s: return std::chrono::seconds{2};
      case TurnPolicy::kEqualShares: return share(1 / static_cast<double>(plan_.size()));
      case TurnPolicy::kSharesByP95: {
        double sum = 0;
        for (const StepPlan& s : plan_) sum += to_ms(p95(s));
        return share(to_ms(p95(plan_[step])) / sum);
      }
    }
    return std::nullopt;
  }

  bool may_retry(std::size_t step) const {
    if (left_ <= Duration{0}) return false;
    if (policy_ != TurnPolicy::kAtba) return true;
    // The scenario counts the retries; here it is asked only whether the time left can still pay.
    return next_retry(turn(), rest(step), {.retryable = true, .idempotent = true}, 0, known(), config_).retry;
  }

  bool make_step(std::size_t step, const RandomStream& random) {
    SimulatedCall call(scenario_.steps[step].law, random);
    for (int attempt = 0; attempt <= scenario_.max_retries; ++attempt) {
      if (attempt > 0 && !may_retry(step)) return false;
      const auto allowed = timeout(step, attempt);
      if (!allowed || left_ <= Duration{0}) return false;
      const Duration limit = std::min(*allowed, left_);
      const Duration latency = from_ms(call.next_attempt_ms());
      const Duration waited = std::min(limit, latency);
      const bool answered = latency <= limit;
      left_ -= waited;
      if (run_.knowledge != Knowledge::kTruth) learn(learned_, plan_[step].tool, waited, answered, run_.knowledge);
      if (answered) return true;
    }
    return false;
  }

  const TurnScenario& scenario_;
  TurnPolicy policy_;
  TurnRun run_;
  TrueLatencies truth_;
  LatencyStore learned_;
  AtbaConfig config_;
  std::vector<StepPlan> plan_;
  Duration left_{0};
};

}  // namespace

SimulatedCall::SimulatedCall(const ToolLaw& law, RandomStream random)
    : law_(law),
      random_(random),
      first_normal_(random_.normal()),
      hangs_first_(random_.bernoulli(law.hang)),
      hangs_always_(hangs_first_ && random_.bernoulli(law.sticky)) {}

double SimulatedCall::next_attempt_ms() {
  double normal = first_normal_;
  bool hangs = hangs_first_;
  if (!is_first_) {
    const double rho = law_.retry_correlation;
    normal = rho * first_normal_ + std::sqrt(1 - rho * rho) * random_.normal();
    hangs = random_.bernoulli(law_.hang) || hangs_always_;
  }
  is_first_ = false;
  return hangs ? kHung : law_.median_ms * std::exp(law_.sigma * normal);
}

TurnScenario mixed_scenario(double c, RandomStream random) {
  const auto laws = draw_laws(.03, random);
  TurnScenario out{.budget_ms = c * sum_of_medians(laws), .max_retries = 2};
  for (const ToolLaw& law : laws) out.steps.push_back({.law = law, .optional = true, .weight = .1});
  out.steps.back().optional = false;
  out.steps.back().weight = .5;
  return out;
}

TurnScenario mandatory_scenario(double c, RandomStream random) {
  const auto laws = draw_laws(.02, random);
  TurnScenario out{.budget_ms = c * sum_of_medians(laws), .max_retries = 6};
  for (const ToolLaw& law : laws) out.steps.push_back({.law = law, .weight = 1 / static_cast<double>(laws.size())});
  return out;
}

std::string_view name_of(TurnPolicy policy) {
  switch (policy) {
    case TurnPolicy::kAtba: return "atba";
    case TurnPolicy::kOwnP95: return "own p95";
    case TurnPolicy::kNoLimit: return "no limit";
    case TurnPolicy::kFixed2s: return "fixed 2 s";
    case TurnPolicy::kEqualShares: return "equal shares";
    case TurnPolicy::kSharesByP95: return "shares by p95";
  }
  return "unknown";
}

TurnScore run_turns(const TurnScenario& scenario, TurnPolicy policy, const TurnRun& run, const RandomStream& random) {
  TurnRunner runner(scenario, policy, run);
  TurnScore mean;
  const std::size_t scored = std::min(run.scored_last, run.turns);
  for (std::size_t i = 0; i < run.turns; ++i) {
    const TurnScore turn = runner.play(random.split(i));
    if (i < run.turns - scored) continue;
    mean.value += turn.value / static_cast<double>(scored);
    mean.success += turn.success / static_cast<double>(scored);
    mean.used_ms += turn.used_ms / static_cast<double>(scored);
  }
  return mean;
}

SpiralShares run_spiral(const SpiralSetup& setup, Knowledge knowledge, RandomStream random) {
  const ToolId tool = tool_of(0);
  LatencyStore store;
  const auto phase = [&](ToolLaw law, std::size_t first, std::size_t last) {
    const std::size_t scored = std::min(setup.scored, last - first);
    std::size_t completed = 0;
    for (std::size_t i = first; i < last; ++i) {
      const bool is_true = knowledge == Knowledge::kTruth;
      const Duration timeout = is_true ? from_ms(quantile_ms(law, .95)) : store.quantile(tool, .95);
      const Duration latency = from_ms(SimulatedCall(law, random.split(i)).next_attempt_ms());
      const bool answered = latency <= timeout;
      learn(store, tool, std::min(latency, timeout), answered, knowledge);
      completed += answered && i >= last - scored;
    }
    return scored == 0 ? 0 : static_cast<double>(completed) / static_cast<double>(scored);
  };
  ToolLaw slower = setup.law;
  slower.median_ms *= setup.slowdown;
  const std::size_t shift_at = std::min(setup.shift_at, setup.calls);
  const double before = phase(setup.law, 0, shift_at);
  return {before, phase(slower, shift_at, setup.calls)};
}

}  // namespace bursar::schedule
