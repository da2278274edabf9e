#include "bursar/explore/games/normal_form.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "bursar/explore/games/mixed_strategy.h"

namespace bursar::explore {
namespace {

std::string player_text(std::size_t player) { return "player " + std::to_string(player) + ": "; }

Result<std::size_t> joint_actions(const NormalForm& game) {
  if (game.actions.empty()) return invalid_argument("actions: there are no players");
  std::size_t joint = 1;
  for (std::size_t i = 0; i < game.actions.size(); ++i) {
    if (game.actions[i] == 0) return invalid_argument(player_text(i) + "has no actions");
    if (game.actions[i] > kMostJointActions / joint) {
      return invalid_argument("actions: more than " + std::to_string(kMostJointActions) + " joint actions");
    }
    joint *= game.actions[i];
  }
  if (game.cost.size() != game.actions.size()) {
    return invalid_argument("cost: is given for " + std::to_string(game.cost.size()) + " of " +
                            std::to_string(game.actions.size()) + " players");
  }
  for (std::size_t i = 0; i < game.cost.size(); ++i) {
    if (game.cost[i].size() != joint) {
      return invalid_argument(player_text(i) + "has " + std::to_string(game.cost[i].size()) + " costs for " +
                              std::to_string(joint) + " joint actions");
    }
    if (!std::ranges::all_of(game.cost[i], [](double c) { return std::isfinite(c); })) {
      return invalid_argument(player_text(i) + "costs must be finite numbers");
    }
  }
  return joint;
}

// Walks over all joint actions with the actions of each player.
template <class Visit>
void for_each_joint(const NormalForm& game, std::size_t joint, Visit visit) {
  std::vector<std::size_t> at(game.actions.size(), 0);
  for (std::size_t k = 0; k < joint; ++k) {
    visit(k, at);
    for (std::size_t i = at.size(); i-- > 0;) {
      ++at[i];
      if (at[i] < game.actions[i]) break;
      at[i] = 0;
    }
  }
}

// deviation[i][a] += sum over joint actions of weight x cost of i if i plays a instead.
void add_deviations(const NormalForm& game, std::span<const double> joint,
                    std::vector<std::vector<double>>& deviation) {
  std::vector<std::size_t> stride(game.actions.size(), 1);
  for (std::size_t i = game.actions.size() - 1; i-- > 0;) stride[i] = stride[i + 1] * game.actions[i + 1];
  for_each_joint(game, joint.size(), [&](std::size_t k, const std::vector<std::size_t>& at) {
    for (std::size_t i = 0; joint[k] != 0 && i < at.size(); ++i) {
      const std::size_t from = k - at[i] * stride[i];
      for (std::size_t a = 0; a < game.actions[i]; ++a) {
        deviation[i][a] += joint[k] * game.cost[i][from + a * stride[i]];
      }
    }
  });
}

std::vector<std::vector<double>> no_deviations(const NormalForm& game) {
  std::vector<std::vector<double>> out;
  out.reserve(game.actions.size());
  for (const std::size_t n : game.actions) out.emplace_back(n, 0.0);
  return out;
}

double mean_cost(std::span<const double> joint, std::span<const double> cost) {
  double sum = 0;
  for (std::size_t k = 0; k < joint.size(); ++k) sum += joint[k] * cost[k];
  return sum;
}

Result<std::vector<MixedStrategy>> make_players(const NormalForm& game, const JointPlayOptions& options) {
  const std::size_t players = game.actions.size();
  if (options.rounds == 0) return invalid_argument("rounds: must be at least 1");
  if (!options.rate.empty() && options.rate.size() != players) {
    return invalid_argument("rate: has " + std::to_string(options.rate.size()) + " entries for " +
                            std::to_string(players) + " players");
  }
  if (!options.start.empty() && options.start.size() != players) {
    return invalid_argument("start: has " + std::to_string(options.start.size()) + " entries for " +
                            std::to_string(players) + " players");
  }
  std::vector<MixedStrategy> out;
  out.reserve(players);
  for (std::size_t i = 0; i < players; ++i) {
    auto player = MixedStrategy::create(game.actions[i], options.rounds, options.rate.empty() ? 0 : options.rate[i],
                                        options.start.empty() ? std::span<const double>() : options.start[i]);
    if (!player) return tl::unexpected(with_context("player " + std::to_string(i), player.error()));
    out.push_back(std::move(*player));
  }
  return out;
}

}  // namespace

Result<double> coarse_correlated_gap(const NormalForm& game, std::span<const double> joint) {
  const auto size = joint_actions(game);
  if (!size) return tl::unexpected(size.error());
  if (joint.size() != *size) {
    return invalid_argument("joint: has " + std::to_string(joint.size()) + " entries for " + std::to_string(*size) +
                            " joint actions");
  }
  auto deviation = no_deviations(game);
  add_deviations(game, joint, deviation);
  double gap = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < deviation.size(); ++i) {
    gap = std::max(gap, mean_cost(joint, game.cost[i]) - std::ranges::min(deviation[i]));
  }
  return gap;
}

Result<JointPlay> no_regret_play(const NormalForm& game, const JointPlayOptions& options) {
  const auto size = joint_actions(game);
  if (!size) return tl::unexpected(size.error());
  auto players = make_players(game, options);
  if (!players) return tl::unexpected(players.error());
  const auto rounds = static_cast<double>(options.rounds);
  JointPlay out{.joint = std::vector<double>(*size, 0.0)};
  std::vector<double> now(*size);
  for (std::uint64_t t = 0; t < options.rounds; ++t) {
    std::vector<std::vector<double>> strategy;
    strategy.reserve(players->size());
    for (const MixedStrategy& player : *players) strategy.push_back(player.strategy());
    for_each_joint(game, *size, [&](std::size_t k, const std::vector<std::size_t>& at) {
      now[k] = 1;
      for (std::size_t i = 0; i < at.size(); ++i) now[k] *= strategy[i][at[i]];
      out.joint[k] += now[k] / rounds;
    });
    auto cost = no_deviations(game);
    add_deviations(game, now, cost);
    for (std::size_t i = 0; i < cost.size(); ++i) {
      const auto [low, high] = std::ranges::minmax(game.cost[i]);
      for (double& c : cost[i]) c = high > low ? std::clamp((c - low) / (high - low), 0.0, 1.0) : 0;
      if (auto ok = (*players)[i].learn(cost[i]); !ok) return tl::unexpected(ok.error());
    }
  }
  auto deviation = no_deviations(game);
  add_deviations(game, out.joint, deviation);
  for (std::size_t i = 0; i < deviation.size(); ++i) {
    out.cost.push_back(mean_cost(out.joint, game.cost[i]));
    out.regret.push_back(rounds * (out.cost[i] - std::ranges::min(deviation[i])));
    out.gap = std::max(out.gap, out.regret[i] / rounds);
  }
  return out;
}

}  // namespace bursar::explore
