#include "bursar/admit/matching/matching_policies.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <cmath>

#include "bursar/admit/matching/goal_policy.h"
#include "bursar/admit/matching/matching_json.h"
#include "bursar/admit/matching/matching_prices.h"
#include "bursar/admit/priced_policy.h"
#include "bursar/core/json.h"
#include "bursar/core/saved_setup.h"

namespace bursar::admit {
namespace {

using boost::json::object;

constexpr std::array<std::string_view, 4> kCurves{"marginal", "double-exponential", "fraction", "half-marginal"};
constexpr std::array<std::string_view, 5> kRules{"balance", "greedy", "ranking", "random", "first"};
constexpr std::array<std::string_view, 2> kKinds{"posted", "lp"};
constexpr PolicyParameter kSeed{.name = "seed",
                                .about = "of what is drawn",
                                .kind = ParameterKind::kInteger,
                                .preset = "1",
                                .low = 0,
                                .high = 9e15};

constexpr std::array kGoalParameters{
    PolicyParameter{.name = "weights",
                    .about = "what success of each goal is worth; a request has a reward (weight x probability) a goal",
                    .kind = ParameterKind::kNumbers,
                    .low = 0},
    PolicyParameter{.name = "rule",
                    .about = "balance, or one to compare with",
                    .kind = ParameterKind::kText,
                    .preset = "\"balance\"",
                    .choices = kRules},
    PolicyParameter{.name = "curve",
                    .about = "f of a goal's load in w p (1 - f)",
                    .kind = ParameterKind::kText,
                    .preset = "\"marginal\"",
                    .choices = kCurves},
    PolicyParameter{.name = "max_pending",
                    .about = "tries of one goal under way at once",
                    .kind = ParameterKind::kInteger,
                    .preset = "1",
                    .low = 1,
                    .high = 1e6},
    kSeed};

constexpr std::array kPriceParameters{
    PolicyParameter{.name = "instance",
                    .about = "the expected buyers as the JSON text of docs/matching.md; the budget is 1 of each item",
                    .kind = ParameterKind::kText},
    PolicyParameter{.name = "prices",
                    .about = "posted (by what is unsold), or lp (dual prices, for large instances)",
                    .kind = ParameterKind::kText,
                    .preset = "\"posted\"",
                    .choices = kKinds},
    PolicyParameter{.name = "period_s",
                    .about = "seconds of a period; 0: every request is one",
                    .preset = "0",
                    .low = 0,
                    .high = 1e10},
    PolicyParameter{.name = "futures",
                    .about = "simulated futures of a posted price, past 12 items",
                    .kind = ParameterKind::kInteger,
                    .preset = "2000",
                    .low = 1,
                    .high = 1e6},
    PolicyParameter{.name = "next_best",
                    .about = "where the best option does not fit, take the best that does",
                    .kind = ParameterKind::kFlag,
                    .preset = "false"},
    PolicyParameter{.name = "max_open",
                    .about = "decisions after which one that was never observed counts at its hold",
                    .kind = ParameterKind::kInteger,
                    .preset = "65536",
                    .low = 1,
                    .high = 1 << 24},
    kSeed};

std::string_view text(const object& p, std::string_view key) {
  const auto& s = p.at(key).get_string();
  return {s.data(), s.size()};
}
std::uint64_t count(const object& p, std::string_view key) { return p.at(key).to_number<std::uint64_t>(); }

Result<std::unique_ptr<GoalPolicy>> make_goals(const PolicySetup& setup) {
  const object& p = setup.parameters;
  std::vector<double> weights;
  for (const auto& w : p.at("weights").get_array()) weights.push_back(w.to_number<double>());
  if (weights.empty()) return invalid_argument("policy stochastic-balance: weights is empty; give one for each goal");
  const auto rule = goal_rule_named(text(p, "rule"));
  auto curve = LoadCurve::named(text(p, "curve"));
  if (!rule) return tl::unexpected(rule.error());
  if (!curve) return tl::unexpected(curve.error());
  auto matcher = GoalMatcher::create(weights, {.rule = *rule,
                                               .curve = std::move(*curve),
                                               .seed = count(p, "seed"),
                                               .max_pending = static_cast<std::uint32_t>(count(p, "max_pending"))});
  if (!matcher) return tl::unexpected(with_context("policy stochastic-balance", matcher.error()));
  return std::make_unique<GoalPolicy>("stochastic-balance", setup, std::move(weights), std::move(*matcher));
}

Result<std::unique_ptr<PricedPolicy>> make_prices(const PolicySetup& setup) {
  const object& p = setup.parameters;
  const auto wrong = [](Error e) { return with_context("policy matching-prices, instance", std::move(e)); };
  const auto document = parse_json(text(p, "instance"), {.max_bytes = 16 << 20});
  if (!document) return tl::unexpected(wrong(document.error()));
  const auto read = read_matching(*document);
  if (!read) return tl::unexpected(wrong(read.error()));
  const auto& m = read->matching;
  const bool one_each = std::ranges::all_of(setup.budget, [](double b) { return b == 1; });
  if (setup.budget.size() != m.items || !one_each) {
    return invalid_argument("policy matching-prices: the budget must be 1 of each of the instance's " +
                            std::to_string(m.items) + " items");
  }
  if (!setup.resource_names.empty() && setup.resource_names != read->items)
    return invalid_argument("policy matching-prices: the resources must be the instance's items, in their order");
  auto lp = solve_online_lp(m);
  if (!lp) return tl::unexpected(wrong(lp.error()));
  std::optional<PostedPrices> posted;
  if (text(p, "prices") == "posted") {
    auto made = PostedPrices::create(m, *lp, {.futures = count(p, "futures"), .seed = count(p, "seed")});
    if (!made) return tl::unexpected(wrong(made.error()));
    posted = std::move(*made);
  }
  return std::make_unique<PricedPolicy>(
      PricedOptions{.name = "matching-prices",
                    .setup = setup,
                    .next_best = p.at("next_best").get_bool(),
                    .max_open = static_cast<std::uint32_t>(count(p, "max_open"))},
      std::make_unique<MatchingPrices>(std::move(*lp), std::move(posted), p.at("period_s").to_number<double>()));
}

template <class T, Result<std::unique_ptr<T>> (*make)(const PolicySetup&)>
Result<std::unique_ptr<Policy>> as_policy(const PolicySetup& setup) {
  return make(setup).map([](std::unique_ptr<T> p) -> std::unique_ptr<Policy> { return p; });
}

Result<std::unique_ptr<Policy>> restore_goals(const object& saved) {
  const auto corrupt = [](const Error& e) { return fail(ErrorCode::kCorrupt, "saved state: " + e.message); };
  const auto setup = saved_setup(saved, matching_policies()[0]);
  if (!setup) return tl::unexpected(setup.error());
  auto policy = make_goals(*setup);
  if (!policy) return corrupt(policy.error());
  if (auto ok = (*policy)->load(saved); !ok) return tl::unexpected(ok.error());
  return std::move(*policy);
}

Result<std::unique_ptr<Policy>> restore_prices(const object& saved) {
  return restore_priced(saved, matching_policies()[1], &make_prices);
}

}  // namespace

PolicyTable matching_policies() {
  static const std::array table{
      PolicyEntry{.name = "stochastic-balance",
                  .slug = "stochastic-balance",
                  .room = "admit",
                  .about = "each slot tries the goal of most worth that had least luck so far",
                  .parameters = kGoalParameters,
                  .make = &as_policy<GoalPolicy, make_goals>,
                  .restore = &restore_goals},
      PolicyEntry{.name = "matching-prices",
                  .slug = "philosopher",
                  .room = "admit",
                  .about = "posted prices of items that are each used once",
                  .parameters = kPriceParameters,
                  .make = &as_policy<PricedPolicy, make_prices>,
                  .restore = &restore_prices}};
  return table;
}

}  // namespace bursar::admit
