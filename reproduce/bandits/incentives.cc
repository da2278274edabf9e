// systems/bandits, chapter 11: recommendations that users follow only where it is in their interest.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "bursar/core/beta_posterior.h"
#include "bursar/core/random.h"
#include "bursar/explore/bandit_policy.h"
#include "bursar/explore/incentives/bayesian_greedy.h"
#include "bursar/explore/incentives/hidden_exploration.h"
#include "bursar/explore/incentives/recommendation.h"
#include "bursar/explore/stochastic/ucb1.h"
#include "reproduce/bandits/parts.h"

namespace bursar::reproduce::bandits {
namespace {

using explore::Bandit;
using explore::HiddenExploration;
using explore::HiddenExplorationOptions;
using explore::Learner;
using explore::TwoArms;

constexpr TwoArms kArms{.first = {6, 4}, .second = {4, 6}};
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint64_t kWarmUp = 20;

using Made = Result<std::unique_ptr<Learner>>;

struct Platform {
  const char* name;
  Made (*make)(std::uint64_t rounds);
};

Made hidden(std::unique_ptr<Learner> explorer) {
  return explore::as_learner(HiddenExploration::make({.arms = kArms, .warm_up = kWarmUp}, std::move(explorer)));
}

const std::array kPlatforms{
    Platform{"repeated hidden exploration by ucb1",
             +[](std::uint64_t rounds) -> Made {
               auto explorer = explore::Ucb1::make({.arms = 2, .horizon = rounds, .conf = .5});
               if (!explorer) return tl::unexpected(explorer.error());
               return hidden(std::move(*explorer));
             }},
    Platform{"hidden exploration of the second arm", +[](std::uint64_t) -> Made { return hidden(nullptr); }},
    Platform{"greedy: the best for each user",
             +[](std::uint64_t) -> Made {
               return explore::as_learner(explore::BayesianGreedy::make({.priors = {kArms.first, kArms.second}}));
             }},
    Platform{"ucb1, whom users need not follow", +[](std::uint64_t rounds) -> Made {
               return explore::as_learner(explore::Ucb1::make({.arms = 2, .horizon = rounds, .conf = .5}));
             }}};

struct World {
  std::array<double, 2> mean{};
  explicit World(RandomStream& random) {
    mean = {explore_draw(kArms.first, random), explore_draw(kArms.second, random)};
  }
  static double explore_draw(const explore::BetaPrior& p, RandomStream& random) {
    return BetaPosterior::create(p.a, p.b).value().sample(random);
  }
};

struct Lived {
  double regret = 0;        // mean over worlds
  double never = 0;         // share of worlds in which arm 2 was never tried
  double worth_second = 0;  // mean of (mu2 - mu1) 1{arm 2 recommended} over users after the warm-up
  double worth_error = 0;   // its standard error, over worlds
};

Result<Lived> live(const Platform& platform, std::size_t worlds, std::uint64_t rounds, std::uint64_t seed) {
  Lived out;
  double squares = 0;
  const auto n = static_cast<double>(worlds);
  for (std::size_t w = 0; w < worlds; ++w) {
    RandomStream random = RandomStream(seed).split("incentives").split(w);
    const World world(random);
    auto learner = platform.make(rounds);
    if (!learner) return tl::unexpected(learner.error());
    auto bandit = Bandit::make({.seed = random()}, std::move(*learner));
    if (!bandit) return tl::unexpected(bandit.error());
    double second = 0, late = 0;
    for (std::uint64_t t = 0; t < rounds; ++t) {
      const auto choice = bandit->choose();
      if (!choice) return tl::unexpected(choice.error());
      const double mean = world.mean.at(*choice->arm);
      out.regret += (std::ranges::max(world.mean) - mean) / n;
      second += *choice->arm;
      late += t >= kWarmUp ? *choice->arm : 0;
      if (auto ok = bandit->learn(choice->id, {.reward = random.bernoulli(mean) ? 1.0 : 0.0}); !ok) {
        return tl::unexpected(ok.error());
      }
    }
    out.never += second == 0 ? 1 / n : 0;
    const double worth = (world.mean[1] - world.mean[0]) * late / static_cast<double>(rounds - kWarmUp);
    out.worth_second += worth / n;
    squares += worth * worth / n;
  }
  out.worth_error = std::sqrt(std::max(0.0, squares - out.worth_second * out.worth_second) / n);
  return out;
}

Result<void> exact_figures(Report& report) {
  constexpr std::array<std::uint64_t, 3> kSamples{10, 20, 50};
  const std::vector<std::vector<double>> sheet{
      {.001024, .002696, .004705}, {.001024 / 3, .002696 / 3, .004705 / 3}, {.00509, .01330, .02298}};
  Grid figures({"E[G+]", "epsilon of the book", "tight epsilon", "epsilon where anything may explore"},
               {"10", "20", "50"});
  double off = 0;
  for (std::size_t k = 0; k < kSamples.size(); ++k) {
    const auto gain = explore::gain_of_samples(kArms, kSamples.at(k));
    if (!gain) return tl::unexpected(gain.error());
    const std::array now{gain->plus, explore::book_exploration(*gain), explore::tight_exploration(*gain),
                         explore::safe_exploration(*gain)};
    for (std::size_t r = 0; r < now.size(); ++r) figures.add(r, k, now.at(r));
    off = std::max({off, std::abs(now[0] - sheet[0][k]) / 1e-6, std::abs(now[2] - sheet[2][k]) / 1e-5});
  }
  report.bars.push_back(at_most("incentive_figures_off", off, "last digits of the sheet", 1));
  report.tables.push_back(figures.table({.title = "Chapter 11: how often a platform may explore, exactly",
                                         .quantity = "gain or probability",
                                         .x_label = "samples of arm 1 before it explores",
                                         .kind = TableKind::kDetail,
                                         .note = "Priors Beta(6, 4) and Beta(4, 6)."},
                                        sheet));
  return {};
}

}  // namespace

Result<void> incentives_part(const RunOptions& options, Report& report) {
  if (auto ok = exact_figures(report); !ok) return ok;
  const std::size_t worlds = options.quick ? 100 : 1000;
  constexpr std::uint64_t kRounds = 2000;
  const std::size_t seeds = std::min<std::size_t>(report.seeds, options.quick ? 2 : 20);
  std::vector<std::string> names;
  for (const Platform& p : kPlatforms) names.emplace_back(p.name);
  Grid lived(names, {"regret", "arm 2 never tried, %", "worth of being sent to arm 2"});
  double least_worth = 1e9;
  for (std::size_t p = 0; p < kPlatforms.size(); ++p) {
    if (options.progress) options.progress(std::string("incentives: ") + kPlatforms.at(p).name);
    double worth = 0, variance = 0;
    for (std::uint64_t s = options.seed; s < options.seed + seeds; ++s) {
      const auto now = live(kPlatforms.at(p), worlds, kRounds, s);
      if (!now) return tl::unexpected(now.error());
      lived.add(p, 0, now->regret);
      lived.add(p, 1, 100 * now->never);
      lived.add(p, 2, now->worth_second);
      worth += now->worth_second / static_cast<double>(seeds);
      variance += now->worth_error * now->worth_error / static_cast<double>(seeds * seeds);
    }
    if (p < 2) least_worth = std::min(least_worth, worth / std::sqrt(std::max(variance, 1e-300)));
  }
  const auto exact = explore::never_tries_second(kArms, kRounds);
  if (!exact) return tl::unexpected(exact.error());
  report.bars.push_back(at_least("greedy_never_tries_arm_2", *exact, "of worlds", 1.0 / 3));
  report.bars.push_back(at_most("greedy_simulated_less_exact", std::abs(lived.mean(2, 1) / 100 - *exact), "of worlds",
                                4 * .5 / std::sqrt(static_cast<double>(worlds * seeds))));
  // A user who is sent to arm 2 must not lose on average: at least 0 up to the noise of three standard errors.
  report.bars.push_back(at_least("users_sent_to_arm_2_gain", least_worth, "standard errors", -3));
  report.bars.push_back(
      at_most("repeated_hidden_exploration_over_greedy", lived.mean(0, 0) / lived.mean(2, 0), "of the regret", .9));
  report.tables.push_back(lived.table({.title = "Chapter 11: a platform of two arms",
                                       .quantity = "per world, after " + std::to_string(kRounds) + " users",
                                       .x_label = "what",
                                       .note = "Greedy never tries arm 2 in " + to_short(100 * *exact) +
                                               " % of worlds, exactly; the bounds are 20 % and 33.3 %."},
                                      {{kNone}, {kNone}, {kNone, 82.3}}));
  return {};
}

}  // namespace bursar::reproduce::bandits
