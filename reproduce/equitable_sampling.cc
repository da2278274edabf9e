// systems/equitable-sampling: a budget of samples over groups that learn at different speeds and cost differently.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <random>

#include "bursar/allocate/response_curve.h"
#include "bursar/explore/equitable/adaptive_sampler.h"
#include "reproduce/genome_world.h"
#include "reproduce/system.h"

namespace bursar::reproduce {
namespace {

using explore::AdaptiveSampler;
using explore::AdaptiveSamplerOptions;
using explore::EquityObjective;
using explore::FixedPlan;
using explore::GroupSpec;
using explore::LearningCurve;
using Counts = std::vector<std::int64_t>;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

struct Size {
  std::size_t seeds, worlds;  // of the analytic world, of genomes
  double scale;               // of the genomes' markers and budget
};
constexpr Size kFull{.seeds = 30, .worlds = 12, .scale = 1};
constexpr Size kQuick{.seeds = 8, .worlds = 2, .scale = .25};

// ---- The analytic world -----------------------------------------------------------------------------------------

const std::vector<LearningCurve> kCurves{{.05, 1.2, .5}, {.08, 2.5, .35}, {.06, 1.0, .7}, {.10, 3.0, .45}};
const std::vector<GroupSpec> kGroups{{.name = "a", .cost = 1, .weight = .25, .population = .6},
                                     {.name = "b", .cost = 1, .weight = .25, .population = .2},
                                     {.name = "c", .cost = 2, .weight = .25, .population = .15},
                                     {.name = "d", .cost = 4, .weight = .25, .population = .05}};
constexpr double kBudget = 4000, kBatch = 100;

double observed(std::size_t group, double n, std::int64_t validation, std::mt19937_64& random) {
  const double e = std::min(1.0, kCurves[group].error(n));
  std::binomial_distribution<std::int64_t> wrong(validation, e);
  return static_cast<double>(wrong(random)) / static_cast<double>(validation);
}

double variance_of(double seen, std::int64_t validation) {
  const auto v = static_cast<double>(validation);
  const double smooth = (seen * v + 1) / (v + 2);
  return smooth * (1 - smooth) / v;
}

Result<Counts> buy_adaptively(std::int64_t validation, bool thompson, std::uint64_t seed) {
  auto made = AdaptiveSampler::make(
      kGroups, {.objective = {.q = 2}, .budget = kBudget, .batch = kBatch, .thompson = thompson, .seed = seed});
  if (!made) return tl::unexpected(made.error());
  std::mt19937_64 random(seed);
  while (const auto want = made->next()) {
    if (auto ok = made->bought(want->count); !ok) return tl::unexpected(ok.error());
    for (const std::int64_t n : made->record_sizes(want->group)) {
      const double seen = observed(want->group, static_cast<double>(n), validation, random);
      if (auto ok = made->observe(want->group, n, seen, variance_of(seen, validation)); !ok)
        return tl::unexpected(ok.error());
    }
  }
  return Counts(made->counts().begin(), made->counts().end());
}

// The counter-row: the same loop, with one curve fitted by least squares in place of the posterior.
Counts buy_by_least_squares(std::int64_t validation, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Counts counts(kGroups.size(), 80);
  std::vector<std::vector<allocate::Observation>> seen(kGroups.size());
  std::vector<LearningCurve> fitted(kGroups.size());
  const auto record = [&](std::size_t g) {
    for (const double share : {.4, .7, 1.0}) {
      const double n = std::round(share * static_cast<double>(counts[g]));
      seen[g].push_back({.units = n, .value = -observed(g, n, validation, random)});
    }
    const auto fit = allocate::fit_response(seen[g], allocate::ResponseFamily::kPower);
    // -e = level - gain x^-shape; the gain of a curve that looks flat is 0.
    if (fit) fitted[g] = {.a = -fit->level, .b = fit->gain, .gamma = fit->shape};
  };
  for (std::size_t g = 0; g < kGroups.size(); ++g) record(g);
  for (;;) {
    std::size_t best = kGroups.size();
    double most = -1;
    std::int64_t count = 0;
    for (std::size_t g = 0; g < kGroups.size(); ++g) {
      const double left = std::min(kBatch, kBudget - explore::cost_of(kGroups, counts));
      const auto k = static_cast<std::int64_t>(left / kGroups[g].cost);
      if (k < 1) continue;
      const auto n = static_cast<double>(counts[g]), more = n + static_cast<double>(k);
      const EquityObjective squared{.q = 2};
      const double value = (squared.loss(fitted[g].error(n)) - squared.loss(fitted[g].error(more))) /
                           (static_cast<double>(k) * kGroups[g].cost);
      if (value > most) best = g, most = value, count = k;
    }
    if (best == kGroups.size()) return counts;
    counts[best] += count;
    record(best);
  }
}

// Each batch to the group whose error was last seen largest.
Counts buy_for_the_worst(std::int64_t validation, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Counts counts(kGroups.size(), 80);
  std::vector<double> error;
  for (std::size_t g = 0; g < kGroups.size(); ++g) error.push_back(observed(g, 80, validation, random));
  for (;;) {
    const auto worst = static_cast<std::size_t>(std::ranges::max_element(error) - error.begin());
    const double left = std::min(kBatch, kBudget - explore::cost_of(kGroups, counts));
    const auto k = static_cast<std::int64_t>(left / kGroups[worst].cost);
    if (k < 1) return counts;
    counts[worst] += k;
    error[worst] = observed(worst, static_cast<double>(counts[worst]), validation, random);
  }
}

double loss_of(const Counts& counts) { return explore::equity_loss(kGroups, kCurves, {.q = 2}, counts); }

double worst_of(const Counts& counts) {
  double worst = 0;
  for (std::size_t g = 0; g < counts.size(); ++g)
    worst = std::max(worst, kCurves[g].error(static_cast<double>(counts[g])));
  return worst;
}

Result<void> fixed_plans(Report& report) {
  Grid grid({"optimum (known curves)", "equal counts", "equal spend", "proportional"},
            {"L", "worst group's error", "n of a", "n of b", "n of c", "n of d"});
  const auto plan = explore::plan_static(kGroups, kCurves, {.q = 2}, kBudget);
  if (!plan) return tl::unexpected(plan.error());
  std::vector<Counts> all{plan->counts};
  for (const auto kind : {FixedPlan::kEqualCounts, FixedPlan::kEqualSpend, FixedPlan::kProportional}) {
    auto counts = explore::plan_fixed(kind, kGroups, kBudget);
    if (!counts) return tl::unexpected(counts.error());
    all.push_back(*std::move(counts));
  }
  for (std::size_t a = 0; a < all.size(); ++a) {
    grid.add(a, 0, loss_of(all[a]));
    grid.add(a, 1, worst_of(all[a]));
    for (std::size_t g = 0; g < 4; ++g) grid.add(a, 2 + g, static_cast<double>(all[a][g]));
  }
  double residual = 0;
  for (std::size_t g = 0; g < 4; ++g) {
    const double n = plan->amounts[g];
    const double marginal = -.25 * 2 * kCurves[g].error(n) * kCurves[g].slope(n) / kGroups[g].cost;
    residual = std::max(residual, std::abs(marginal / plan->price - 1));
  }
  report.bars.push_back(at_most("kkt_residual", residual, "of the price", 1e-8));
  report.bars.push_back(at_most("optimum_off_sheet", std::abs(plan->bound - .04473), "L", 1e-5));
  report.bars.push_back(at_most("price_off_sheet", std::abs(plan->price / 6.0827e-6 - 1), "of 6.0827e-6", 1e-4));
  report.tables.push_back(grid.table(
      {.title = "Four groups with known curves, q = 2, B = 4000", .quantity = "as the column says", .x_label = ""},
      {{.04473, .285, 322, 1512, 107, 488}, {.05717, .364}, {.05682, .350}, {.07473, .411}}));
  return {};
}

Result<void> analytic_world(const RunOptions& options, Report& report) {
  const double optimum = .04473, equal = .05717, spend = .05682;
  const std::array<std::int64_t, 3> validations{200, 1000, 5000};
  const std::vector<std::string> arms{"adaptive", "adaptive, Thompson", "least squares and argmax",
                                      "worst group first"};
  Grid closed(arms, {"200", "1000", "5000"}), loss(arms, {"200", "1000", "5000"});
  double most = 0;
  for (std::size_t s = 0; s < report.seeds; ++s) {
    const std::uint64_t seed = options.seed + s;
    if (options.progress) options.progress("known world, seed " + std::to_string(seed));
    for (std::size_t v = 0; v < validations.size(); ++v) {
      const std::int64_t rows = validations.at(v);
      auto mean = buy_adaptively(rows, false, seed), drawn = buy_adaptively(rows, true, seed);
      if (!mean || !drawn) return tl::unexpected(mean ? drawn.error() : mean.error());
      const std::array<Counts, 4> all{*mean, *drawn, buy_by_least_squares(rows, seed), buy_for_the_worst(rows, seed)};
      for (std::size_t a = 0; a < arms.size(); ++a) {
        loss.add(a, v, loss_of(all.at(a)));
        closed.add(a, v, (equal - loss_of(all.at(a))) / (equal - optimum));
      }
      most = std::max(most, loss_of(*mean));
    }
  }
  report.bars.push_back(at_least("gap_closed_at_200_validation_rows", closed.mean(0, 0), "of equal to optimum", .8));
  report.bars.push_back(at_most("largest_loss_of_any_seed", most, "L; the best heuristic's", spend));
  report.bars.push_back(
      at_least("lead_over_least_squares_at_200", closed.mean(0, 0) - closed.mean(2, 0), "of the gap", .2));
  report.tables.push_back(closed.table({.title = "The same groups, curves learned on the way",
                                        .quantity = "share of the gap from equal counts to the optimum that is closed",
                                        .x_label = "validation rows of a group",
                                        .plotted = true},
                                       {{.92, .91, .91}, {.93, .92, .91}, {-4.0, .20, kNone}}));
  report.tables.push_back(loss.table({.title = "The same groups",
                                      .quantity = "L",
                                      .x_label = "validation rows of a group",
                                      .kind = TableKind::kDetail,
                                      .note = "A curve fitted by least squares looks flat now and then, and its group "
                                              "is starved. Ours has no local minima, and fails less than the sheet's."},
                                     {{.0457}, {}, {.107}}));
  return {};
}

// ---- Synthetic genomes ------------------------------------------------------------------------------------------

struct GenomeCase {
  std::array<double, 3> markers, costs;
  double budget;
};
constexpr GenomeCase kEqualCosts{{50, 250, 700}, {1, 1, 1}, 4000}, kDearer{{120, 300, 600}, {1, 1.5, 2}, 6000};

class GenomeWorld {
 public:
  GenomeWorld(const GenomeCase& how, double scale, RandomStream random) : random_(random.split("training")) {
    constexpr std::array kHeritability{.6, .5, .5};
    constexpr std::array kPopulation{.7, .2, .1};
    budget_ = std::round(how.budget * scale);
    for (std::size_t g = 0; g < 3; ++g) {
      const auto pool = static_cast<std::size_t>(budget_ / how.costs.at(g));
      const auto markers = static_cast<std::size_t>(std::round(how.markers.at(g) * scale));
      people_.push_back(std::make_unique<GenomeGroup>(markers, kHeritability.at(g), pool, random.split(g)));
      groups_.push_back({.name = std::to_string(g),
                         .cost = how.costs.at(g),
                         .weight = 1.0 / 3,
                         .population = kPopulation.at(g),
                         .max_n = static_cast<std::int64_t>(pool)});
    }
  }

