#include "reproduce/match_worlds.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bursar::reproduce {
namespace {

using admit::GoalMatcher;
using admit::MatchEdge;

std::size_t slots_for(double p) { return static_cast<std::size_t>(std::lround(1 / p)); }

double earn(const SlotBlocks& world, GoalMatcher matcher, RandomStream coins, Coins kind) {
  std::vector<double> threshold;
  for (std::size_t u = 0; kind == Coins::kThreshold && u < world.weight.size(); ++u)
    threshold.push_back(coins.exponential());
  for (const SlotBlock& block : world.blocks) {
    for (std::size_t k = 0; k < block.slots; ++k) {
      const auto attempt = matcher.offer(block.edges);
      if (!attempt || !*attempt) break;  // nothing of this block is open any more
      const bool success = kind == Coins::kThreshold ? *matcher.load((*attempt)->goal) >= threshold[(*attempt)->goal]
                                                     : coins.bernoulli((*attempt)->probability);
      (void)matcher.report((*attempt)->id, success);
    }
  }
  return matcher.succeeded_weight();
}

}  // namespace

admit::MatchInstance instance_of(const SlotBlocks& world) {
  admit::MatchInstance out{.weight = world.weight, .slots = {}};
  for (const SlotBlock& block : world.blocks) out.slots.insert(out.slots.end(), block.slots, block.edges);
  return out;
}

SlotBlocks upper_triangular(std::size_t goals, double p) {
  SlotBlocks out{.weight = std::vector<double>(goals, 1.0), .blocks = {}};
  for (std::size_t k = 0; k < goals; ++k) {
    out.blocks.push_back({.slots = slots_for(p), .edges = {}});
    for (std::size_t u = k; u < goals; ++u) out.blocks.back().edges.push_back({.goal = u, .probability = p});
  }
  return out;
}

SlotBlocks later_goals_likelier(std::size_t goals, double p) {
  SlotBlocks out = upper_triangular(goals, p);
  for (std::size_t k = 0; k < goals; ++k) {
    for (MatchEdge& edge : out.blocks[k].edges) {
      if (edge.goal > k) edge.probability *= 1.2;
    }
  }
  return out;
}

SlotBlocks two_phases(std::size_t goals, double p) {
  SlotBlocks out{.weight = std::vector<double>(goals, 1.0), .blocks = {}};
  out.blocks.push_back({.slots = goals / 2 * slots_for(p), .edges = {}});
  for (std::size_t u = 0; u < goals; ++u) out.blocks[0].edges.push_back({.goal = u, .probability = p});
  for (std::size_t u = goals / 2; u < goals; ++u)
    out.blocks.push_back({.slots = slots_for(p), .edges = {{.goal = u, .probability = p}}});
  return out;
}

SlotBlocks random_sparse(std::size_t goals, double supply, double p, RandomStream random) {
  SlotBlocks out{.weight = std::vector<double>(goals, 1.0), .blocks = {}};
  const auto slots = static_cast<std::size_t>(std::lround(supply * static_cast<double>(goals) / p));
  std::vector<admit::GoalId> order(goals);
  std::iota(order.begin(), order.end(), admit::GoalId{0});
  for (std::size_t v = 0; v < slots; ++v) {
    random.shuffle(std::span(order));
    out.blocks.push_back({.slots = 1, .edges = {}});
    for (std::size_t k = 0; k < std::min<std::size_t>(3, goals); ++k)
      out.blocks.back().edges.push_back({.goal = order[k], .probability = p});
  }
  return out;
}

SlotBlocks tickets() {
  constexpr std::size_t kTickets = 60, kKinds = 3;
  SlotBlocks out{.weight = std::vector<double>(kTickets, 1.0), .blocks = {}};
  out.blocks.push_back({.slots = 400, .edges = {}});
  const auto kind_of = [](std::size_t u) { return u / (kTickets / kKinds); };
  for (std::size_t u = 0; u < kTickets; ++u)
    out.blocks[0].edges.push_back({.goal = u, .probability = kind_of(u) == 0 ? .08 : .06});
  for (std::size_t burst = 0; burst < 20; ++burst) {
    out.blocks.push_back({.slots = 17, .edges = {}});
    for (std::size_t u = 0; u < kTickets; ++u) {
      if (kind_of(u) == burst % 2) out.blocks.back().edges.push_back({.goal = u, .probability = .12});
    }
  }
  return out;
}

double mean_earned(const SlotBlocks& world, const admit::GoalMatcherOptions& options, std::size_t runs,
                   const RandomStream& random, Coins coins) {
  double sum = 0;
  admit::GoalMatcherOptions own = options;
  for (std::uint64_t k = 0; k < runs; ++k) {
    RandomStream run = random.split(k);
    own.seed = run();
    const auto matcher = GoalMatcher::create(world.weight, own);
    if (!matcher) return std::nan("");
    sum += earn(world, *matcher, run.split("coins"), coins);
  }
  return sum / static_cast<double>(runs);
}

}  // namespace bursar::reproduce
