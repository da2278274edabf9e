#include "bursar/plan/model_beliefs.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>

#include "bursar/sample/answers.h"
#include "bursar/sample/streaming_allocator.h"

namespace bursar::plan {
namespace {

constexpr std::uint64_t kFresh = 16;  // rows after which a fit is renewed
constexpr std::size_t kLeastGated = 60, kLeastMended = 10, kLeastPools = 30, kLeastPool = 16, kLeastTeams = 30,
                      kLeastLatencies = 20;
constexpr std::uint64_t kLeastFinals = 20, kLeastLengths = 10;
// Of the strategy's own presets: a plan for other numbers is of no use to it.
constexpr double kStreamMean = 8;
constexpr std::size_t kStreamWarmUp = 4, kStreamMost = 32;

template <class Row>
void keep(std::deque<Row>& rows, const Row& row, std::size_t most) {
  if (rows.size() == most) rows.pop_front();
  rows.push_back(row);
}

}  // namespace

AnswerDigest digest_of_text(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash == 0 ? 1 : hash;
}

AnswerDigest digest_of_answer(std::string_view answer) {
  const std::string canonical = sample::canonical_answer(answer);
  return canonical.empty() ? 0 : digest_of_text(canonical);
}

bool ModelBeliefs::due(Fit fit) {
  if (++fresh_.at(fit) < kFresh) return false;
  fresh_.at(fit) = 0;
  return true;
}

void ModelBeliefs::add_length(std::int64_t tokens) {
  if (tokens < 1) return;
  const double x = std::log(static_cast<double>(tokens)), step = x - lengths_.mean;
  lengths_.mean += step / static_cast<double>(++lengths_.count);
  lengths_.squares += step * (x - lengths_.mean);
  if (due(kLengths)) show_lengths();
}

void ModelBeliefs::add_latency(const CensoredValue& latency) {
  keep(latencies_, latency, kMostLatencies);
  if (due(kLatencies)) show_latencies();
}

void ModelBeliefs::add_answers(AnswerDigest question, const std::vector<AnswerDigest>& answers) {
  auto pool = std::ranges::find(pools_, question, &Pool::question);
  if (pool == pools_.end()) {
    keep(pools_, {.question = question, .answers = {}}, kMostPools);
    pool = pools_.end() - 1;
  }
  for (const AnswerDigest answer : answers) {
    if (pool->answers.size() < kMostPool) pool->answers.push_back(answer);
  }
  if (due(kStream)) fit_stream();
}

void ModelBeliefs::add_success(std::string_view strategy, double reward) {
  auto found = success_.find(strategy);
  if (found == success_.end()) {
    if (success_.size() == kMostStrategies) return;
    found = success_.emplace(std::string(strategy), BetaPosterior::create().value()).first;
  }
  (void)found->second.observe(reward, 1 - reward);  // it fails past 10^12
  show_success();
}

void ModelBeliefs::add(const Gated& row) {
  keep(gated_, row, kMostRows);
  if (due(kGate)) fit_gate();
}
void ModelBeliefs::add(const SolveRecord& row) {
  keep(solved_, row, kMostRows);
  if (due(kCurves)) fit_curves();
}
void ModelBeliefs::add(const AgentRun& row) {
  keep(runs_, row, kMostRows);
  if (due(kLaw)) fit_law();
}
void ModelBeliefs::add(const Team& row) {
  keep(teams_, row, kMostTeams);
  if (due(kTeams)) fit_correlation();
}
void ModelBeliefs::add(const FinalChange& row) {
  Rates& rates = finals_.at(static_cast<std::size_t>(row.kind));
  ++rates.seen;
  rates.gained += row.gained ? 1 : 0;
  rates.harmed += row.harmed ? 1 : 0;
  show_finals();
}

void ModelBeliefs::fit_gate() {
  const auto mended =
      static_cast<std::size_t>(std::ranges::count_if(gated_, [](const Gated& g) { return g.row.fixed; }));
  if (gated_.size() < kLeastGated || mended < kLeastMended) return;
  std::vector<RecoveryRow> rows;
  std::vector<PairedOutcome> outcomes;
  for (const Gated& g : gated_) rows.push_back(g.row);
  const auto gate = LinearGate::fit(rows);
  if (!gate) return;  // nothing but attempts that were mended
  for (const Gated& g : gated_) {
    outcomes.push_back(g.outcome);
    outcomes.back().score = gate->score(g.row.attempt).value_or(0);
  }
  if (const auto chosen = calibrate(outcomes)) {
    snapshot_["gate"] = boost::json::object{{"gate", gate->save()}, {"threshold", chosen->threshold}};
  }
}

void ModelBeliefs::fit_stream() {
  std::vector<std::vector<std::size_t>> pools;
  for (const Pool& pool : pools_) {
    if (pool.answers.size() < kLeastPool) continue;
    std::vector<AnswerDigest> seen;
    std::vector<std::size_t>& options = pools.emplace_back();
    for (const AnswerDigest answer : pool.answers) {
      const auto at = std::ranges::find(seen, answer);
      options.push_back(static_cast<std::size_t>(at - seen.begin()));
      if (at == seen.end()) seen.push_back(answer);
    }
  }
  if (pools.size() < kLeastPools) return;
  const auto plan = sample::fit_stream_plan(
      pools,
      {.mean_budget = kStreamMean, .warm_up = kStreamWarmUp, .most = kStreamMost, .kind = sample::AnswerKind::kChoice});
  if (plan) snapshot_["stream_plan"] = plan->save();
}

void ModelBeliefs::fit_curves() {
  const std::vector<SolveRecord> records(solved_.begin(), solved_.end());
  boost::json::array out;
  bool any = false;
  for (const auto& curve : learn_level_curves(records)) {
    any |= curve.has_value();
    out.push_back(curve ? boost::json::value{{"c", curve->c}, {"a", curve->a}} : boost::json::value());
  }
  if (any) snapshot_["level_curves"] = std::move(out);
}

void ModelBeliefs::fit_law() {
  const std::vector<AgentRun> runs(runs_.begin(), runs_.end());
  const auto law = fit_agent_law(runs);
  if (law && law->kappa > 0 && law->beta > 0) {
    snapshot_["agent_law"] = boost::json::object{{"kappa", law->kappa}, {"beta", law->beta}};
  }
}

void ModelBeliefs::fit_correlation() {
  if (teams_.size() < kLeastTeams) return;
  std::vector<std::vector<bool>> correct;
  for (const Team& team : teams_) correct.emplace_back(team.right.begin(), team.right.end());
  if (const auto found = estimate_correlation(correct)) snapshot_["correlation"] = found->rho;
}

void ModelBeliefs::show_success() {
  boost::json::object out;
  for (const auto& [strategy, posterior] : success_) {
    const auto [low, high] = posterior.interval(.9);
    out[strategy] = boost::json::object{{"mean", posterior.mean()},
                                        {"low", low},
                                        {"high", high},
                                        {"count", std::llround(posterior.a() + posterior.b() - 2)}};
  }
  snapshot_["success"] = std::move(out);
}

void ModelBeliefs::show_lengths() {
  if (lengths_.count < kLeastLengths) return;
  const double sd = std::sqrt(lengths_.squares / static_cast<double>(lengths_.count - 1));
  snapshot_["lengths"] = boost::json::object{{"log_mean", lengths_.mean}, {"log_sd", sd}, {"count", lengths_.count}};
}

void ModelBeliefs::show_latencies() {
  if (latencies_.size() < kLeastLatencies) return;
  const std::vector<CensoredValue> seen(latencies_.begin(), latencies_.end());
  const KaplanMeier survival(seen);
  const auto quantile = [&](double p) -> boost::json::value {
    const auto value = survival.quantile(p);
    return value ? boost::json::value(*value) : boost::json::value();
  };
  snapshot_["latency_ms"] =
      boost::json::object{{"median", quantile(.5)}, {"p95", quantile(.95)}, {"count", seen.size()}};
}

void ModelBeliefs::show_finals() {
  boost::json::object out;
  for (std::size_t k = 0; k < finals_.size(); ++k) {
    const Rates& rates = finals_.at(k);
    if (rates.seen < kLeastFinals) continue;
    const auto n = static_cast<double>(rates.seen);
    out[name_of(static_cast<Disagreement>(k))] = boost::json::object{{"gain", static_cast<double>(rates.gained) / n},
                                                                     {"harm", static_cast<double>(rates.harmed) / n}};
  }
  if (!out.empty()) snapshot_["final_rates"] = std::move(out);
}

}  // namespace bursar::plan
