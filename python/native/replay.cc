// Streams of arrays under policies: replay with the best in hindsight (admit), and a bandit over a table of rewards
// (explore).
#include "bursar/admit/replay.h"

#include <algorithm>
#include <deque>
#include <pybind11/stl.h>

#include "python/native/arrays.h"
#include "python/native/failure.h"
#include "python/native/json_values.h"
#include "python/native/module.h"
#include "python/native/policy.h"
#include "python/native/stream.h"
#include "python/native/unlocked.h"

namespace bursar::python {
namespace py = pybind11;
using py::arg;

namespace {

constexpr std::size_t kAskEvery = 256;  // requests between two looks at the clock

Result<void> cancelled() { return fail(ErrorCode::kCancelled, "the run was interrupted"); }

py::dict result_of(admit::ReplayResult r) {
  const std::size_t m = r.spent.size(), n = r.points.size();
  std::vector<std::int64_t> requests;
  std::vector<double> reward, spent, prices;
  for (const admit::ReplayPoint& p : r.points) {
    requests.push_back(static_cast<std::int64_t>(p.requests));
    reward.push_back(p.reward);
    spent.insert(spent.end(), p.spent.begin(), p.spent.end());
    prices.insert(prices.end(), p.prices.begin(), p.prices.end());
  }
  py::dict d;
  d["policy"] = r.label;
  d["requests"] = r.requests;
  d["taken"] = r.taken;
  d["short_of_budget"] = r.short_of_budget;
  d["reward"] = r.reward;
  d["spent"] = to_array(std::move(r.spent));
  d["prices"] = to_array(std::move(r.prices));
  d["overspent"] = to_array(std::move(r.overspent));
  d["point_requests"] = to_array(std::move(requests));
  d["point_reward"] = to_array(std::move(reward));
  d["point_spent"] = to_array(std::move(spent), {n, m});
  d["point_prices"] = to_array(std::move(prices), {n, m});
  return d;
}

admit::ReplayResult replay_one(const StreamArrays& stream, const std::string& words,
                               const admit::ReplayOptions& options, Watch& watch) {
  auto run = unwrap(admit::ReplayRun::make(words, unwrap(parse_policy_words(words)), table_of("admit"), options));
  unwrap(unlocked(watch, [&](const auto& stop) -> Result<void> {
    for (std::size_t t = 0; t < stream.requests(); ++t) {
      if (t % kAskEvery == 0 && stop()) return cancelled();
      if (auto ok = run.step(stream.at(t)); !ok) return ok;
    }
    return {};
  }));
  return unwrap(run.finish());
}

// Prices from a sample, then one pass at them: a bound whatever the sample was.
double bound_of(const StreamArrays& stream, const admit::ReplayOptions& options, Watch& watch) {
  return unwrap(unlocked(watch, [&](const auto& stop) -> Result<double> {
    admit::ReservoirSample sample(options.budget.size(), options.goal);
    for (std::size_t t = 0; t < stream.requests(); ++t) {
      if (t % kAskEvery == 0 && stop()) return tl::unexpected(cancelled().error());
      sample.add(stream.at(t));
    }
    auto dual = sample.prices(options.budget);
    if (!dual) return tl::unexpected(dual.error());
    admit::Hindsight hindsight(std::move(dual->prices), options.goal);
    for (std::size_t t = 0; t < stream.requests(); ++t) {
      if (t % kAskEvery == 0 && stop()) return tl::unexpected(cancelled().error());
      hindsight.add(stream.at(t));
    }
    return hindsight.bound(options.budget);
  }));
}

py::dict replay(const std::vector<std::string>& policies, const py::object& budget, std::uint64_t horizon,
                std::uint64_t delay, bool count_value, bool bound, const py::kwargs& given) {
  const auto amounts = doubles(budget, "budget", {0, 1});
  const StreamArrays stream(given, amounts.numbers.size());
  admit::ReplayOptions options{.budget = {amounts.numbers.begin(), amounts.numbers.end()},
                               .horizon = horizon,
                               .goal = count_value ? admit::AuctionGoal::kValue : admit::AuctionGoal::kUtility,
                               .delay = delay};
  Watch watch;
  py::list runs;
  for (const std::string& words : policies) runs.append(result_of(replay_one(stream, words, options, watch)));
  py::dict d;
  d["runs"] = runs;
  d["bound"] = bound ? py::object(py::float_(bound_of(stream, options, watch))) : py::object(py::none());
  return d;
}

// What a bandit did with a table of rewards, of which it saw one a row.
struct BanditRun {
  std::vector<std::int64_t> options;  // [rounds]; -1: none
  std::vector<double> rewards;        // [rounds]
};

struct LateReward {
  DecisionId id = 0;
  double reward = 0;
  std::span<const double> costs;
};

struct BanditTable {
  Numbers<double> rewards, costs, context;
  std::size_t rounds = 0, arms = 0, resources = 0, features = 0;
  std::uint64_t delay = 0;

