// systems/uniform-phantom: one point for parties that may lie. An audit of five rules by axioms and by search over
// lies, uniqueness by exhaustion, the equilibrium of the average, welfare, and budgets of more than two lines.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "bursar/agree/axioms.h"
#include "bursar/agree/independent_markets.h"
#include "bursar/agree/misreport.h"
#include "bursar/agree/sample_profiles.h"
#include "reproduce/system.h"

namespace bursar::reproduce {
namespace {

using namespace agree;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::vector<double> uniform_profile(std::size_t parties, RandomStream& random) {
  std::vector<double> x(parties);
  for (double& v : x) v = random.uniform01();
  return x;
}

std::vector<std::string> rule_names() {
  std::vector<std::string> out;
  for (const SplitRule rule : kSplitRules) out.emplace_back(name_of(rule));
  return out;
}

// ---- 1: axioms and lies

Result<void> audit(const RunOptions& options, Report& report) {
  const std::size_t profiles = options.quick ? 400 : 4000;
  Grid grid(rule_names(), {"IFS", "UFS", "proportionality", "unanimity", "PF", "profitable lie"});
  for (std::uint64_t seed = 0; seed < report.seeds; ++seed) {
    if (options.progress) options.progress("audit, seed " + std::to_string(options.seed + seed));
    RandomStream random = RandomStream(options.seed + seed).split("audit");
    std::array<std::array<double, kAxioms + 1>, std::size(kSplitRules)> count{};
    for (std::size_t k = 0; k < profiles; ++k) {
      const auto x = any_profile(1 + k % 7, random);
      for (std::size_t r = 0; r < std::size(kSplitRules); ++r) {
        const auto y = decide(kSplitRules[r], {.reports = x});
        if (!y) return tl::unexpected(y.error());
        const auto axioms = check_axioms({.reports = x}, *y);
        const auto lie = find_lie(rule_of(kSplitRules[r]), {.reports = x}, {.grid = 41});
        if (!axioms || !lie) return tl::unexpected(!axioms ? axioms.error() : lie.error());
        for (std::size_t a = 0; a < kAxioms; ++a) count[r][a] += axioms->findings[a].holds ? 0 : 1;
        count[r][kAxioms] += lie->has_value() ? 1 : 0;
      }
    }
    for (std::size_t r = 0; r < count.size(); ++r) {
      for (std::size_t c = 0; c <= kAxioms; ++c) grid.add(r, c, count[r][c]);
    }
  }
  double own = 0, least = HUGE_VAL;
  for (std::size_t r = 0; r < std::size(kSplitRules); ++r) {
    double sum = 0;
    for (std::size_t c = 0; c <= kAxioms; ++c) sum += grid.mean(r, c);
    if (r == 0)
      own = sum;
    else
      least = std::min(least, sum);
  }
  report.bars.push_back(at_most("uniform_phantom_violations", own, "profiles", 0));
  report.bars.push_back(at_least("fewest_violations_of_another_rule", least, "profiles", 1));
  report.tables.push_back(grid.table(
      {.title = "Violations among " + std::to_string(profiles) + " random profiles (1 to 7 parties, four kinds)",
       .quantity = "profiles; lies are searched on a grid of 41 and among the others' reports",
       .x_label = "what is broken",
       .note = "Only the uniform phantom has six zeros. The sheet's profiles were other draws of the same kinds."},
      options.quick ? std::vector<std::vector<double>>{}
                    : std::vector<std::vector<double>>{{0, 0, 0, 0, 0, 0},
                                                       {863, 907, 730, 0, 916, 0},
                                                       {0, 0, 0, 0, 0, 1315},
                                                       {0, 412, 372, 0, 425, 0},
                                                       {0, 584, 548, 0, 613, 1124}}));
  return {};
}

// ---- 2: which pairs of inner phantoms pass, for three parties

Result<void> exhaust(const RunOptions& options, Report& report) {
  constexpr int kParts = 12;
  const auto at = [](int k) { return static_cast<double>(k) / kParts; };
  if (options.progress) options.progress("uniqueness by exhaustion");
  std::array<double, 3> pass{};  // proportionality, UFS, PF
  double off = 0;                // of the pairs that pass, the farthest from (1/3, 2/3)
  for (int a = 0; a <= kParts; ++a) {
    for (int b = a; b <= kParts; ++b) {
      const std::vector<double> phantoms{at(a), at(b)};
      std::array<bool, 3> holds{true, true, true};
      for (int k = 0; k < 13 * 13 * 13 && (holds[0] || holds[1] || holds[2]); ++k) {
        const std::vector<double> x{at(k % 13), at(k / 13 % 13), at(k / 169)};
        const auto axioms = phantom_median({.reports = x}, phantoms).and_then([&](double y) {
          return check_axioms({.reports = x}, y);
        });
        if (!axioms) return tl::unexpected(axioms.error());
        holds[0] = holds[0] && axioms->of(Axiom::kProportionality).holds;
        holds[1] = holds[1] && axioms->of(Axiom::kUnanimousFairShare).holds;
        holds[2] = holds[2] && axioms->of(Axiom::kProportionalFairness).holds;
      }
      for (std::size_t c = 0; c < 3; ++c) {
        pass[c] += holds[c] ? 1 : 0;
        if (holds[c]) off = std::max({off, std::abs(at(a) - 1.0 / 3), std::abs(at(b) - 2.0 / 3)});
      }
    }
  }
  Grid grid({"pairs of phantoms that pass"}, {"proportionality", "UFS", "PF"});
  double wrong = off;
  for (std::size_t c = 0; c < 3; ++c) {
    grid.add(0, c, pass[c]);
    wrong += std::abs(pass[c] - 1);
  }
  report.bars.push_back(at_most("pairs_other_than_one_third_two_thirds", wrong, "pairs", 1e-12));
  report.tables.push_back(grid.table({.title = "Uniqueness: three parties, two inner phantoms on a grid of twelfths",
                                      .quantity = "of 91 pairs, on all 2,197 profiles of the grid",
                                      .x_label = "axiom",
                                      .note = "The one pair is (1/3, 2/3): the uniform phantom."},
                                     {{1, 1, 1}}));
  return {};
}

// ---- 3: where lies about the average end

Result<void> equilibrium(const RunOptions& options, Report& report) {
  const std::size_t profiles = 300, mixed_profiles = options.quick ? 10 : 60;
  const Rule mixed = [](const Profile& p) -> Result<double> {
    return .5 * decide(SplitRule::kAverage, p).value() + .5 * uniform_phantom(p).value();
  };
  Grid grid({"average, closed form", "half average, half uniform phantom"},
            {"largest difference", "profiles within 1e-9"});
  double worst = 0;
  for (std::uint64_t seed = 0; seed < report.seeds; ++seed) {
    if (options.progress) options.progress("best responses, seed " + std::to_string(options.seed + seed));
    RandomStream random = RandomStream(options.seed + seed).split("equilibrium");
    double off = 0, off_mixed = 0, near = 0, near_mixed = 0;
    for (std::size_t k = 0; k < profiles; ++k) {
      const auto x = uniform_profile(2 + random.uniform_int(std::uint64_t{10}), random);
      const auto y = uniform_phantom({.reports = x});
      const auto end = best_responses_to_average({.reports = x}, 4000);
      if (!y || !end) return tl::unexpected(!y ? y.error() : end.error());
      off = std::max(off, std::abs(end->outcome - *y));
      near += std::abs(end->outcome - *y) <= 1e-9 ? 1 : 0;
    }
    for (std::size_t k = 0; k < mixed_profiles; ++k) {
      const auto x = uniform_profile(2 + random.uniform_int(std::uint64_t{4}), random);
      const auto end = best_responses(mixed, {.reports = x}, 2000);
      if (!end) return tl::unexpected(end.error());
      const double gap = std::abs(end->outcome - uniform_phantom({.reports = x}).value());
      off_mixed = std::max(off_mixed, gap);
      near_mixed += gap <= 1e-9 ? 1 : 0;
    }
    grid.add(0, 0, off);
    grid.add(0, 1, near / static_cast<double>(profiles));
    grid.add(1, 0, off_mixed);
    grid.add(1, 1, near_mixed / static_cast<double>(mixed_profiles));
    worst = std::max(worst, off);
  }
  report.bars.push_back(at_most("equilibrium_off_the_uniform_phantom", worst, "", 1e-9));
  report.tables.push_back(grid.table({.title = "Best responses from the truth end at the uniform phantom's outcome",
                                      .quantity = "of outcomes; 2 to 11 parties, 4,000 sequential responses",
                                      .x_label = "",
                                      .note = "The second rule is answered by bisection: the claim is about every "
                                              "continuous strictly monotone rule with unanimous fair share."},
                                     {{2e-16, 1}}));
  return {};
}

// ---- 4: welfare

double welfare(const std::vector<double>& x, double y) {
  double sum = 0;
  for (const double v : x) sum += 1 - std::abs(v - y);
  return sum;
}

double total_cost(const std::vector<double>& x, double y) { return static_cast<double>(x.size()) - welfare(x, y); }

double best_welfare(std::vector<double> x) {
  std::ranges::nth_element(x, x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2));
  const double median = x[x.size() / 2];
  return welfare(x, median);
}

// Largest OPT / SW over the profiles of zeros and ones.
double worst_at_the_ends(SplitRule rule, std::size_t n) {
  double worst = 1;
  for (std::size_t k = 0; k <= n; ++k) {
    std::vector<double> x(n, 0.0);
    std::fill_n(x.begin(), k, 1.0);
    worst = std::max(worst, best_welfare(x) / welfare(x, decide(rule, {.reports = x}).value()));
  }
  return worst;
}

double closed_form(std::size_t n) {
  const auto parties = static_cast<double>(n);
  double worst = 1;
  for (std::size_t k = (n + 1) / 2; k <= n; ++k) {
    const auto ones = static_cast<double>(k);
    worst = std::max(worst, ones * parties / (ones * ones + (parties - ones) * (parties - ones)));
  }
  return worst;
}

void welfare_ratios(const RunOptions& options, Report& report) {
  const std::vector<std::size_t> sizes{2, 3, 4, 5, 10, 50, 200, 1000};
  const std::size_t profiles = options.quick ? 200 : 20'000;
  std::vector<std::string> columns;
  for (const std::size_t n : sizes) columns.push_back(std::to_string(n));
  Grid grid({"uniform phantom, closed form", "uniform phantom, worst of zeros and ones",
             "uniform phantom, worst of random", "IFS-optimal, worst of zeros and ones"},
            columns);
  double off = 0, above = 0;
  RandomStream random = RandomStream(options.seed).split("welfare");
  for (std::size_t c = 0; c < sizes.size(); ++c) {
    const std::size_t n = sizes[c];
    const auto parties = static_cast<double>(n);
    if (options.progress) options.progress("welfare of " + std::to_string(n) + " parties");
    const double formula = closed_form(n), measured = worst_at_the_ends(SplitRule::kUniformPhantom, n);
    const double ifs = worst_at_the_ends(SplitRule::kIfs, n);
    double drawn = 1;
    for (std::size_t k = 0; k < profiles; ++k) {
      auto x = uniform_profile(n, random);
      if (k % 2 == 1) std::ranges::for_each(x, [](double& v) { v = v < .5 ? v * v : 1 - (1 - v) * (1 - v); });
      drawn = std::max(drawn, best_welfare(x) / welfare(x, uniform_phantom({.reports = x}).value()));
    }
    grid.add(0, c, formula), grid.add(1, c, measured), grid.add(2, c, drawn), grid.add(3, c, ifs);
    off = std::max({off, std::abs(measured - formula),
                    std::abs(ifs - std::max(1.0, parties * (parties - 1) / ((parties - 1) * (parties - 1) + 1)))});
    above = std::max(above, drawn - formula);
  }
  report.bars.push_back(at_most("welfare_ratio_off_its_closed_form", off, "", 1e-12));
  report.bars.push_back(at_most("random_profiles_above_the_bound", above, "", 1e-12));
  const std::vector<double> sheet{1, 1.2, 1.2, 1.17647, 1.20690, 1.20690, 1.20709, 1.20711};
  report.tables.push_back(
      grid.table({.title = "Welfare: best possible over the rule's, worst profile",
                  .quantity = "ratio; " + std::to_string(profiles) + " random profiles a size",
                  .x_label = "parties",
                  .note = "The closed forms are derived, and tend to (sqrt 2 + 1) / 2 = 1.20711 and to "
                          "1; what guards single parties only costs less welfare.",
                  .plotted = true},
                 {sheet, sheet, {}, {kNone, 1.2, kNone, 1.17647, 1.09756, 1.01998, kNone, 1.001}}));
}

void costs(Report& report) {
  Grid grid({"uniform phantom", "median"}, {"one of four at the other end", "(.8, .9, .9, .9)"});
  const std::vector<std::vector<double>> profiles{{0, 0, 0, 1}, {.8, .9, .9, .9}};
  double off = 0;
  for (std::size_t c = 0; c < 2; ++c) {
    const double best = total_cost(profiles[c], decide(SplitRule::kMedian, {.reports = profiles[c]}).value());
    const double cost = total_cost(profiles[c], uniform_phantom({.reports = profiles[c]}).value());
    grid.add(0, c, cost / best);
    grid.add(1, c, 1);
    off = std::max(off, std::abs(cost / best - (c == 0 ? 1.5 : 3.0)));
  }
  report.bars.push_back(at_most("total_cost_off_the_derived_ratios", off, "", 1e-12));
  report.tables.push_back(
      grid.table({.title = "Total cost, over the best possible",
                  .quantity = "ratio",
                  .x_label = "four parties",
                  .kind = TableKind::kCounter,
                  .note = "2 - 2/n on zeros and ones is a bound of every rule with unanimous fair share; the uniform "
                          "phantom can reach "
                          "n - 1, so its cost is the best among strategyproof ones only, where it is alone."},
                 {{1.5, 3}, {1, 1}}));
}

// ---- 5: the story and the sheet's single outcomes

void story(Report& report) {
  const std::vector<double> truth{.7, .4, .3, .2, .1}, lie{1, .4, .3, .2, .1};
  Grid grid({"uniform phantom", "average"}, {"truth", "the first team claims 1"});
  const auto at = [](SplitRule rule, const std::vector<double>& x) { return decide(rule, {.reports = x}).value(); };
  grid.add(0, 0, at(SplitRule::kUniformPhantom, truth)), grid.add(0, 1, at(SplitRule::kUniformPhantom, lie));
  grid.add(1, 0, at(SplitRule::kAverage, truth)), grid.add(1, 1, at(SplitRule::kAverage, lie));
  report.tables.push_back(grid.table({.title = "Five teams split 10 million tokens between two services",
                                      .quantity = "share of the first service",
                                      .x_label = "",
                                      .note = "The first team wants .7: the lie pays under the average alone."},
                                     {{.4, .4}, {.34, .40}}));
  report.bars.push_back(at_most("a_lie_moves_the_uniform_phantom", std::abs(grid.mean(0, 1) - grid.mean(0, 0)), "", 0));
  report.bars.push_back(at_least("a_lie_moves_the_average", grid.mean(1, 1) - grid.mean(1, 0), "", .06 - 1e-12));
  const std::vector<std::pair<std::vector<double>, double>> oracles{{{0, 0, 1}, 1.0 / 3},   {{.2, .9}, .5},
                                                                    {{.6, .9}, .6},         {{.1, .2, .9, .95}, .5},
                                                                    {{.8, .9, .9, .9}, .8}, {{.37}, .37}};
  double off = 0;
  for (const auto& [x, want] : oracles) off = std::max(off, std::abs(at(SplitRule::kUniformPhantom, x) - want));
  report.bars.push_back(at_most("unit_oracles_off", off, "", 0));
}

// ---- more than two lines

Result<void> markets(const RunOptions& options, Report& report) {
  RandomStream random = RandomStream(options.seed).split("markets");
  double off = 0, single = 0;
  for (int k = 0; k < 300; ++k) {
    const auto x = any_profile(1 + random.uniform_int(std::uint64_t{8}), random);
    std::vector<double> shares;
    for (const double v : x) shares.insert(shares.end(), {v, 1 - v});
    const auto split = independent_markets({.lines = 2, .shares = shares});
    if (!split) return tl::unexpected(split.error());
    off = std::max(off, std::abs((*split)[0] - uniform_phantom({.reports = x}).value()));
    // The same parties, each for one of three lines only.
    std::vector<double> want(3), minds;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t line = random.uniform_int(std::uint64_t{3});
      want[line] += 1 / static_cast<double>(x.size());
      for (std::size_t j = 0; j < 3; ++j) minds.push_back(j == line ? 1 : 0);
    }
    const auto exact = independent_markets({.lines = 3, .shares = minds});
    if (!exact) return tl::unexpected(exact.error());
    for (std::size_t j = 0; j < 3; ++j) single = std::max(single, std::abs((*exact)[j] - want[j]));
  }
  const std::size_t tries = options.quick ? 500 : 8000, per_party = 25;
  double lies = 0, tried = 0;
  for (std::uint64_t k = 0; tried < static_cast<double>(tries); ++k) {
    const std::size_t n = 2 + random.uniform_int(std::uint64_t{5});
    std::vector<double> shares;
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<double> row(3);
      for (double& v : row) v = random.exponential();
      const double sum = std::accumulate(row.begin(), row.end(), 0.0);
      for (const double v : row) shares.push_back(v / sum);
    }
    const auto lie = find_lie({.lines = 3, .shares = shares}, per_party, random.split(k));
    if (!lie) return tl::unexpected(lie.error());
    lies += lie->has_value() ? 1 : 0;
    tried += static_cast<double>(n * per_party);
  }
  Grid grid({"independent markets"},
            {"off the uniform phantom, 2 lines", "off exact shares, single-minded", "lies that pay"});
  grid.add(0, 0, off), grid.add(0, 1, single), grid.add(0, 2, lies);
  report.bars.push_back(at_most("markets_of_two_lines_off_the_uniform_phantom", off, "", 1e-14));
  report.bars.push_back(at_most("markets_of_single_minded_parties_off", single, "", 1e-12));
  report.bars.push_back(at_most("profitable_lies_to_markets", lies, "profiles", 0));
  report.tables.push_back(grid.table({.title = "More than two lines: independent markets",
                                      .quantity = "300 profiles; " + std::to_string(tries) + " random lies of 3 lines",
                                      .x_label = "",
                                      .note = "An extension by other authors, not in this paper."},
                                     {{1e-15, 0, 0}}));
  return {};
}

}  // namespace

Result<Report> reproduce_uniform_phantom(const RunOptions& options) {
  Report report{.slug = "uniform-phantom",
                .simulated =
                    "nothing stands in: rules are run on drawn and enumerated profiles of parties that want one "
                    "point each",
                .claim =
                    "the uniform phantom alone is strategyproof and gives every group of k among n parties "
                    "influence of k/n; lies about the average end at its outcome",
                .seed = options.seed,
                .seeds = options.seeds == 0 ? (options.quick ? 1U : 3U) : options.seeds,
                .quick = options.quick};
  for (const auto part : {&audit, &exhaust, &equilibrium}) {
    if (auto ok = part(options, report); !ok) return tl::unexpected(ok.error());
  }
  welfare_ratios(options, report);
  costs(report);
  story(report);
  if (auto ok = markets(options, report); !ok) return tl::unexpected(ok.error());
  report.notes.emplace_back(
      "Single deviations only: coalitions can gain, and with other goals (exact amounts, thresholds) the guarantee is "
      "lost.");
  report.notes.emplace_back(
      "Where the number of inner phantoms is odd, the larger half stands at the lower end in the median and in the "
      "IFS-optimal rule; that decides ties, and with them the counts of the audit.");
  return report;
}

}  // namespace bursar::reproduce
