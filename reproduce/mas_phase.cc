// systems/mas-phase: one strong agent or a tree of agents, for one budget.
#include <algorithm>
#include <array>
#include <cmath>

#include "bursar/core/random.h"
#include "bursar/plan/organisation.h"
#include "reproduce/system.h"

namespace bursar::reproduce {
namespace {

using plan::Layer;
using plan::OrgInputs;

// The root of one tree of real agents: leaves right with probability (1 + bias) / 2, messages flipped, nodes that use
// one message for all with probability rho, and the majority otherwise.
int play_tree(const Layer& layer, double bias, int depth, RandomStream& random) {
  if (depth == 0) return random.bernoulli((1 + bias) / 2) ? 1 : -1;
  int sum = 0, first = 0;
  for (int child = 0; child < layer.fan_in; ++child) {
    const int said = play_tree(layer, bias, depth - 1, random);
    const int heard = random.bernoulli((1 - layer.fidelity) / 2) ? -said : said;
    if (child == 0) first = heard;
    sum += heard;
  }
  return random.bernoulli(layer.correlation) ? first : sum > 0 ? 1 : -1;
}

// One row of played trees and one of the recursion, layer by layer; returns the largest distance in standard errors.
double play_layers(const Layer& layer, int depth, std::size_t trees, const RandomStream& root, Grid& bias,
                   std::size_t row) {
  const auto exact = *plan::tree_biases(layer, .05, depth);
  double off = 0;
  for (int t = 0; t <= depth; ++t) {
    RandomStream random = root.split(static_cast<std::uint64_t>(t));
    const auto count =
        std::max<std::size_t>(200, static_cast<std::size_t>(static_cast<double>(trees) / std::pow(layer.fan_in, t)));
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += play_tree(layer, .05, t, random);
    const double mean = sum / static_cast<double>(count), right = exact[static_cast<std::size_t>(t)];
    bias.add(row, static_cast<std::size_t>(t), mean);
    bias.add(row + 1, static_cast<std::size_t>(t), right);
    off = std::max(off, std::abs(mean - right) / std::sqrt((1 - right * right) / static_cast<double>(count)));
  }
  return off;
}

void played_trees(std::size_t trees, const RunOptions& options, Report& report) {
  if (options.progress) options.progress("trees of agents");
  const RandomStream root = RandomStream(options.seed).split("mas-phase");
  Grid three({"rho .2, gamma .95", "recursion", "rho .5, gamma .8 (gain 1)", "recursion "},
             {"0", "1", "2", "3", "4", "5", "6"});
  Grid five({"rho .6, gamma .7 (gain .945)", "recursion"}, {"0", "1", "2", "3", "4"});
  double off = play_layers({3, .2, .95}, 6, trees, root.split(0), three, 0);
  off = std::max(off, play_layers({3, .5, .8}, 6, trees, root.split(1), three, 2));
  off = std::max(off, play_layers({5, .6, .7}, 4, trees, root.split(2), five, 0));
  report.bars.push_back(at_most("played_trees_off_the_recursion", off, "standard errors, worst layer", 4));
  report.tables.push_back(
      three.table({.title = "Trees of real agents with three messages a node, and the recursion",
                   .quantity = "bias",
                   .x_label = "layers",
                   .note = "Above the transition the bias grows; at it it stays.",
                   .plotted = true},
                  {{.050, .067, .089, .116, .151, .196, .281}, {.0500, .0665, .0883, .1172, .1553, .2053, .2700}}));
  report.tables.push_back(five.table({.title = "Five messages a node, below the transition",
                                      .quantity = "bias",
                                      .x_label = "layers",
                                      .kind = TableKind::kCounter,
                                      .note = "What the leaves knew dies on the way up."}));
}

// Whether some budget exists at which a tree of integer depth beats the single agent.
bool tree_ever_wins(const Layer& layer, double beta, double kappa, double message) {
  const double c0 = 2 * message * layer.fan_in / (layer.fan_in - 1);
  for (double budget = 100; budget <= 1e13; budget *= 1.5) {
    const double single = kappa * std::pow(budget, beta);
    for (int depth = 1; depth < 28; ++depth) {
      const double leaves = std::pow(layer.fan_in, depth), x = (budget - c0 * (leaves - 1)) / leaves;
      if (x < 1e-3) break;
      if (plan::tree_biases(layer, std::min(1.0, kappa * std::pow(x, beta)), depth)->back() > std::min(1.0, single))
        return true;
    }
  }
  return false;
}

void phase_diagram(bool quick, Report& report) {
  std::size_t cells = 0, agree = 0;
  Grid map({"agreement"}, {"share of cells"});
  const int gammas = quick ? 9 : 17, rhos = quick ? 7 : 19;
  for (int g = 0; g < gammas; ++g) {
    for (int r = 0; r < rhos; ++r) {
      const Layer layer{3, .9 * r / (rhos - 1), .6 + .4 * g / (gammas - 1)};
      const bool predicted = *plan::organisation_exponent(layer) > .15;
      agree += predicted == tree_ever_wins(layer, .15, 1e-6, 8) ? 1 : 0;
      ++cells;
    }
  }
  const double share = static_cast<double>(agree) / static_cast<double>(cells);
  map.add(0, 0, share);
  report.bars.push_back(at_least("phase_predicted_by_s_over_beta", share, "of cells", .98));
  report.tables.push_back(
      map.table({.title = "Does some budget exist at which a tree wins? (b 3, beta .15, message of 8)",
                 .quantity = "share of " + std::to_string(cells) + " cells in which s > beta says so",
                 .x_label = ""},
                {{1}}));
}

// The closed form against the crossing that a fine search finds, with a continuous number of leaves.
void thresholds(Report& report) {
  constexpr std::array<std::array<double, 2>, 3> kCases{{{.2, .35}, {.1, .26}, {.3, .31}}};
  Grid budget({"closed form", "numeric crossing"}, {"beta .2, s .35", ".1, .26", ".3, .31"});
  double off = 0;
  for (std::size_t k = 0; k < kCases.size(); ++k) {
    const auto [beta, s] = kCases.at(k);
    const double form = plan::synergy(beta, s, 24)->budget;
    double crossing = 0;
    for (double b = form / 4; b < form * 4 && crossing == 0; b *= 1.0005) {
      for (double x = .01; x < b; x *= 1.002) {
        const double leaves = b / (x + 24);
        if (std::pow(x, beta) * std::pow(leaves, s) < std::pow(b, beta)) continue;
        crossing = b;
        break;
      }
    }
    budget.add(0, k, form);
    budget.add(1, k, crossing);
    off = std::max(off, std::abs(crossing / form - 1));
  }
  report.bars.push_back(at_most("threshold_off_the_crossing", off, "relative", .03));
  report.tables.push_back(budget.table({.title = "Budget from which on a tree wins (24 tokens of messages a leaf)",
                                        .quantity = "tokens",
                                        .x_label = "beta, s",
                                        .kind = TableKind::kDetail},
                                       {{118.1, 70.9, 1989.7}, {123, 73, 2052}}));
}

Result<void> planned(Report& report) {
  const plan::OrgGrid grid{.messages = {2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64}};
  const std::vector<std::string> columns{"1e2", "1e3", "1e4", "1e5"};
  Grid bias({"planned, rho .05", "single agent", "planned, rho .5", "planned, rho .85, beta .3, slow channel",
             "its single agent"},
            columns);
  double below = 0;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const double budget = std::pow(10, 2 + static_cast<double>(c));
    OrgInputs in{.kappa = .05,
                 .beta = .1,
                 .fidelity = [](double m) { return 1 - std::exp(-m / 8); },
                 .correlation = .05,
                 .window = 512,
                 .budget = budget};
    OrgInputs half = in, slow = in;
    half.correlation = .5;
    slow.correlation = .85, slow.beta = .3;
    slow.fidelity = [](double m) { return 1 - std::exp(-m / 60); };
    const auto first = plan::plan_organisation(in, grid), second = plan::plan_organisation(half, grid),
               third = plan::plan_organisation(slow, grid);
    for (const auto* x : {&first, &second, &third}) {
      if (!*x) return tl::unexpected(x->error());
      below = std::max(below, (*x)->single_bias - (*x)->bias);
    }
    const std::array row{first->bias, first->single_bias, second->bias, third->bias, third->single_bias};
    for (std::size_t r = 0; r < row.size(); ++r) bias.add(r, c, row.at(r));
  }
  report.bars.push_back(at_most("planner_below_single_agent", below, "bias", 0));
  report.tables.push_back(
      bias.table({.title = "The best organisation for a budget",
                  .quantity = "bias, 2 p - 1",
                  .x_label = "tokens",
                  .plotted = true},
                 {{.079, .185, .413, .779}, {.079, .100, .126, .158}, {std::nan(""), .127, .210, .350}}));
  return {};
}

}  // namespace

Result<Report> reproduce_mas_phase(const RunOptions& options) {
  Report report{.slug = "mas-phase",
                .simulated = "agents are coins with a bias, messages flip, and nodes vote; no model is asked",
                .claim =
                    "a tree of agents gains from depth exactly where a layer's gain is above 1, and beats one agent of "
                    "equal budget exactly where its exponent is above the agent's",
                .seed = options.seed,
                .seeds = 1,
                .quick = options.quick};
  played_trees(options.quick ? 1U << 19 : 1U << 23, options, report);
  if (options.progress) options.progress("the phase diagram");
  phase_diagram(options.quick, report);
  thresholds(report);
  if (auto ok = planned(report); !ok) return tl::unexpected(ok.error());
  report.notes.push_back(
      "Binary answers and majority votes only: no merging of partial work, debate, or unlike agents.");
  report.notes.push_back(
      "At the threshold the best number of leaves is two or three: integer trees need noticeably more budget.");
  report.not_run.push_back("published studies of agent systems at matched budgets: their logs are not available here");
  return report;
}

}  // namespace bursar::reproduce
