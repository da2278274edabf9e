// systems/dp-bai: the best of some arms from exactly T samples, with no single reward to be told from the answer.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "bursar/explore/private_best_arm/private_best_arm.h"
#include "reproduce/design_elimination.h"
#include "reproduce/system.h"

namespace bursar::reproduce {
namespace {

using explore::ArmFeatures;
using explore::EliminationSchedule;
using explore::PrivateBestArm;
using explore::PrivateBestArmOptions;
using explore::PrivateNoise;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

struct Size {
  std::size_t seeds, runs, large_runs, decay_runs, audit_runs, exact_runs;  // a seed; the last two in all
};
constexpr Size kFull{
    .seeds = 10, .runs = 200, .large_runs = 100, .decay_runs = 1000, .audit_runs = 1'000'000, .exact_runs = 400'000};
constexpr Size kQuick{
    .seeds = 3, .runs = 60, .large_runs = 12, .decay_runs = 250, .audit_runs = 400'000, .exact_runs = 30'000};

struct World {
  ArmFeatures features;
  std::vector<double> means;
  std::size_t best = 0;
};

// theta = (gap, .5, …); arms e_2 … e_d, the best e_1 + e_d, and mixtures of e_2 … e_d: every gap is the same.
World equal_gaps(std::size_t arms, std::size_t d, double gap, RandomStream random) {
  World world{.features = {.arms = arms, .dimension = d, .values = std::vector<double>(arms * d, 0)},
              .means = std::vector<double>(arms, .5),
              .best = d - 1};
  auto& x = world.features.values;
  for (std::size_t i = 0; i + 1 < d; ++i) x[i * d + i + 1] = 1;
  x[world.best * d] = x[world.best * d + d - 1] = 1;
  world.means[world.best] += gap;
  for (std::size_t i = d; i < arms; ++i) {
    double sum = 0;
    for (std::size_t j = 1; j < d; ++j)
      sum += x[i * d + j] = d == 3 && j == 1 ? random.uniform01() : random.exponential();
    if (d == 3) x[i * d + 2] = 1 - x[i * d + 1], sum = 1;
    for (std::size_t j = 1; j < d; ++j) x[i * d + j] /= sum;
  }
  return world;
}

double draw_sum(const std::vector<double>& means, std::size_t arm, std::uint64_t count, RandomStream& random) {
  std::binomial_distribution<std::int64_t> drawn(static_cast<std::int64_t>(count), means[arm]);
  return static_cast<double>(drawn(random));
}

// What all runs saw: any of these beyond its limit is a bug.
struct Watch {
  double samples_over = 0;  // samples used above T
};

bool errs(const World& world, const PrivateBestArmOptions& options, RandomStream random, Watch& watch) {
  auto made = PrivateBestArm::make(world.features, options);
  if (!made) return true;
  while (!made->done()) {
    for (const explore::Pull& pull : made->next_batch()) {
      if (!made->report({{pull.arm, pull.count, draw_sum(world.means, pull.arm, pull.count, random)}})) return true;
    }
  }
  const auto answer = made->answer();
  if (!answer) return true;
  watch.samples_over =
      std::max(watch.samples_over, static_cast<double>(answer->samples_used) - static_cast<double>(options.samples));
  return answer->arm != world.best;
}

enum Arm : std::size_t { kPaper, kHalving, kTight, kNaive, kBlind, kPruned };
const std::vector<std::string> kArms{"DP-BAI",
                                     "Max-Det + halving",
                                     "OD-LinBAI, noise on design means",
                                     "OD-LinBAI, noise on all estimates",
                                     "halving without features",
                                     "OD-LinBAI, pruned design, noise on its means"};

// The same design as Frank-Wolfe leaves it, and without the arms that it hardly pulls.
struct Designs {
  DesignElimination whole, pruned;
  explicit Designs(const World& world)
      : whole(world.features.values, world.features.arms, world.features.dimension, 0),
        pruned(world.features.values, world.features.arms, world.features.dimension, .005) {}
};

struct Trial {
  std::uint64_t samples;
  double epsilon;  // infinite: no noise
  std::size_t runs;
};

// The share of wrong answers of one arm on one world.
double error_of(Arm arm, const World& world, Designs& designs, const Trial& trial, const RandomStream& random,
                Watch& watch) {
  const bool quiet = std::isinf(trial.epsilon);
  PrivateBestArmOptions options{
      .samples = trial.samples,
      .schedule = arm == kPaper ? EliminationSchedule::kPaper : EliminationSchedule::kHalving,
      .noise = {.noise = quiet ? PrivateNoise::kNone : PrivateNoise::kLaplace, .epsilon = quiet ? 0 : trial.epsilon}};
  World blind = world;
  if (arm == kBlind) blind.features.values.clear();
  std::size_t wrong = 0;
  for (std::size_t run = 0; run < trial.runs; ++run) {
    RandomStream own = random.split(run);
    if (arm == kTight || arm == kNaive || arm == kPruned) {
      const auto noise = quiet ? DesignNoise::kNone : arm == kNaive ? DesignNoise::kOnEstimates : DesignNoise::kOnMeans;
      RandomStream noise_draws = own.split("noise");
      const std::size_t answer =
          (arm == kPruned ? designs.pruned : designs.whole)
              .run(
                  {.samples = trial.samples, .epsilon = trial.epsilon, .noise = noise},
                  [&](std::size_t i, std::uint64_t n) { return draw_sum(world.means, i, n, own); }, noise_draws);
      wrong += answer != world.best ? 1 : 0;
    } else {
      options.seed = own();
      wrong += errs(arm == kBlind ? blind : world, options, own, watch) ? 1 : 0;
    }
  }
  return static_cast<double>(wrong) / static_cast<double>(trial.runs);
}

void sheets_instance(const Size& size, const RunOptions& options, Report& report, Watch& watch) {
  const std::array<double, 5> epsilons{.1, .5, 1, 5, std::numeric_limits<double>::infinity()};
  Grid error(kArms, {"0.1", "0.5", "1", "5", "no noise"});
  Grid longer({kArms[kPaper], kArms[kBlind]}, {"0.1", "no noise"});
  for (std::size_t s = 0; s < report.seeds; ++s) {
    if (options.progress) options.progress("30 arms, seed " + std::to_string(options.seed + s));
    const RandomStream random = RandomStream(options.seed + s).split("dp-bai").split("instance");
    const World world = equal_gaps(30, 3, .045, random.split("features"));
    Designs designs(world);
    for (std::size_t e = 0; e < epsilons.size(); ++e) {
      for (std::size_t a = 0; a < kArms.size(); ++a) {
        error.add(a, e,
                  error_of(static_cast<Arm>(a), world, designs, {10'000, epsilons.at(e), size.runs},
                           random.split(e).split(a), watch));
      }
    }
    for (std::size_t e = 0; e < 2; ++e) {
      for (std::size_t a = 0; a < 2; ++a) {
        longer.add(a, e,
                   error_of(a == 0 ? kPaper : kBlind, world, designs, {30'000, epsilons.at(e == 0 ? 0 : 4), size.runs},
                            random.split("longer").split(e).split(a), watch));
      }
    }
  }
  double third = 0;
  for (const std::size_t e : {0U, 1U}) {
    for (const std::size_t other : {kNaive, kBlind})
      third = std::max(third, error.mean(kPaper, e) / std::max(error.mean(other, e), 1e-9));
  }
  report.bars.push_back(
      at_most("error_at_epsilon_up_to_half", third, "of structure-blind's and of naive noise's", 1.0 / 3));
  report.bars.push_back(at_most("error_at_epsilon_5_off_noise_free",
                                std::abs(error.mean(kPaper, 3) - error.mean(kPaper, 4)), "chance of error", .02));
  report.tables.push_back(error.table(
      {.title = "30 arms of dimension 3, every gap .045, T = 10,000",
       .quantity = "chance of a wrong answer",
       .x_label = "epsilon",
       .note = "A design whose means are noised carefully has fewer phases, and often wins; once the arms that "
               "it hardly pulls are dropped, it nearly always does.",
       .plotted = true},
      {{.210, .076, .065, .070},
       {.033, .008, .013, .011},
       {.140, .015, .007, .013},
       {.891, .452, .128, .013},
       {.733, .490, .458, .438}}));
  report.tables.push_back(longer.table({.title = "The same, T = 30,000",
                                        .quantity = "chance of a wrong answer",
                                        .x_label = "epsilon",
                                        .kind = TableKind::kDetail},
                                       {{.006, .001}, {.386, kNone}}));
}

void larger_instance(const Size& size, const RunOptions& options, Report& report, Watch& watch) {
  Grid error(kArms, {"0.05"});
  for (std::size_t s = 0; s < report.seeds; ++s) {
    if (options.progress) options.progress("100 arms, seed " + std::to_string(options.seed + s));
    const RandomStream random = RandomStream(options.seed + s).split("dp-bai").split("larger");
    const World world = equal_gaps(100, 5, .1, random.split("features"));
    Designs designs(world);
    for (std::size_t a = 0; a < kArms.size(); ++a) {
      error.add(a, 0,
                error_of(static_cast<Arm>(a), world, designs, {30'000, .05, size.large_runs}, random.split(a), watch));
    }
  }
  report.tables.push_back(
      error.table({.title = "100 arms of dimension 5, every gap .1, T = 30,000",
                   .quantity = "chance of a wrong answer",
                   .x_label = "epsilon",
                   .note = "The sheet does not say how its 95 mixtures were drawn; ours are uniform."},
                  {{.056}, {.000}, {.148}, {.973}, {.755}}));
}

// ln error against T by least squares; a cell without errors counts as half an error.
double slope_of(const std::vector<double>& t, const std::vector<double>& error) {
  double st = 0, sy = 0, stt = 0, sty = 0;
  for (std::size_t i = 0; i < t.size(); ++i) {
    const double y = std::log(error[i]);
    st += t[i], sy += y, stt += t[i] * t[i], sty += t[i] * y;
  }
  const auto n = static_cast<double>(t.size());
  return (n * sty - st * sy) / (n * stt - st * st);
}

void decay(const Size& size, const RunOptions& options, Report& report, Watch& watch) {
  struct Case {
    double epsilon, gap;
  };
  constexpr std::array<Case, 4> kCases{{{.2, .1}, {.05, .2}, {.05, .1}, {.2, .2}}};
  const std::vector<double> samples{1000, 2000, 4000, 8000};
  Grid error({"epsilon .2, gap .1", "epsilon .05, gap .2", "epsilon .05, gap .1", "epsilon .2, gap .2"},
             {"1000", "2000", "4000", "8000"});
  for (std::size_t s = 0; s < report.seeds; ++s) {
    if (options.progress) options.progress("decay, seed " + std::to_string(options.seed + s));
    for (std::size_t c = 0; c < kCases.size(); ++c) {
      World world{.features = {.arms = 8}, .means = std::vector<double>(8, .4), .best = 0};
      world.means[0] += kCases.at(c).gap;
      Designs unused(world);
      for (std::size_t t = 0; t < samples.size(); ++t) {
        const RandomStream random = RandomStream(options.seed + s).split("dp-bai").split("decay").split(c).split(t);
        error.add(
            c, t,
            error_of(kPaper, world, unused,
                     {static_cast<std::uint64_t>(samples[t]), kCases.at(c).epsilon, size.decay_runs}, random, watch));
      }
    }
  }
  std::array<double, 4> slope{};
  const double least = .5 / static_cast<double>(report.seeds * size.decay_runs);
  for (std::size_t c = 0; c < kCases.size(); ++c) {
    std::vector<double> means;
    for (std::size_t t = 0; t < samples.size(); ++t) means.push_back(std::max(error.mean(c, t), least));
    slope.at(c) = 1000 * slope_of(samples, means);
  }
  report.bars.push_back(at_most("slope_of_log_error", std::ranges::max(slope), "per 1000 samples, the flattest", -.05));
  const auto steeper = [&](const char* name, std::size_t a, std::size_t b) {
    report.bars.push_back(at_most(name, slope.at(a) - slope.at(b), "per 1000 samples", 0));
  };
  steeper("steeper_with_epsilon_at_gap_1", 0, 2);
  steeper("steeper_with_epsilon_at_gap_2", 3, 1);
  steeper("steeper_with_gap_at_epsilon_05", 1, 2);
  steeper("steeper_with_gap_at_epsilon_2", 3, 0);
  report.tables.push_back(error.table({.title = "8 arms without features, the best .5 or .6 against .4",
                                       .quantity = "chance of a wrong answer",
                                       .x_label = "samples T",
                                       .plotted = true},
                                      {{.485, .235, .061, .005}, {.626, .390, .140, .023}}));
}

// The answer and the arms of the second phase, on fixed sums of rewards.
std::size_t output_of(const std::array<double, 4>& share, double moved, std::uint64_t seed) {
  auto search = PrivateBestArm::make({.arms = 4}, {.samples = 126, .noise = {.epsilon = 1}, .seed = seed}).value();
  for (bool first = true; !search.done(); first = false) {
    for (const explore::Pull& pull : search.next_batch()) {
      const double sum =
          std::round(share.at(pull.arm) * static_cast<double>(pull.count)) + (first && pull.arm == 1 ? moved : 0);
      (void)search.report({{pull.arm, pull.count, sum}});
    }
  }
  const auto& second = search.phases().back().arms;
  return second[0] * 16 + second[1] * 4 + search.answer()->arm;
}

// Two tables that differ in one reward: how often does each output come, and can their ratio exceed e^epsilon?
void audit(const Size& size, const RunOptions& options, Report& report) {
  if (options.progress) options.progress("audit of privacy");
  constexpr std::array<double, 4> kShare{.5, .5, .48, .46};
  std::map<std::size_t, std::array<double, 2>> seen;
  const RandomStream seeds = RandomStream(options.seed).split("dp-bai").split("audit");
  for (const std::size_t table : {0U, 1U}) {
    RandomStream random = seeds.split(table);
    for (std::size_t run = 0; run < size.audit_runs; ++run)
      ++seen[output_of(kShare, table == 0 ? 0 : 1, random())].at(table);
  }
  // Bounds of both counts at 99.9%: together 99% over twelve outputs and two directions.
  double highest = 0, ratio = 0;
  constexpr double kZ = 3.6;
  for (const auto& [output, count] : seen) {
    for (const std::size_t a : {0U, 1U}) {
      const double x = count.at(a), y = count.at(1 - a);
      ratio = std::max(ratio, x / std::max(y, 1.0));
      highest = std::max(highest, x > 0 && y > 0 ? x / y * std::exp(kZ * std::sqrt(1 / x + 1 / y)) : 1e9);
    }
  }
  report.bars.push_back(
      at_most("audit_of_neighbouring_tables", highest, "99% upper bound of any output's ratio", std::exp(1.0)));
  Grid table({"largest ratio of an output's chances", "its 99% upper bound", "outputs seen"}, {"epsilon = 1"});
  table.add(0, 0, ratio);
  table.add(1, 0, highest);
  table.add(2, 0, static_cast<double>(seen.size()));
  report.tables.push_back(
      table.table({.title = "Two tables of 4 arms that differ in one reward",
                   .quantity = "allowed: e = 2.718; " + std::to_string(size.audit_runs) + " runs each",
                   .x_label = "",
                   .kind = TableKind::kDetail}));
}

double lower_wins(double z) { return (2 + z) * std::exp(-z) / 4; }

// Two arms: the chance of the lower one's answer for fixed means, and the whole error over all tables.
void exact_two_arms(const Size& size, const RunOptions& options, Report& report) {
  if (options.progress) options.progress("two arms, exactly");
  constexpr std::uint64_t n = 40;
  const auto play = [&](double epsilon, auto&& sum, std::uint64_t seed) {
    auto search =
        PrivateBestArm::make({.arms = 2}, {.samples = 2 * n + 2, .noise = {.epsilon = epsilon}, .seed = seed}).value();
    for (const explore::Pull& pull : search.next_batch()) (void)search.report({{pull.arm, pull.count, sum(pull.arm)}});
    return search.answer()->arm;
  };
  RandomStream random = RandomStream(options.seed).split("dp-bai").split("exact");
  std::array<double, 2> wrong{};
  for (std::size_t run = 0; run < size.exact_runs; ++run) {
    wrong[0] += play(.5, [](std::size_t arm) { return arm == 0 ? 25.0 : 20.0; }, random()) == 1 ? 1 : 0;
    wrong[1] += play(.3, [&](std::size_t arm) { return draw_sum({.6, .4}, arm, n, random); }, random()) == 1 ? 1 : 0;
  }
  double total = 0;
  std::array<std::vector<double>, 2> chance;
  for (const std::size_t arm : {0U, 1U}) {
    const double p = arm == 0 ? .6 : .4;
    for (std::uint64_t k = 0; k <= n; ++k) {
      const auto x = static_cast<double>(k), y = static_cast<double>(n - k);
      chance.at(arm).push_back(std::exp(std::lgamma(n + 1.0) - std::lgamma(x + 1) - std::lgamma(y + 1) +
                                        x * std::log(p) + y * std::log1p(-p)));
    }
  }
  for (std::size_t i = 0; i <= n; ++i) {
    for (std::size_t j = 0; j <= n; ++j) {
      const double z = .3 * (static_cast<double>(i) - static_cast<double>(j));
      total += chance[0][i] * chance[1][j] * (z >= 0 ? lower_wins(z) : 1 - lower_wins(-z));
    }
  }
  const std::array exact{lower_wins(2.5), total};
  Grid table({"measured", "exact"}, {"sums 25 and 20 of 40, epsilon .5", "means .6 and .4, n = 40, epsilon .3"});
  double off = 0;
  for (const std::size_t c : {0U, 1U}) {
    const double runs = static_cast<double>(size.exact_runs), p = exact.at(c);
    table.add(0, c, wrong.at(c) / runs);
    table.add(1, c, p);
    off = std::max(off, std::abs(wrong.at(c) / runs - p) / std::sqrt(p * (1 - p) / runs));
  }
  report.bars.push_back(at_most("two_arms_off_exact", off, "standard errors", 4));
  report.tables.push_back(table.table(
      {.title = "Two arms", .quantity = "chance of the lower arm's answer", .x_label = "", .kind = TableKind::kDetail},
      {{.092346}}));
}

}  // namespace

Result<Report> reproduce_dp_bai(const RunOptions& options) {
  const Size size = options.quick ? kQuick : kFull;
  Report report{.slug = "dp-bai",
                .simulated =
                    "Bernoulli arms whose means are linear in known features; sums of rewards are drawn as "
                    "binomials",
                .claim =
                    "the best arm from exactly T samples under epsilon-differential privacy, far below baselines "
                    "that ignore the features or noise every estimate",
                .seed = options.seed,
                .seeds = options.seeds == 0 ? size.seeds : options.seeds,
                .quick = options.quick};
  Watch watch;
  sheets_instance(size, options, report, watch);
  larger_instance(size, options, report, watch);
  decay(size, options, report, watch);
  audit(size, options, report);
  exact_two_arms(size, options, report);
  report.bars.push_back(at_most("samples_over_budget", watch.samples_over, "samples", 0));
  report.notes.emplace_back(
      "The claim is not that every private design loses: one with noise on its design means, which spends its privacy "
      "in parallel as well, wins on several instances because it has fewer phases. Its rows stand beside ours; the "
      "pruned one is not in the sheet.");
  report.notes.emplace_back(
      "The error bound of the paper holds for its own schedule. Halving keeps the proof of privacy and errs less here; "
      "it is the default of `bursar experiment`.");
  report.notes.emplace_back(
      "Figures in round brackets are of the sheet's prototype; the paper's instance and schedule are recalled, not "
      "read. The unit of privacy is one reward; people who stand behind several need `user_weight`.");
  return report;
}

}  // namespace bursar::reproduce
