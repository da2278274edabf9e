#include "bursar/sample/pass_k.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace bursar::sample {
namespace {

constexpr std::array<std::string_view, 4> kNames{"majority", "best-of-n", "soft-best-of-n", "bom"};

Result<void> check(const Ballot& ballot, const SelectOptions& options) {
  if (options.k == 0) return invalid_argument("k is 0; at least one answer must be submitted");
  if (ballot.samples == 0) return invalid_argument("there are no samples to choose from");
  if (!(options.threshold >= 0 && options.threshold < 1))
    return invalid_argument("threshold is " + std::to_string(options.threshold) + "; it must be in [0, 1)");
  if (!(options.temperature > 0)) return invalid_argument("temperature must be above 0");
  return {};
}

// All groups, the most frequent first; among equals the one seen first.
std::vector<std::size_t> by_frequency(const Ballot& ballot) {
  std::vector<std::size_t> order(ballot.groups.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(
      order, [&](std::size_t a, std::size_t b) { return ballot.groups[a].count > ballot.groups[b].count; });
  return order;
}

// How many of `order` reach the threshold; where none does, those as frequent as the first.
std::size_t reach(const Ballot& ballot, std::span<const std::size_t> order, double& threshold) {
  if (order.empty()) return 0;
  threshold = std::min(threshold, ballot.frequency(order.front()));
  std::size_t kept = 0;
  while (kept < order.size() && ballot.frequency(order[kept]) >= threshold) ++kept;
  return kept;
}

// Gumbel noise on the logits: the k largest are draws without replacement by the softmax.
void soften(std::vector<double>& rewards, const SelectOptions& options) {
  RandomStream random = RandomStream(options.seed).split("soft-best-of-n");
  for (double& reward : rewards) reward = reward / options.temperature - std::log(random.exponential());
}

}  // namespace

std::string_view name_of(SelectRule rule) { return kNames.at(static_cast<std::size_t>(rule)); }

Result<SelectRule> select_rule_named(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end())
    return invalid_argument("\"" + std::string(name) +
                            "\" is no rule; take majority, best-of-n, soft-best-of-n or bom");
  return static_cast<SelectRule>(found - kNames.begin());
}

Result<Selection> select_pass_k(const Ballot& ballot, const SelectOptions& options, const RewardModel& reward) {
  if (auto ok = check(ballot, options); !ok) return tl::unexpected(ok.error());
  Selection out{.threshold = options.rule == SelectRule::kBestOfMajority ? options.threshold : 0};
  std::vector<std::size_t> order = by_frequency(ballot);
  out.survivors = reach(ballot, order, out.threshold);
  const std::size_t most = std::min(options.k, order.size());
  if (options.rule != SelectRule::kMajority) {
    std::vector<double> rewards(ballot.groups.size(), 0);
    for (std::size_t i = 0; i < out.survivors; ++i) {
      const Result<double> value = reward(ballot.groups[order[i]]);
      if (!value) return tl::unexpected(value.error());
      if (!std::isfinite(*value))
        return invalid_argument("the reward of answer \"" + ballot.groups[order[i]].key.substr(0, 80) +
                                "\" is not finite");
      rewards[order[i]] = *value;
      ++out.reward_calls;
    }
    if (options.rule == SelectRule::kSoftBestOfN) soften(rewards, options);
    std::stable_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(out.survivors),
                     [&](std::size_t a, std::size_t b) { return rewards[a] > rewards[b]; });
  }
  out.groups.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(most));
  return out;
}

Result<Selection> select_pass_k(const Ballot& ballot, const SelectOptions& options) {
  return select_pass_k(ballot, options, [](const AnswerGroup& group) -> Result<double> {
    if (!group.reward)
      return invalid_argument("answer \"" + group.key.substr(0, 80) +
                              "\" has no reward; give every trace one, or take the rule majority");
    return *group.reward;
  });
}

Result<SamplePlan> plan_samples(double p_min, std::size_t k, double reward_error) {
  if (!(p_min > 0 && p_min <= 1)) return invalid_argument("p_min must be in (0, 1]");
  if (k == 0) return invalid_argument("k is 0; at least one answer must be submitted");
  if (!(reward_error > 0 && reward_error <= 1))
    return invalid_argument("reward_error, a mean squared error, must be in (0, 1]");
  const double needed = 16 / p_min * std::log(static_cast<double>(k) / (p_min * reward_error));
  SamplePlan plan{.threshold = .75 * p_min, .samples = std::max<std::int64_t>(1, std::llround(std::ceil(needed)))};
  plan.reward_calls = std::min(plan.samples, static_cast<std::int64_t>(std::floor(1 / plan.threshold)));
  return plan;
}

Result<ThresholdChoice> choose_threshold(std::span<const LabelledBallot> questions, std::size_t k, std::size_t folds) {
  if (folds < 2 || questions.size() < folds)
    return invalid_argument("cross-validation needs at least 2 folds and a question for each; there are " +
                            std::to_string(questions.size()) + " questions for " + std::to_string(folds) + " folds");
  constexpr double kByCount = -1;  // 2 / N of each ballot
  constexpr std::array kTried{0.0, kByCount, .003, .005, .01, .015, .03};
  std::vector<std::array<bool, kTried.size()>> passed(questions.size());
  double samples = 0;
  for (std::size_t q = 0; q < questions.size(); ++q) {
    const Ballot& ballot = questions[q].ballot;
    samples += static_cast<double>(ballot.samples) / static_cast<double>(questions.size());
    for (std::size_t t = 0; t < kTried.size(); ++t) {
      const double n = static_cast<double>(ballot.samples);
      const double threshold = kTried.at(t) == kByCount ? std::min(.999, 2 / n) : kTried.at(t);
      const auto chosen = select_pass_k(ballot, {.k = k, .threshold = threshold});
      if (!chosen) return tl::unexpected(with_context("question " + std::to_string(q), chosen.error()));
      passed[q].at(t) = std::ranges::any_of(chosen->groups,
                                            [&](std::size_t g) { return ballot.groups[g].key == questions[q].right; });
    }
  }
  const auto value_of = [&](std::size_t t) { return kTried.at(t) == kByCount ? 2 / samples : kTried.at(t); };
  // The best of those questions that are not in `fold`; folds itself: of all.
  const auto best_without = [&](std::size_t fold) {
    std::size_t best = 0;
    std::int64_t most = -1;
    for (std::size_t t = 0; t < kTried.size(); ++t) {
      std::int64_t right = 0;
      for (std::size_t q = 0; q < questions.size(); ++q) right += q % folds != fold && passed[q].at(t) ? 1 : 0;
      if (right < most || (right == most && value_of(t) <= value_of(best))) continue;
      best = t, most = right;
    }
    return best;
  };
  ThresholdChoice out{.threshold = value_of(best_without(folds))};
  for (std::size_t fold = 0; fold < folds; ++fold) {
    const std::size_t t = best_without(fold);
    for (std::size_t q = fold; q < questions.size(); q += folds) out.pass_k += passed[q].at(t) ? 1 : 0;
  }
  out.pass_k /= static_cast<double>(questions.size());
  return out;
}

}  // namespace bursar::sample
