// systems/plan-and-budget: tokens for sub-questions, by credit and by place.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "bursar/allocate/token_split.h"
#include "bursar/allocate/water_filling.h"
#include "bursar/core/apportionment.h"
#include "bursar/core/random.h"
#include "bursar/plan/token_plan.h"
#include "reproduce/system.h"

namespace bursar::reproduce {
namespace {

using allocate::Decay;

constexpr std::array kSlopes{0.0, 2.0, 4.0};  // how strongly uncertainty is in front
constexpr std::array<std::pair<Decay, const char*>, 5> kDecays{{{Decay::kConstant, "constant"},
                                                                {Decay::kLinear, "linear"},
                                                                {Decay::kPolynomial, "polynomial"},
                                                                {Decay::kExponential, "exponential"},
                                                                {Decay::kCosine, "cosine"}}};

std::size_t draw_index(std::span<const double> chances, RandomStream& random) {
  double u = random.uniform01();
  std::size_t i = 0;
  while (i + 1 < chances.size() && u >= chances[i]) u -= chances[i++];
  return i;
}

std::vector<double> flat_dirichlet(std::size_t m, RandomStream& random) {
  std::vector<double> out(m);
  double sum = 0;
  for (double& x : out) sum += x = random.exponential();
  for (double& x : out) x /= sum;
  return out;
}

// A planned question: credits in per cent, and the total of its level.
struct Question {
  std::vector<double> credits;
  std::int64_t total = 0;
};

// Mean credits by place of the released plans, of three and of five steps; of the others in between [choice].
const std::vector<std::vector<double>> kCredits{{38, 62},
                                                {21.9, 30.6, 47.5},
                                                {16.5, 23.5, 27, 33},
                                                {13.0, 18.4, 22.3, 22.3, 24.0},
                                                {10.5, 14.5, 17.5, 18.5, 19, 20}};
constexpr double kConcentration = 12;  // of a plan's credits around these

// `flat`: credits by a flat Dirichlet instead.
Question draw_question(RandomStream& random, bool flat = false) {
  constexpr std::array kSteps{.14, .31, .27, .26, .02}, kLevels{.09, .18, .21, .25, .27};
  const std::vector<double>& means = kCredits[draw_index(kSteps, random)];
  std::vector<double> shares;
  shares.reserve(means.size());
  for (const double mean : means) shares.push_back(random.gamma(flat ? 1 : kConcentration * mean / 100) + 1e-9);
  const auto whole = apportion(shares, 100);
  Question out{.total = *plan::tokens_of_level(static_cast<int>(1 + draw_index(kLevels, random)))};
  for (const std::int64_t credit : *whole)
    out.credits.push_back(static_cast<double>(std::max<std::int64_t>(credit, 1)));
  return out;
}

// The true uncertainties of its steps: by credit, by place, and by chance; in all about as much as fits the level.
std::vector<double> uncertainties(const Question& q, double slope, RandomStream& random) {
  const auto m = static_cast<double>(q.credits.size());
  std::vector<double> c;
  c.reserve(q.credits.size());
  for (std::size_t j = 0; j < q.credits.size(); ++j)
    c.push_back(q.credits[j] * std::pow(m - static_cast<double>(j), slope) * std::exp(.4 * random.normal()));
  const double wanted = .05 * .30 * static_cast<double>(q.total) * m * std::exp(.4 * random.normal());
  const double sum = std::accumulate(c.begin(), c.end(), 0.0);
  for (double& x : c) x *= wanted / sum;
  return c;
}

double solved(const std::vector<double>& c, const std::vector<double>& tokens) {
  const std::vector<double> a(c.size(), 1);
  return std::exp(-allocate::residual_uncertainty(c, a, tokens));
}

std::vector<double> times(std::vector<double> shares, double total) {
  for (double& x : shares) x *= total;
  return shares;
}

// Half by chance, half evenly: what a plan without budgets does.
std::vector<double> half_even(std::size_t m, double total, RandomStream& random) {
  std::vector<double> out = flat_dirichlet(m, random);
  for (double& x : out) x = (.5 * x + .5 / static_cast<double>(m)) * total;
  return out;
}

enum Arm : std::size_t {
  kVanilla,
  kPlanned,
  kGlobal,
  kPlanGlobal,
  kUniform,
  kFirstDecay,
  kOracle = kFirstDecay + 5,
  kArms
};

struct Sums {
  std::array<double, kArms> right{}, tokens{};
};

Result<void> one_question(const Question& q, double slope, RandomStream& random, Sums& sums, double& oracle_behind) {
  const std::size_t m = q.credits.size();
  const auto total = static_cast<double>(q.total);
  const std::vector<double> c = uncertainties(q, slope, random);
  const double natural = 3 * total * std::exp(.5 * random.normal());
  const auto count = [&](std::size_t arm, const std::vector<double>& tokens) {
    const double p = solved(c, tokens);
    sums.right.at(arm) += p;
    sums.tokens.at(arm) += std::accumulate(tokens.begin(), tokens.end(), 0.0);
    return p;
  };
  count(kVanilla, times(flat_dirichlet(m, random), natural));
  count(kPlanned, half_even(m, .85 * natural, random));
  count(kGlobal, times(flat_dirichlet(m, random), total));
  count(kPlanGlobal, half_even(m, total, random));
  double best = count(kUniform, std::vector<double>(m, total / static_cast<double>(m)));
  for (std::size_t d = 0; d < kDecays.size(); ++d) {
    const auto whole = allocate::split_tokens(q.credits, q.total, kDecays.at(d).first);
    if (!whole) return tl::unexpected(whole.error());
    best = std::max(best, count(kFirstDecay + d, {whole->begin(), whole->end()}));
  }
  const auto optimum = allocate::waterfill_power(c, std::vector<double>(m, 1), total);
  if (!optimum) return tl::unexpected(optimum.error());
  oracle_behind = std::max(oracle_behind, best - count(kOracle, *optimum));
  return {};
}

// What a linear decay makes of the released plans' own credits.
void credits_by_place(Report& report) {
  constexpr std::array kReleased{21.9, 30.6, 47.5};
  Grid share({"after a linear decay"}, {"1", "2", "3"});
  const auto split = allocate::split_tokens(kReleased, 1000, Decay::kLinear);
  for (std::size_t j = 0; j < kReleased.size(); ++j) share.add(0, j, static_cast<double>((*split)[j]) / 10);
  report.tables.push_back(
      share.table({.title = "Mean credits of the released plans of three steps: 21.9, 30.6, 47.5",
                   .quantity = "per cent of the tokens",
                   .x_label = "step",
                   .kind = TableKind::kCounter,
                   .note = "Real credits grow along the plan, so that a linear decay comes close to an "
                           "even split: the decay mostly undoes the assessor's trend."}));
}

// The same with credits that do not lean to the end of a plan.
Result<void> flat_credits(std::size_t questions, const std::vector<std::string>& arms, const RunOptions& options,
                          Report& report) {
  Grid efficiency(arms, {"0", "2", "4"});
  double ignored = 0;
  for (std::uint64_t s = 0; s < report.seeds; ++s) {
    for (std::size_t k = 0; k < kSlopes.size(); ++k) {
      RandomStream random = RandomStream(options.seed + s).split("plan-and-budget").split("flat").split(k);
      Sums sums;
      for (std::size_t q = 0; q < questions; ++q) {
        const Question question = draw_question(random, true);
        if (auto ok = one_question(question, kSlopes.at(k), random, sums, ignored); !ok) return ok;
      }
      const auto n = static_cast<double>(questions);
      for (std::size_t arm = 0; arm < kArms; ++arm)
        efficiency.add(arm, k, plan::e3(100 * sums.right.at(arm) / n, sums.tokens.at(arm) / n));
    }
  }
  report.tables.push_back(
      efficiency.table({.title = "Credits by a flat Dirichlet",
                        .quantity = "E3",
                        .x_label = "how strongly uncertainty is in front",
                        .kind = TableKind::kCounter,
                        .note = "Polynomial and cosine do not lead even at 4: their lead needs credits that grow along "
                                "the plan, as the released ones do."}));
  return {};
}

}  // namespace

Result<Report> reproduce_plan_and_budget(const RunOptions& options) {
  Report report{.slug = "plan-and-budget",
                .simulated = "plans, credits and what tokens do to uncertainty are drawn; no model is asked",
                .claim =
                    "budgets for each sub-question are worth more than one for the whole, at equal tokens; early steps "
                    "should get more where uncertainty is in front, and only there",
                .seed = options.seed,
                .seeds = options.seeds != 0 ? options.seeds : 8,
                .quick = options.quick};
  const std::size_t questions = options.quick ? 300 : 1000;
  std::vector<std::string> arms{"vanilla", "planned", "global budget", "plan and global", "uniform"};
  for (const auto& [decay, name] : kDecays) arms.emplace_back(name);
  arms.emplace_back("optimum, truth known");
  const std::vector<std::string> columns{"0", "2", "4"};
  Grid right(arms, columns), efficiency(arms, columns), tokens(arms, columns);
  double behind = 0;
  for (std::uint64_t s = 0; s < report.seeds; ++s) {
    if (options.progress) options.progress("plans, seed " + std::to_string(options.seed + s));
    for (std::size_t k = 0; k < kSlopes.size(); ++k) {
      RandomStream random = RandomStream(options.seed + s).split("plan-and-budget").split(k);
      Sums sums;
      for (std::size_t q = 0; q < questions; ++q) {
        if (auto ok = one_question(draw_question(random), kSlopes.at(k), random, sums, behind); !ok)
          return tl::unexpected(ok.error());
      }
      const auto n = static_cast<double>(questions);
      for (std::size_t arm = 0; arm < kArms; ++arm) {
        const double accuracy = 100 * sums.right.at(arm) / n, used = sums.tokens.at(arm) / n;
        right.add(arm, k, accuracy);
        tokens.add(arm, k, used);
        efficiency.add(arm, k, plan::e3(accuracy, used));
      }
    }
  }
  double over_vanilla = 1e9, over_global = 1e9;
  for (std::size_t k = 0; k < kSlopes.size(); ++k) {
    double best = 0;
    for (std::size_t d = 0; d < kDecays.size(); ++d) best = std::max(best, efficiency.mean(kFirstDecay + d, k));
    over_vanilla = std::min(over_vanilla, best / efficiency.mean(kVanilla, k));
    over_global = std::min(over_global, best / efficiency.mean(kGlobal, k));
  }
  std::vector<double> others;
  for (const std::size_t d : {0U, 1U, 3U}) others.push_back(efficiency.mean(kFirstDecay + d, 2));
  const double best_two = std::min(efficiency.mean(kFirstDecay + 2, 2), efficiency.mean(kFirstDecay + 4, 2));
  report.bars.push_back(at_least("efficiency_over_vanilla", over_vanilla, "times, least slope", 1.9));
  report.bars.push_back(at_least("efficiency_over_global", over_global, "times, least slope", 1.5));
  report.bars.push_back(
      at_least("polynomial_and_cosine_lead_in_front", best_two - *std::ranges::max_element(others), "E3, slope 4", 0));
  report.bars.push_back(at_most("schedule_over_optimum", behind, "chance of a question", 1e-9));
  const double none = std::nan("");
  report.tables.push_back(right.table({.title = "Questions solved",
                                       .quantity = "per cent",
                                       .x_label = "how strongly uncertainty is in front",
                                       .plotted = true},
                                      {{77.8, 77.1, 79.7},
                                       {},
                                       {58.3, 58.4, 61.7},
                                       {77.1, 77.1, 77.5},
                                       {79.5, 79.4, 79.8},
                                       {79.4, 75.6, 73.8},
                                       {76.7, 80.8, 82.0},
                                       {62.8, 79.1, 84.8},
                                       {none, none, none},
                                       {65.9, 79.4, 84.1},
                                       {80.6, 81.9, 85.5}}));
  report.tables.push_back(efficiency.table({.title = "Efficiency E3: accuracy in per cent, squared, over tokens",
                                            .quantity = "E3",
                                            .x_label = "how strongly uncertainty is in front"},
                                           {{4.3, 4.3, 4.6},
                                            {},
                                            {8.2, 8.3, 9.3},
                                            {14.4, 14.4, 14.6},
                                            {15.4, 15.3, 15.5},
                                            {15.3, 13.9, 13.2},
                                            {14.3, 15.9, 16.3},
                                            {9.6, 15.2, 17.5},
                                            {},
                                            {10.5, 15.3, 17.2},
                                            {15.8, 16.3, 17.7}}));
  report.tables.push_back(tokens.table({.title = "Tokens",
                                        .quantity = "mean a question",
                                        .x_label = "how strongly uncertainty is in front",
                                        .kind = TableKind::kDetail}));
  if (auto ok = flat_credits(questions, arms, options, report); !ok) return tl::unexpected(ok.error());
  credits_by_place(report);
  report.notes.push_back(
      "With uncertainty spread evenly (0) an even split is best and polynomial and cosine are worst: the "
      "published ranking is that of plans whose first steps are the open ones.");
  report.not_run.push_back(
      "the released MATH-500 plans: not shipped; steps and levels are drawn as the sheet has them, credits around the "
      "released means by place, for a flat draw has plans that lean less to their ends");
  report.not_run.push_back("MATH-500, NaturalInstructions and TravelPlanner with real models: no models here");
  return report;
}

}  // namespace bursar::reproduce
