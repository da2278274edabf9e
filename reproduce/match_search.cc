#include "reproduce/match_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "reproduce/match_worlds.h"
#include "reproduce/oracles/match_oracles.h"

namespace bursar::reproduce {
namespace {

struct Shape {
  double length = 1;           // slots x p
  std::vector<double> factor;  // [goals]: of p; 0: not compatible
};
using Shapes = std::vector<Shape>;

SlotBlocks world_of(const Shapes& shapes, std::size_t goals, double p) {
  SlotBlocks out{.weight = std::vector<double>(goals, 1.0), .blocks = {}};
  for (const Shape& shape : shapes) {
    out.blocks.push_back({.slots = static_cast<std::size_t>(std::lround(shape.length / p)), .edges = {}});
    for (std::size_t u = 0; u < goals; ++u) {
      if (shape.factor[u] > 0) out.blocks.back().edges.push_back({.goal = u, .probability = p * shape.factor[u]});
    }
  }
  return out;
}

double draw_factor(const MatchSearch& search, RandomStream& random) {
  return search.equal ? 1 : std::exp2(random.uniform(-1, 1));
}

Shape draw_shape(const MatchSearch& search, RandomStream& random) {
  Shape out{.length = random.uniform(.2, 2), .factor = std::vector<double>(search.goals, 0.0)};
  for (double& f : out.factor) f = random.bernoulli(.5) ? draw_factor(search, random) : 0;
  return out;
}

// The first walk begins at the hard family, upper triangular, and the others anywhere.
Shapes first_shapes(const MatchSearch& search, bool hard, RandomStream& random) {
  Shapes out;
  for (std::size_t k = 0; k < search.blocks; ++k) {
    out.push_back(draw_shape(search, random));
    if (!hard) continue;
    out.back().length = k < search.goals ? 1 : .1;
    for (std::size_t u = 0; u < search.goals; ++u) {
      double& factor = out.back().factor[u];
      factor = u < std::min(k, search.goals - 1) ? 0 : search.equal ? 1 : std::max(factor, .8);
    }
  }
  return out;
}

void change(Shapes& shapes, const MatchSearch& search, RandomStream& random) {
  Shape& shape = shapes[random.uniform_int(shapes.size())];
  const auto kind = random.uniform_int(search.equal ? 3 : 4);
  double& factor = shape.factor[random.uniform_int(search.goals)];
  if (kind == 0) shape = draw_shape(search, random);
  if (kind == 1) shape.length = std::clamp(shape.length * std::exp(.5 * random.normal()), .1, 4.0);
  if (kind == 2) factor = factor > 0 ? 0 : draw_factor(search, random);
  if (kind == 3 && factor > 0) factor = std::clamp(factor * std::exp2(.5 * random.normal()), .5, 2.0);
}

double ratio_on(const SlotBlocks& world, const admit::GoalMatcherOptions& rule, std::size_t runs,
                const RandomStream& coins) {
  const auto best = adaptive_optimum(instance_of(world));
  if (!best) return std::nan("");
  return *best < .5 ? 1 : mean_earned(world, rule, runs, coins) / *best;
}

}  // namespace

double worst_ratio(const admit::GoalMatcherOptions& rule, const MatchSearch& search, const RandomStream& random) {
  double lowest = std::numeric_limits<double>::infinity();
  const RandomStream coins = random.split("coins");
  for (std::uint64_t restart = 0; restart < search.restarts; ++restart) {
    RandomStream walk = random.split("walk").split(restart);
    Shapes at = first_shapes(search, restart == 0, walk);
    double ratio = ratio_on(world_of(at, search.goals, search.p), rule, search.runs, coins);
    for (std::size_t move = 0; move < search.moves; ++move) {
      Shapes next = at;
      change(next, search, walk);
      const double got = ratio_on(world_of(next, search.goals, search.p), rule, search.runs, coins);
      if (got > ratio) continue;
      ratio = got;
      at = std::move(next);
    }
    const double measured = ratio_on(world_of(at, search.goals, search.final_p), rule, search.final_runs,
                                     random.split("measured").split(restart));
    lowest = std::isnan(measured) ? measured : std::min(lowest, measured);
  }
  return lowest;
}

}  // namespace bursar::reproduce