  // Errors on the test set at these counts.
  std::array<double, 3> errors(const Counts& counts) {
    std::array<double, 3> e{};
    for (std::size_t g = 0; g < 3; ++g)
      e.at(g) = people_[g]->train(static_cast<std::size_t>(counts[g]), 1, random_, GenomeGroup::Set::kTest).error;
    return e;
  }

  Result<Counts> adaptive(double batch, std::int64_t seeds) {
    auto made =
        AdaptiveSampler::make(groups_, {.objective = kFourth, .budget = budget_, .batch = batch, .seed_count = seeds});
    if (!made) return tl::unexpected(made.error());
    while (const auto want = made->next()) {
      if (auto ok = made->bought(want->count); !ok) return tl::unexpected(ok.error());
      const std::int64_t have = made->counts()[want->group];
      for (const double share : {.4, .7, 1.0}) {
        const auto n = static_cast<std::int64_t>(std::llround(share * static_cast<double>(have)));
        const auto e =
            people_[want->group]->train(static_cast<std::size_t>(have), share, random_, GenomeGroup::Set::kValidation);
        if (auto ok = made->observe(want->group, n, e.error, e.variance); !ok) return tl::unexpected(ok.error());
      }
    }
    return Counts(made->counts().begin(), made->counts().end());
  }

