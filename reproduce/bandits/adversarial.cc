// systems/bandits, chapters 5 and 6: costs that an adversary may choose.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>

#include "bursar/core/random.h"
#include "bursar/explore/adversarial/doubling.h"
#include "bursar/explore/adversarial/exp3.h"
#include "bursar/explore/adversarial/exp4.h"
#include "bursar/explore/adversarial/hedge.h"
#include "bursar/explore/bandit_policy.h"
#include "reproduce/bandits/parts.h"

namespace bursar::reproduce::bandits {
namespace {

using explore::Bandit;
using explore::Choice;
using explore::Exp3;
using explore::Exp3Options;
using explore::Hedge;
using explore::HedgePlan;
using explore::Learner;

using Made = Result<std::unique_ptr<Learner>>;

enum class Costs : std::uint8_t { kIid, kSwitching, kPunishing };
constexpr std::array kCosts{Costs::kIid, Costs::kSwitching, Costs::kPunishing};

// Coins of mean 1/2; or an expert of mean .3 among .7, another each tenth of the time; or 1 for the heaviest weight.
void draw_costs(Costs kind, double share, std::span<const double> weights, RandomStream& random,
                std::span<double> costs) {
  const auto good = static_cast<std::size_t>(share * 10) % costs.size();
  const auto leader = std::ranges::max_element(weights) - weights.begin();
  for (std::size_t e = 0; e < costs.size(); ++e) {
    switch (kind) {
      case Costs::kIid: costs[e] = random.bernoulli(.5) ? 1 : 0; break;
      case Costs::kSwitching: costs[e] = random.bernoulli(e == good ? .3 : .7) ? 1 : 0; break;
      case Costs::kPunishing: costs[e] = static_cast<std::ptrdiff_t>(e) == leader ? 1 : 0; break;
    }
  }
}

Result<double> hedge_regret(Costs kind, const HedgePlan& plan, RandomStream random) {
  auto hedge = Hedge::create(plan.experts, hedge_rate(plan));
  if (!hedge) return tl::unexpected(hedge.error());
  std::vector<double> costs(plan.experts);
  for (std::uint64_t t = 0; t < plan.rounds; ++t) {
    const double share = static_cast<double>(t) / static_cast<double>(plan.rounds);
    draw_costs(kind, share, hedge->probabilities(), random, costs);
    if (auto ok = hedge->learn(costs); !ok) return tl::unexpected(ok.error());
  }
  return hedge->expected_cost() - hedge->best_cost();
}

// Regret in expected rewards against the best arm, of coins with these means; feedback comes `delay` rounds late.
Result<double> coin_regret(Made learner, std::span<const double> means, std::uint64_t rounds, std::uint64_t delay,
                           std::uint64_t seed) {
  if (!learner) return tl::unexpected(learner.error());
  auto bandit = Bandit::make({.seed = seed}, std::move(*learner));
  if (!bandit) return tl::unexpected(bandit.error());
  RandomStream world = RandomStream(seed).split("coins");
  std::vector<double> waiting(delay + 1);
  double earned = 0;
  for (std::uint64_t t = 0; t < rounds; ++t) {
    const auto choice = bandit->choose();
    if (!choice) return tl::unexpected(choice.error());
    earned += means[*choice->arm];
    waiting[t % (delay + 1)] = world.bernoulli(means[*choice->arm]) ? 1 : 0;
    if (t < delay) continue;
    if (auto ok = bandit->learn(t - delay, {.reward = waiting[(t - delay) % (delay + 1)]}); !ok) {
      return tl::unexpected(ok.error());
    }
  }
  return std::ranges::max(means) * static_cast<double>(rounds) - earned;
}

Made exp3_learner(const Exp3Options& options) { return explore::as_learner(Exp3::make(options)); }

Made doubled(std::size_t arms) {
  return explore::as_learner(
      explore::Doubling::make([arms](std::uint64_t t) { return exp3_learner(explore::exp3_ix(arms, t)); }));
}

Result<void> exp3_worlds(const RunOptions& options, Report& report) {
  constexpr std::uint64_t kRounds = 20'000;
  const std::array worlds{std::vector<double>{.6, .5, .5, .5, .5, .5, .5, .5, .5, .5},
                          std::vector<double>{.9, .8, .7, .5, .3}};
  Grid regret({"exp3-ix", "exp3", "exp3-ix, 100 rounds late", "exp3-ix, T not known (doubling)"},
              {".6 and nine .5", ".9 .8 .7 .5 .3"});
  double over_bound = 0, over_ix_bound = 0;
  for (std::uint64_t s = options.seed; s < options.seed + report.seeds; ++s) {
    for (std::size_t w = 0; w < worlds.size(); ++w) {
      const std::size_t arms = worlds.at(w).size();
      const auto run = [&](Made learner, std::uint64_t delay) {
        return coin_regret(std::move(learner), worlds.at(w), kRounds, delay, s);
      };
      const std::array results{run(exp3_learner(explore::exp3_ix(arms, kRounds)), 0),
                               run(exp3_learner(explore::exp3(arms, kRounds)), 0),
                               run(exp3_learner(explore::exp3_ix(arms, kRounds)), 100), run(doubled(arms), 0)};
      for (std::size_t r = 0; r < results.size(); ++r) {
        if (!results.at(r)) return tl::unexpected(results.at(r).error());
        regret.add(r, w, *results.at(r));
      }
    }
  }
  for (std::size_t w = 0; w < worlds.size(); ++w) {
    const auto arms = static_cast<double>(worlds.at(w).size()), rounds = static_cast<double>(kRounds);
    over_bound = std::max(over_bound, regret.mean(1, w) / (2 * std::sqrt(3 * arms * rounds * std::log(arms))));
    // With probability 1 - .01, in each seed.
    const double most = std::ranges::max(regret.samples(0, w));
    over_ix_bound = std::max(over_ix_bound, most / explore::exp3_ix_bound(worlds.at(w).size(), rounds, .01));
  }
  report.bars.push_back(at_most("exp3_regret_over_bound", over_bound, "of the bound", 1));
  report.bars.push_back(at_most("exp3_ix_worst_seed_over_99_percent_bound", over_ix_bound, "of the bound", 1));
  report.bars.push_back(at_most("exp3_ix_over_exp3",
                                std::max(regret.mean(0, 0) / regret.mean(1, 0), regret.mean(0, 1) / regret.mean(1, 1)),
                                "x", .9));
  report.tables.push_back(
      regret.table({.title = "Chapter 6: bandits for an adversary, on coins",
                    .quantity = "regret after 20,000 rounds",
                    .x_label = "means of the arms",
                    .note = "Bound 2 sqrt(3 K T ln K): 2351 and 1390. Late feedback is learned with "
                            "the probability of its own decision.",
                    .plotted = true},
                   {{798, 343}, {1156, 718}}));
  return {};
}

// 8 contexts, 4 arms, 64 fixed maps from contexts to arms, of which one is the best policy of a world.
Result<double> exp4_regret(std::uint64_t rounds, std::uint64_t seed) {
  constexpr std::size_t kArms = 4, kContexts = 8, kPolicies = 64;
  RandomStream world = RandomStream(seed).split("exp4");
  std::array<double, kArms * kContexts> mean{};
  for (double& m : mean) m = world.uniform01();
  std::array<std::size_t, kPolicies * kContexts> policy{};
  for (std::size_t& arm : policy) arm = world.uniform_int(std::uint64_t{kArms});
  auto learner = explore::Exp4::make({.arms = kArms, .experts = kPolicies, .horizon = rounds});
  if (!learner) return tl::unexpected(learner.error());
  auto bandit = Bandit::make({.seed = seed}, std::move(*learner));
  if (!bandit) return tl::unexpected(bandit.error());
  std::array<double, kPolicies> advice{}, worth{};
  double earned = 0;
  for (std::uint64_t t = 0; t < rounds; ++t) {
    const std::size_t x = world.uniform_int(std::uint64_t{kContexts});
    for (std::size_t p = 0; p < kPolicies; ++p) {
      const std::size_t arm = policy.at(p * kContexts + x);
      advice.at(p) = static_cast<double>(arm);
      worth.at(p) += mean.at(x * kArms + arm);
    }
    const auto choice = bandit->choose({.context = advice});
    if (!choice) return tl::unexpected(choice.error());
    const double m = mean.at(x * kArms + *choice->arm);
    earned += m;
    if (auto ok = bandit->learn(choice->id, {.reward = world.bernoulli(m) ? 1.0 : 0.0}); !ok) {
      return tl::unexpected(ok.error());
    }
  }
  return std::ranges::max(worth) - earned;
}

}  // namespace

Result<void> experts_part(const RunOptions& options, Report& report) {
  constexpr std::array<std::size_t, 3> kExperts{2, 10, 100};
  constexpr std::uint64_t kRounds = 10'000;
  Grid regret({"costs by chance", "another good expert each tenth", "the leader pays", "worst of the three"},
              {"2", "10", "100"});
  double over = 0;
  for (std::uint64_t s = options.seed; s < options.seed + report.seeds; ++s) {
    for (std::size_t k = 0; k < kExperts.size(); ++k) {
      const HedgePlan plan{.experts = kExperts.at(k), .rounds = kRounds};
      double worst = 0;
      for (std::size_t c = 0; c < kCosts.size(); ++c) {
        const auto r = hedge_regret(kCosts.at(c), plan, RandomStream(s).split("hedge").split(k).split(c));
        if (!r) return tl::unexpected(r.error());
        regret.add(c, k, *r);
        worst = std::max(worst, *r);
      }
      regret.add(kCosts.size(), k, worst);
      over = std::max(over, worst / explore::hedge_bound(plan, explore::hedge_rate(plan)));
    }
  }
  report.bars.push_back(at_most("hedge_worst_regret_over_bound", over, "of the bound", 1));
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  report.tables.push_back(
      regret.table({.title = "Chapter 5: Hedge with all costs seen",
                    .quantity = "regret after 10,000 rounds",
                    .x_label = "experts",
                    .note = "Bound 2 sqrt(T ln K): 167, 304 and 429."},
                   {{kNone, kNone, kNone}, {kNone, kNone, kNone}, {kNone, kNone, kNone}, {46, 112, 153}}));
  return {};
}

Result<void> adversarial_part(const RunOptions& options, Report& report) {
  if (auto ok = exp3_worlds(options, report); !ok) return ok;
  constexpr std::uint64_t kRounds = 20'000;
  Grid regret({"exp4"}, {"64 policies"});
  for (std::uint64_t s = options.seed; s < options.seed + report.seeds; ++s) {
    const auto r = exp4_regret(kRounds, s);
    if (!r) return tl::unexpected(r.error());
    regret.add(0, 0, *r);
  }
  const double bound = 2 * std::sqrt(3 * 4 * static_cast<double>(kRounds) * std::log(64));
  report.bars.push_back(at_most("exp4_regret_over_bound", regret.mean(0, 0) / bound, "of the bound", 1));
  report.tables.push_back(regret.table({.title = "Chapter 6: bandits with advice, 4 arms, 8 contexts",
                                        .quantity = "regret after 20,000 rounds, against the best policy",
                                        .x_label = "experts",
                                        .note = "Bound 2 sqrt(3 K T ln N): 1998. Worlds: all means and policies drawn "
                                                "uniformly; the sheet does not say its own."},
                                       {{837}}));
  return {};
}

}  // namespace bursar::reproduce::bandits
