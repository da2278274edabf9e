#include "bursar/plan/workflow/portfolio_planner.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <string>
#include <unordered_set>

#include "bursar/plan/workflow/workflow_run.h"

namespace bursar::plan {
namespace {

constexpr std::size_t kMostCandidates = 1 << 16, kMostFree = 8, kLeaders = 8;
constexpr int kMostRuns = 1 << 20;

Result<void> check(const PlannerOptions& o) {
  if (o.samples.empty() || o.samples.size() > 16) return invalid_argument("samples needs 1 to 16 numbers");
  for (std::size_t i = 0; i < o.samples.size(); ++i) {
    const int k = o.samples[i];
    if (k < 1 || k > WorkflowSimulator::kMostSamples || (i > 0 && k <= o.samples[i - 1]))
      return invalid_argument("samples must increase, from 1 to 64; there is " + std::to_string(k));
  }
  if (o.free_nodes < 1 || o.free_nodes > kMostFree) return invalid_argument("free_nodes must be 1 … 8");
  if (o.max_candidates < 1 || o.max_candidates > kMostCandidates)
    return invalid_argument("max_candidates must be 1 … 65536");
  if (o.runs < 1 || o.runs > kMostRuns) return invalid_argument("runs must be 1 … 1048576");
  if (o.rounds.empty()) return invalid_argument("rounds needs a round");
  for (const RaceRound& round : o.rounds) {
    if (round.runs < 1 || round.runs > kMostRuns || round.keep < 1)
      return invalid_argument("a round needs 1 … 1048576 runs and keeps at least 1 pair");
  }
  if (o.fresh_runs < 0 || o.fresh_runs > kMostRuns) return invalid_argument("fresh_runs must be 0 … 1048576");
  if (!(o.delta > 0 && o.delta < 1)) return invalid_argument("delta must be in (0, 1)");
  if (!(o.reserve >= 0 && o.reserve <= 1000)) return invalid_argument("reserve must be 0 … 1000");
  if (!(o.simulator.prior_strength >= 0 && o.simulator.prior_strength <= 1e9))
    return invalid_argument("prior_strength must be 0 … 1e9");
  return {};
}

std::vector<std::size_t> members(NodeSet set) {
  std::vector<std::size_t> out;
  for (; set != 0; set &= set - 1) out.push_back(static_cast<std::size_t>(std::countr_zero(set)));
  return out;
}

// base^exponent, or `most` where that is less.
std::size_t capped_power(std::size_t base, std::size_t exponent, std::size_t most) {
  std::size_t out = 1;
  for (std::size_t i = 0; i < exponent && out < most; ++i) out *= base;
  return std::min(out, most);
}

}  // namespace

Result<PortfolioPlanner> PortfolioPlanner::make(Workflow workflow, PlannerOptions options) {
  if (auto ok = check(options); !ok) return tl::unexpected(ok.error());
  return PortfolioPlanner(std::move(workflow), std::move(options));
}

PortfolioPlanner::PortfolioPlanner(Workflow workflow, PlannerOptions options)
    : workflow_(std::move(workflow)), options_(std::move(options)), simulator_(workflow_, options_.simulator) {
  for (const int k : options_.samples) {
    for (std::size_t m = 0; m < workflow_.models().size(); ++m) rules_.push_back({.model = m, .samples = k});
  }
}

bool PortfolioPlanner::affordable(const Choice& starts, const RunState& state) const {
  double usd = 0, tokens = 0;  // in smallest units, as a run holds them
  for (const Start& start : starts) {
    const Amounts cap = sample_cap(workflow_[start.node].options[start.option].cost, options_.reserve);
    usd += start.samples * static_cast<double>(cap[kUsd]);
    tokens += start.samples * static_cast<double>(cap[kTokens]);
  }
  return usd <= state.usd * 1e6 + .25 && tokens <= state.tokens + .25;
}

void PortfolioPlanner::add(Choice candidate, const RunState& state, std::vector<Choice>& to) const {
  if (options_.reserve == 0 || affordable(candidate, state)) to.push_back(std::move(candidate));
}

void PortfolioPlanner::add_uniform(std::span<const std::size_t> ready, const RunState& state,
                                   std::vector<Choice>& to) const {
  for (const PortfolioRule& rule : rules_) {
    Choice alike;
    for (const std::size_t v : ready)
      alike.push_back({.node = v, .option = workflow_.option_of(v, rule.model), .samples = rule.samples});
    add(std::move(alike), state, to);
  }
}

// Products over at most free_nodes of `ready`, chosen at random where there are more; the others share one rule. Where
// there are too many: the first of them in the published search, a random choice in ours [choice].
void PortfolioPlanner::add_products(std::vector<std::size_t> ready, const RunState& state, RandomStream random,
                                    std::vector<Choice>& to) const {
  const bool published = options_.search == PlannerOptions::Search::kPublished;
  const std::size_t free = std::min(ready.size(), options_.free_nodes);
  if (ready.size() > free) random.shuffle(std::span<std::size_t>(ready));
  const std::size_t rest_rules = ready.size() == free ? 1 : published ? options_.samples.size() : rules_.size();
  // The published search gives the others its first model: rules_ holds all models of a number of samples together.
  const std::size_t rest_step = published ? workflow_.models().size() : 1;
  constexpr std::size_t kCountable = std::size_t{1} << 40;
  const std::size_t products = capped_power(rules_.size(), free, kCountable), total = products * rest_rules;
  const std::size_t room = options_.max_candidates - std::min(options_.max_candidates, to.size());
  std::unordered_set<std::size_t> seen;
  for (std::size_t i = 0; i < std::min(total, room); ++i) {
    std::size_t index = i;
    if (total > room && !published) {
      do index = random.uniform_int(std::uint64_t{total});
      while (!seen.insert(index).second);
    }
    Choice choice;
    std::size_t code = index % products;
    const PortfolioRule& others = rules_[index / products * rest_step];
    bool alike = true;
    for (std::size_t r = 0; r < ready.size(); ++r) {
      const PortfolioRule& rule = r < free ? rules_[code % rules_.size()] : others;
      if (r < free) code /= rules_.size();
      choice.push_back(
          {.node = ready[r], .option = workflow_.option_of(ready[r], rule.model), .samples = rule.samples});
      alike &= choice.back().samples == choice.front().samples && choice.back().option == choice.front().option;
    }
    if (!alike || workflow_.models().size() > 1) add(std::move(choice), state, to);
  }
}

// Where no action for all of them can be reserved: one subtask alone, as the others can wait for what is given back.
void PortfolioPlanner::add_single(std::span<const std::size_t> ready, const RunState& state,
                                  std::vector<Choice>& to) const {
  for (const std::size_t v : ready) {
    for (std::size_t option = 0; option < workflow_[v].options.size(); ++option) {
      for (const int k : options_.samples) add({{.node = v, .option = option, .samples = k}}, state, to);
    }
  }
}

std::vector<PortfolioPlanner::Choice> PortfolioPlanner::candidates(const RunState& state, RandomStream random) const {
  std::vector<Choice> out;
  const std::vector<std::size_t> ready = members(workflow_.dispatchable(state));
  if (ready.empty()) return out;
  add_uniform(ready, state, out);
  if (ready.size() > 1) add_products(ready, state, random, out);
  if (out.empty()) add_single(ready, state, out);
  return out;
}

void PortfolioPlanner::play(const std::vector<Choice>& actions, Pair& pair, std::span<const std::uint64_t> keys) {
  for (const std::uint64_t key : keys)
    pair.completed += simulator_.run(actions[pair.candidate], rules_[pair.rule], key) ? 1 : 0;
  pair.runs += static_cast<std::int64_t>(keys.size());
}

void PortfolioPlanner::race(const std::vector<Choice>& actions, std::vector<Pair>& pairs, RandomStream& random,
                            Decision& out) {
  std::vector<std::uint64_t> keys;
  for (const RaceRound& round : options_.rounds) {
    keys.resize(static_cast<std::size_t>(round.runs));
    for (std::uint64_t& key : keys) key = random();
    for (Pair& pair : pairs) play(actions, pair, keys);
    out.runs += static_cast<std::int64_t>(pairs.size() * keys.size());
    std::ranges::stable_sort(pairs, [](const Pair& a, const Pair& b) { return a.share() > b.share(); });
    if (&round != &options_.rounds.back()) pairs.resize(std::min(pairs.size(), round.keep));
  }
}

void PortfolioPlanner::count_all(const std::vector<Choice>& actions, std::vector<Pair>& pairs, RandomStream& random,
                                 Decision& out) {
  std::vector<std::uint64_t> keys(static_cast<std::size_t>(options_.runs));
  for (Pair& pair : pairs) {
    for (std::uint64_t& key : keys) key = random();
    play(actions, pair, keys);
  }
  out.runs += static_cast<std::int64_t>(pairs.size() * keys.size());
  std::ranges::stable_sort(pairs, [](const Pair& a, const Pair& b) { return a.share() > b.share(); });
  const auto n = static_cast<double>(pairs.size());
  out.epsilon = std::sqrt(std::log(2 * n / options_.delta) / (2.0 * options_.runs));
}

void PortfolioPlanner::fresh(const Choice& starts, RandomStream random, Decision& out) {
  if (options_.fresh_runs == 0) return;
  int completed = 0;
  for (int i = 0; i < options_.fresh_runs; ++i) completed += simulator_.run(starts, out.rule, random()) ? 1 : 0;
  out.runs += options_.fresh_runs;
  out.p_complete = static_cast<double>(completed) / options_.fresh_runs;
  out.p_error = std::sqrt(std::log(2 / options_.delta) / (2.0 * options_.fresh_runs));
}

Result<Decision> PortfolioPlanner::decide(const RunState& state) {
  if (auto ok = workflow_.check(state); !ok) return tl::unexpected(ok.error());
  Decision out;
  if (state.completed == workflow_.all()) {
    out.p_complete = 1;
    return out;
  }
  const bool spent = !(state.usd > 0) || !(state.tokens > 0);
  if (!(state.ms > 0) || (spent && state.running.empty())) return out;
  const RandomStream root = RandomStream(options_.seed).split("portfolio-planner").split(state.events);
  std::vector<Choice> actions;
  if (!spent) actions = candidates(state, root.split("candidates"));
  out.candidates = actions.size();
  if (actions.empty()) {
    if (state.running.empty()) return out;
    actions.emplace_back();  // wait for what runs
  }
  simulator_.begin(state);
  std::vector<Pair> pairs;
  for (std::uint32_t a = 0; a < actions.size(); ++a) {
    for (std::uint32_t r = 0; r < rules_.size(); ++r) pairs.push_back({.candidate = a, .rule = r});
  }
  out.pairs = pairs.size();
  RandomStream runs = root.split("runs");
  if (options_.search == PlannerOptions::Search::kRacing)
    race(actions, pairs, runs, out);
  else
    count_all(actions, pairs, runs, out);
  for (std::size_t i = 0; i < std::min(pairs.size(), kLeaders); ++i)
    out.leaders.push_back({.starts = actions[pairs[i].candidate],
                           .rule = rules_[pairs[i].rule],
                           .runs = pairs[i].runs,
                           .completed = pairs[i].completed});
  out.starts = out.leaders.front().starts;
  out.rule = out.leaders.front().rule;
  out.p_complete = out.leaders.front().share();
  fresh(out.starts, root.split("fresh"), out);
  return out;
}

}  // namespace bursar::plan