  // The best counts of a lattice, by curves that are measured densely on the test set and drawn through as lines.
  Counts oracle() {
    constexpr std::array kShares{.015, .025, .04, .06, .09, .13, .18, .24, .31, .39, .48, .58, .69, .8};
    std::array<std::vector<double>, 3> sizes, error;
    for (std::size_t g = 0; g < 3; ++g) {
      for (const double share : kShares) {
        const double n = std::round(share * budget_ / groups_[g].cost);
        sizes.at(g).push_back(n);
        error.at(g).push_back(
            people_[g]->train(static_cast<std::size_t>(n), 1, random_, GenomeGroup::Set::kTest).error);
      }
      // Noise aside, errors fall.
      for (std::size_t i = 1; i < error.at(g).size(); ++i)
        error.at(g)[i] = std::min(error.at(g)[i], error.at(g)[i - 1]);
    }
    const auto at = [&](std::size_t g, double n) {
      const auto& x = sizes.at(g);
      const auto i = static_cast<std::size_t>(std::ranges::upper_bound(x, n) - x.begin());
      if (i == 0 || i == x.size()) return i == 0 ? 1.0 : error.at(g).back();
      const double share = (n - x[i - 1]) / (x[i] - x[i - 1]);
      return error.at(g)[i - 1] + share * (error.at(g)[i] - error.at(g)[i - 1]);
    };
    Counts best{1, 1, 1};
    double least = 1e9;
    const double step = budget_ / 200;
    for (double first = step; first < budget_; first += step) {
      for (double second = step; first + second < budget_; second += step) {
        const std::array spent{first, second, budget_ - first - second};
        double loss = 0;
        for (std::size_t g = 0; g < 3; ++g) loss += kFourth.loss(at(g, spent.at(g) / groups_[g].cost)) / 3;
        if (loss >= least) continue;
        least = loss;
        for (std::size_t g = 0; g < 3; ++g) best[g] = static_cast<std::int64_t>(spent.at(g) / groups_[g].cost);
      }
    }
    return best;
  }

