// Chapter 8: contexts, and what a log of another policy tells.
#include <array>
#include <cmath>

#include "bursar/explore/off_policy.h"
#include "reproduce/bandits/parts.h"

namespace bursar::reproduce::bandits {
namespace {

constexpr std::size_t kArms = 10, kDimension = 5;
constexpr std::uint64_t kRounds = 5000;

// Three estimators on logs of a uniform policy, of the policy that takes the best arm. The model knows the means to
// within a tenth.
Result<void> off_policy_part(const RunOptions& options, Report& report) {
  constexpr std::size_t kSteps = 2000;
  Grid error({"doubly robust", "self-normalised", "inverse propensity"}, {"absolute error", "its standard error"});
  double covered = 0;
  for (std::size_t s = 0; s < report.seeds; ++s) {
    const RandomStream random = RandomStream(options.seed + s).split("off policy");
    const explore::World world = explore::linear_world(kArms, kDimension, random);
    std::vector<explore::LoggedStep> log;
    std::vector<double> context;
    double truth = 0;
    for (std::size_t t = 0; t < kSteps; ++t) {
      RandomStream here = random.split(t);
      world.context(here, context);
      const auto logged = static_cast<explore::Arm>(here.uniform_int(std::uint64_t{kArms}));
      explore::Arm best = 0;
      for (explore::Arm a = 1; a < kArms; ++a) {
        if (world.mean(a, context) > world.mean(best, context)) best = a;
      }
      truth += world.mean(best, context) / kSteps;
      log.push_back({.propensity = 1.0 / kArms,
                     .target = logged == best ? 1.0 : 0.0,
                     .reward = world.pull(logged, context, here).reward,
                     .model_logged = world.mean(logged, context) + here.uniform(-.1, .1),
                     .model_target = world.mean(best, context) + here.uniform(-.1, .1)});
    }
    const std::array estimates{explore::doubly_robust(log), explore::self_normalised(log), explore::ips(log)};
    for (std::size_t e = 0; e < estimates.size(); ++e) {
      if (!estimates[e]) return tl::unexpected(estimates[e].error());
      error.add(e, 0, std::abs(estimates[e]->mean - truth));
      error.add(e, 1, estimates[e]->standard_error);
    }
    covered += std::abs(estimates[1]->mean - truth) <= 3 * estimates[1]->standard_error ? 1 : 0;
  }
  report.bars.push_back(at_least("off_policy_within_3_errors", covered / static_cast<double>(report.seeds),
                                 "of self-normalised estimates", .95));
  report.tables.push_back(
      error.table({.title = "Chapter 8: the best policy's worth, from 2,000 rounds of a uniform one",
                   .quantity = "as the columns say",
                   .x_label = "estimators",
                   .kind = TableKind::kDetail}));
  return {};
}

}  // namespace

Result<void> contextual_part(const RunOptions& options, Report& report) {
  const std::vector<std::string> arms{"lin-ucb:dimension=5,alpha=0.5", "lin-ucb:dimension=5,alpha=1",
                                      "oracle-epsilon-greedy:dimension=5", "oracle-explore-first:dimension=5",
                                      "ucb1 without the context"};
  Grid regret(arms, {"rewards as coins", "normal noise of .1"});
  for (std::size_t s = 0; s < report.seeds; ++s) {
    if (options.progress) options.progress("contexts");
    explore::World world = explore::linear_world(kArms, kDimension, RandomStream(options.seed + s).split("world"));
    for (std::size_t noise = 0; noise < 2; ++noise) {
      if (noise == 1) {
        world.pull = [mean = world.mean](explore::Arm arm, std::span<const double> context, RandomStream& random) {
          return explore::Pull{.reward = std::clamp(mean(arm, context) + .1 * random.normal(), 0.0, 1.0)};
        };
      }
      for (std::size_t a = 0; a < arms.size(); ++a) {
        const bool blind = a + 1 == arms.size();
        const auto run = run_bandit(blind ? "ucb1" : arms[a], world, kRounds, options.seed + s);
        if (!run) return tl::unexpected(run.error());
        regret.add(a, noise, run->regret);
      }
    }
  }
  report.bars.push_back(at_most("lin_ucb_regret", regret.mean(0, 0) / regret.mean(4, 0), "of a blind learner's", .05));
  report.bars.push_back(
      at_most("lin_ucb_against_oracle", regret.mean(0, 0) / regret.mean(2, 0), "of the oracle learner's", .5));
  report.tables.push_back(
      regret.table({.title = "Chapter 8: linear rewards, d = 5, 10 arms, 5,000 rounds",
                    .quantity = "regret against the best arm of each round",
                    .x_label = "noise of the rewards",
                    .note = "Means (1 + theta.x) / 2 for features of length 1. The oracle learner explores at (K ln t "
                            "/ t)^(1/3), as epsilon-greedy does; the sheet does not say its constant.",
                    .plotted = true},
                   {{21}, {}, {306}, {}, {1652}}));
  return off_policy_part(options, report);
}

}  // namespace bursar::reproduce::bandits