  [[nodiscard]] std::span<const double> costs_of(std::size_t t) const {
    if (!costs.given()) return {};
    const std::size_t each = arms * resources;
    return costs.shape[0] == rounds && costs.shape.size() == 3 ? costs.numbers.subspan(t * each, each) : costs.numbers;
  }
};

std::string too_few(std::size_t option, std::size_t arms) {
  return "rewards: have " + std::to_string(arms) + " columns, and the policy chose arm " + std::to_string(option) +
         "; give a column for each of its arms";
}

Result<BanditRun> run_bandit(Policy& policy, const BanditTable& table, const std::function<bool()>& stop) {
  BanditRun run{std::vector<std::int64_t>(table.rounds, -1), std::vector<double>(table.rounds, 0.0)};
  std::deque<LateReward> late;
  const auto tell = [&]() -> Result<void> {
    const LateReward first = late.front();
    late.pop_front();
    return policy.observe(first.id, {.costs = first.costs, .reward = first.reward});
  };
  for (std::size_t t = 0; t < table.rounds; ++t) {
    if (t % kAskEvery == 0 && stop()) return tl::unexpected(cancelled().error());
    const auto costs = table.costs_of(t);
    const auto context = table.context.given() ? table.context.numbers.subspan(t * table.features, table.features)
                                               : std::span<const double>{};
    auto d = policy.decide({.costs = costs, .context = context});
    if (!d) return tl::unexpected(with_context("round " + std::to_string(t), d.error()));
    if (d->option) {
      if (*d->option >= table.arms) return invalid_argument(too_few(*d->option, table.arms));
      run.options[t] = static_cast<std::int64_t>(*d->option);
      run.rewards[t] = table.rewards.numbers[t * table.arms + *d->option];
      late.push_back({d->id, run.rewards[t],
                      costs.empty() ? costs : costs.subspan(*d->option * table.resources, table.resources)});
    }
    while (late.size() > table.delay)
      if (auto ok = tell(); !ok) return tl::unexpected(with_context("round " + std::to_string(t), ok.error()));
  }
  while (!late.empty())
    if (auto ok = tell(); !ok) return tl::unexpected(ok.error());
  return run;
}

py::tuple play(Policy& policy, const py::object& rewards, const py::object& costs, const py::object& context,
               std::uint64_t delay) {
  BanditTable table{.rewards = doubles(rewards, "rewards", {2}),
                    .costs = doubles(costs, "costs", {2, 3}),
                    .context = doubles(context, "context", {1, 2}),
                    .delay = delay};
  if (!table.rewards.given()) refuse("rewards: are missing");
  table.rounds = table.rewards.shape[0];
  table.arms = table.rewards.shape[1];
  require_idle(policy);
  table.resources = policy.remaining().size();
  if (table.costs.given()) {
    std::vector<std::size_t> wanted{table.arms, table.resources};
    if (table.costs.shape.size() == 3) wanted.insert(wanted.begin(), table.rounds);
    require_shape(table.costs.shape, wanted, "costs", "rewards and the policy's budget");
  }
  if (table.context.given()) {
    if (table.context.shape[0] != table.rounds)
      refuse("context: has " + std::to_string(table.context.shape[0]) + " rows, must have " +
             std::to_string(table.rounds));
    table.features = table.context.shape.size() == 2 ? table.context.shape[1] : 1;
  }
  const PolicyInUse in_use(policy);
  Watch watch;
  auto run = unwrap(unlocked(watch, [&](const auto& stop) { return run_bandit(policy, table, stop); }));
  return py::make_tuple(to_array(std::move(run.options)), to_array(std::move(run.rewards)));
}

}  // namespace

void bind_replay(py::module_& module) {
  module.def("replay", [](const std::vector<std::string>& policies, const py::object& budget, std::uint64_t horizon,
                          std::uint64_t delay, bool count_value, bool bound, const py::kwargs& given) {
    return replay(policies, budget, horizon, delay, count_value, bound, given);
  });
  module.def("play", &play, arg("policy"), arg("rewards"), arg("costs"), arg("context"), arg("delay"));
}

}  // namespace bursar::python