  [[nodiscard]] const std::vector<GroupSpec>& groups() const { return groups_; }
  [[nodiscard]] double budget() const { return budget_; }
  static const EquityObjective kFourth;

 private:
  RandomStream random_;
  double budget_ = 0;
  std::vector<std::unique_ptr<GenomeGroup>> people_;
  std::vector<GroupSpec> groups_;
};
const EquityObjective GenomeWorld::kFourth{.q = 4};

struct GenomeTables {
  Grid loss, worst, counts;
};

Result<GenomeTables> run_genomes(const GenomeCase& how, const std::string& name, const Size& size,
                                 const RunOptions& options, std::size_t worlds) {
  const std::vector<std::string> arms{"adaptive", "oracle", "equal counts", "equal spend", "proportional"};
  GenomeTables out{Grid(arms, {name}), Grid(arms, {name}), Grid(arms, {"group 1", "group 2", "group 3"})};
  for (std::size_t w = 0; w < worlds; ++w) {
    if (options.progress) options.progress("genomes, " + name + ", world " + std::to_string(options.seed + w));
    GenomeWorld world(how, size.scale, RandomStream(options.seed + w).split("equitable").split(name));
    const auto bought = world.adaptive(world.budget() / 20, static_cast<std::int64_t>(60 * size.scale));
    if (!bought) return tl::unexpected(bought.error());
    std::vector<Counts> all{*bought, world.oracle()};
    for (const auto kind : {FixedPlan::kEqualCounts, FixedPlan::kEqualSpend, FixedPlan::kProportional}) {
      auto counts = explore::plan_fixed(kind, world.groups(), world.budget());
      if (!counts) return tl::unexpected(counts.error());
      all.push_back(*std::move(counts));
    }
    for (std::size_t a = 0; a < all.size(); ++a) {
      const auto errors = world.errors(all[a]);
      double loss = 0;
      for (std::size_t g = 0; g < 3; ++g) {
        loss += GenomeWorld::kFourth.loss(errors.at(g)) / 3;
        out.counts.add(a, g, static_cast<double>(all[a][g]));
      }
      out.loss.add(a, 0, loss);
      out.worst.add(a, 0, 1 - std::ranges::max(errors));
    }
  }
  return out;
}

Result<void> genomes(const Size& size, const RunOptions& options, Report& report) {
  const std::size_t worlds = options.seeds == 0 ? size.worlds : options.seeds;
  auto got = run_genomes(kEqualCosts, "costs 1, 1, 1", size, options, worlds);
  if (!got) return tl::unexpected(got.error());
  const auto lead = [&](std::size_t other) { return 1 - got->loss.mean(0, 0) / got->loss.mean(other, 0); };
  // The quick world is small and two: it asks for directions.
  report.bars.push_back(at_least("below_equal_counts", lead(2), "of its objective", options.quick ? 0 : .10));
  report.bars.push_back(at_least("below_proportional", lead(4), "of its objective", options.quick ? .2 : .40));
  report.bars.push_back(at_most("above_oracle", -lead(1), "of its objective", options.quick ? .15 : .05));
  report.tables.push_back(got->loss.table({.title = "Trained ridge models on synthetic genomes, q = 4",
                                           .quantity = "mean over groups of (1 - R^2)^4 on a test set",
                                           .x_label = "",
                                           .plotted = true},
                                          {{.1126}, {.1123}, {.1356}, {}, {.2627}}));
  report.tables.push_back(got->worst.table(
      {.title = "The same", .quantity = "R^2 of the worst group", .x_label = "", .kind = TableKind::kDetail},
      {{.339}, {.344}, {.289}, {}, {.124}}));
  report.tables.push_back(
      got->counts.table({.title = "The same", .quantity = "samples bought", .x_label = "", .kind = TableKind::kDetail},
                        {{553, 1498, 1948}, {365, 1540, 2093}}));

  auto counter = run_genomes(kDearer, "costs 1, 1.5, 2", size, options, std::max<std::size_t>(2, worlds / 2));
  if (!counter) return tl::unexpected(counter.error());
  report.tables.push_back(counter->loss.table(
      {.title = "Where harder groups are dearer",
       .quantity = "mean over groups of (1 - R^2)^4",
       .x_label = "",
       .kind = TableKind::kDetail,
       .note = "In the sheet's prototype the luck of these costs put equal counts ahead of adaptive sampling."},
      {{.1786}, {.1633}, {.1641}, {.1920}, {.2664}}));
  return {};
}

}  // namespace

Result<Report> reproduce_equitable_sampling(const RunOptions& options) {
  const Size size = options.quick ? kQuick : kFull;
  Report report{.slug = "equitable-sampling",
                .simulated =
                    "groups with power-law learning curves, errors observed on finite validation sets; ridge "
                    "models that are really trained on synthetic genomes",
                .claim =
                    "buying samples batch by batch, by learned curves, comes close to the plan that knows the "
                    "curves, and serves the worst group better than equal or proportional sampling",
                .seed = options.seed,
                .seeds = options.seeds == 0 ? size.seeds : options.seeds,
                .quick = options.quick};
  if (auto ok = fixed_plans(report); !ok) return tl::unexpected(ok.error());
  if (auto ok = analytic_world(options, report); !ok) return tl::unexpected(ok.error());
  if (auto ok = genomes(size, options, report); !ok) return tl::unexpected(ok.error());
  report.notes.emplace_back(
      "The paper reports the direction of these results; figures in round brackets are of the sheet's prototype. The "
      "posterior of curves, the value of a batch and the worlds are derived in the sheet.");
  report.notes.emplace_back(
      "Genomes' curves are S-shaped where people are fewer than markers: measurements at fewer than .4 of a group's "
      "people are left out of its curve, and the prior expects errors to fall to .1. A prior that allows a curve to "
      "end "
      "near .9 starves a group in some worlds.");
  report.notes.emplace_back(
      "The oracle plans on curves that were measured on the test set of its own world: it is optimistic. Genomes come "
      "as " +
      std::to_string(options.seeds == 0 ? size.worlds : options.seeds) + " worlds, not as the seeds above.");
  return report;
}

}  // namespace bursar::reproduce
