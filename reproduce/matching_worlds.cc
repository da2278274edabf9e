#include "reproduce/matching_worlds.h"

#include <algorithm>
#include <cmath>

#include "bursar/admit/matching/philosopher.h"
#include "bursar/admit/matching/philosopher_value.h"

namespace bursar::reproduce {
namespace {

using admit::BayesianMatching;

// What the hill climbing moves: chances, and values or edges.
struct Genes {
  std::vector<double> p;
  std::vector<std::vector<double>> w;  // [items][periods]
  std::vector<double> item_weight;     // [items], vertex weights; w is then an edge where >= .5
};

Genes draw_genes(const RuleSearch& search, RandomStream& random) {
  Genes out{.p = std::vector<double>(search.periods),
            .w = std::vector<std::vector<double>>(search.items, std::vector<double>(search.periods)),
            .item_weight = std::vector<double>(search.items)};
  for (double& p : out.p) p = random.uniform01();
  for (auto& row : out.w) {
    for (double& w : row) w = random.uniform01();
  }
  for (double& w : out.item_weight) w = random.uniform01();
  return out;
}

void change(Genes& genes, const RuleSearch& search, RandomStream& random) {
  const auto moved = [&](double x) {
    return random.bernoulli(.2) ? random.uniform01() : std::clamp(x + .15 * random.normal(), 0.0, 1.0);
  };
  for (std::uint64_t k = 1 + random.uniform_int(2); k > 0; --k) {
    const auto kind = random.uniform_int(search.vertex ? 3 : 2);
    if (kind == 0) {
      double& p = genes.p[random.uniform_int(search.periods)];
      p = moved(p);
    } else {
      auto& row = genes.w[random.uniform_int(search.items)];
      double& w =
          kind == 1 ? row[random.uniform_int(search.periods)] : genes.item_weight[random.uniform_int(search.items)];
      w = kind == 1 && search.vertex ? random.uniform01() : moved(w);
    }
  }
}

BayesianMatching matching_of(const Genes& genes, const RuleSearch& search) {
  if (!search.vertex) return one_buyer_a_period(genes.p, genes.w);
  auto w = genes.w;
  for (std::size_t i = 0; i < search.items; ++i) {
    for (double& x : w[i]) x = x >= .5 ? genes.item_weight[i] : 0;
  }
  return one_buyer_a_period(genes.p, w);
}

double ratio_of(const BayesianMatching& m) {
  const auto lp = solve_online_lp(m);
  if (!lp || lp->objective < 1e-3) return 1;
  const auto plan = admit::ProposalPlan::create(m, *lp);
  if (!plan) return 1;
  const auto value = admit::PhilosopherValue::tabulate(*plan);
  return value ? value->at(0, value->all()) / lp->objective : 1;
}

}  // namespace

BayesianMatching one_buyer_a_period(const std::vector<double>& p, const std::vector<std::vector<double>>& w) {
  BayesianMatching m{.items = w.size(), .periods = {}};
  for (std::size_t t = 0; t < p.size(); ++t) {
    m.periods.push_back({.types = {{.probability = p[t], .value = {}}}});
    for (const auto& row : w) m.periods[t].types[0].value.push_back(row[t]);
  }
  return m;
}

BayesianMatching draw_matching(bool types, RandomStream& random) {
  BayesianMatching m{.items = 2 + random.uniform_int(3), .periods = {}};
  m.periods.resize(types ? 2 + random.uniform_int(5) : 3 + random.uniform_int(6));
  for (auto& period : m.periods) {
    period.types.resize(types ? 1 + random.uniform_int(3) : 1);
    double left = 1;
    for (auto& type : period.types) {
      type.probability = left * random.uniform01();
      left -= type.probability;
      for (std::size_t i = 0; i < m.items; ++i) type.value.push_back(random.uniform01());
    }
  }
  return m;
}

Result<SpreadEvenly> spread_evenly(std::size_t items, std::size_t periods, double p) {
  BayesianMatching m =
      one_buyer_a_period(std::vector<double>(periods, p), std::vector(items, std::vector<double>(periods, 1.0)));
  const double even = std::min(1 / static_cast<double>(periods), p / static_cast<double>(items));
  std::vector<double> x;
  double used = 0;
  for (std::size_t t = 0; t < periods; ++t) {
    const double now = std::min(even, p * (1 - used));
    x.insert(x.end(), items, now);
    used += now;
  }
  auto lp = solution_from(m, std::move(x));
  if (!lp) return tl::unexpected(lp.error());
  return SpreadEvenly{std::move(m), std::move(*lp)};
}

PlayedRuns play_runs(const SpreadEvenly& world, admit::Proposals proposals, std::size_t runs,
                     const RandomStream& random) {
  const auto& m = world.matching;
  const double n = static_cast<double>(runs);
  std::vector<double> free(m.periods.size() * m.items, 0.0);
  double matches = 0;
  for (std::uint64_t k = 0; k < runs; ++k) {
    RandomStream buyers = random.split(k);
    auto matcher = admit::Philosopher::create(m, world.lp, {.seed = buyers(), .proposals = proposals});
    if (!matcher) return {.matches = std::nan(""), .free_off_by = std::nan("")};
    for (std::size_t t = 0; t < m.periods.size(); ++t) {
      for (std::size_t i = 0; i < m.items; ++i) free[t * m.items + i] += matcher->free()[i];
      if (!buyers.bernoulli(m.periods[t].types[0].probability)) {
        (void)matcher->no_arrival(t);
        continue;
      }
      const auto item = matcher->arrive(t, 0);
      matches += item && *item ? 1 : 0;
    }
  }
  PlayedRuns out{.matches = matches / n};
  for (std::size_t at = 0; at < free.size(); ++at)
    out.free_off_by = std::max(out.free_off_by, std::abs(free[at] / n - (1 - world.lp.used[at])));
  return out;
}

double lowest_rule_ratio(const RuleSearch& search, const RandomStream& random) {
  double lowest = 1;
  for (std::uint64_t restart = 0; restart < search.restarts; ++restart) {
    RandomStream walk = random.split(restart);
    Genes at = draw_genes(search, walk);
    double ratio = ratio_of(matching_of(at, search));
    for (std::size_t move = 0; move < search.moves; ++move) {
      Genes next = at;
      change(next, search, walk);
      const double got = ratio_of(matching_of(next, search));
      if (got > ratio) continue;
      ratio = got;
      at = std::move(next);
    }
    lowest = std::min(lowest, ratio);
  }
  return lowest;
}

}  // namespace bursar::reproduce
