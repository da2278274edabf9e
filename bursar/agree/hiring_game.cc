#include "bursar/agree/hiring_game.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "bursar/agree/number_text.h"

namespace bursar::agree {
namespace {

constexpr double kLargest = 1e12;

Result<void> check_numbers(std::string_view what, std::span<const double> numbers, double least) {
  for (std::size_t k = 0; k < numbers.size(); ++k) {
    if (numbers[k] >= least && numbers[k] <= kLargest) continue;
    return invalid_argument(std::string(what) + " " + std::to_string(k) + " is " + to_text(numbers[k]) +
                            "; it must be from " + to_text(least) + " to 1e12");
  }
  return {};
}

Result<void> check_sum(const std::string& what, double sum, double tolerance) {
  if (std::abs(sum - 1) <= tolerance) return {};
  return invalid_argument(what + " sums to " + to_text(sum) + " instead of 1");
}

Result<void> check_agents(const HiringGame& game) {
  for (std::size_t i = 0; i < game.agents.size(); ++i) {
    const auto& costs = game.agents[i].costs;
    const std::string who = "agent " + std::to_string(i);
    if (auto ok = check_numbers(who + ": cost", costs, 0); !ok) return ok;
    if (std::ranges::find(costs, 0.0) == costs.end())
      return invalid_argument(who + ": no effort costs 0, so the agent could not stay away; add one");
  }
  return {};
}

// What an agent sees may not depend on what others do.
Result<void> check_own_laws(const HiringGame& game, const HiringShape& shape, double tolerance) {
  for (std::size_t i = 0; i < shape.agents(); ++i) {
    const std::size_t cells = shape.signals.size_of(i) * shape.states;
    std::vector<double> first(shape.efforts.size_of(i) * cells);
    std::vector<bool> known(shape.efforts.size_of(i));
    for (std::size_t b = 0; b < shape.efforts.size(); ++b) {
      const std::size_t effort = shape.efforts.digit(b, i);
      std::vector<double> law(cells);
      for (std::size_t s = 0; s < shape.signals.size(); ++s) {
        for (std::size_t theta = 0; theta < shape.states; ++theta)
          law[shape.signals.digit(s, i) * shape.states + theta] += game.joint[shape.cell(b, s, theta)];
      }
      const auto own = std::span(first).subspan(effort * cells, cells);
      if (!known[effort]) std::ranges::copy(law, own.begin());
      known[effort] = true;
      for (std::size_t k = 0; k < cells; ++k) {
        if (std::abs(law[k] - own[k]) <= tolerance) continue;
        return invalid_argument("agent " + std::to_string(i) + ", effort " + std::to_string(effort) +
                                ": the chance of signal " + std::to_string(k / shape.states) + " in state " +
                                std::to_string(k % shape.states) + " is " + to_text(own[k]) + " or " + to_text(law[k]) +
                                ", depending on the efforts of others");
      }
    }
  }
  return {};
}

Result<void> check_laws(const HiringGame& game, const HiringShape& shape, double tolerance) {
  if (auto ok = check_numbers("the prior of state", game.prior, 0); !ok) return ok;
  if (auto ok = check_numbers("probability", game.joint, 0); !ok) return ok;
  double sum = 0;
  for (const double p : game.prior) sum += p;
  if (auto ok = check_sum("the prior", sum, tolerance); !ok) return ok;
  for (std::size_t b = 0; b < shape.efforts.size(); ++b) {
    std::vector<double> states(shape.states);
    sum = 0;
    for (std::size_t s = 0; s < shape.signals.size(); ++s) {
      for (std::size_t theta = 0; theta < shape.states; ++theta) {
        states[theta] += game.joint[shape.cell(b, s, theta)];
        sum += game.joint[shape.cell(b, s, theta)];
      }
    }
    const std::string which = "the law of effort profile " + std::to_string(b);
    if (auto ok = check_sum(which, sum, tolerance); !ok) return ok;
    for (std::size_t theta = 0; theta < shape.states; ++theta) {
      if (std::abs(states[theta] - game.prior[theta]) <= tolerance) continue;
      return invalid_argument(which + " gives state " + std::to_string(theta) + " a chance of " +
                              to_text(states[theta]) + ", and the prior says " + to_text(game.prior[theta]));
    }
  }
  return check_own_laws(game, shape, tolerance);
}

}  // namespace

ProfileSpace::ProfileSpace(std::vector<std::size_t> sizes) : sizes_(std::move(sizes)), stride_(sizes_.size()) {
  for (std::size_t i = sizes_.size(); i-- > 0;) {
    stride_[i] = size_;
    size_ *= sizes_[i];
  }
}

std::size_t ProfileSpace::index(std::span<const std::size_t> digits) const {
  std::size_t out = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) out += digits[i] * stride_[i];
  return out;
}

std::vector<std::size_t> ProfileSpace::digits(std::size_t index) const {
  std::vector<std::size_t> out(sizes_.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = digit(index, i);
  return out;
}

Result<HiringShape> shape_of(std::vector<std::size_t> efforts, std::vector<std::size_t> signals, std::size_t states) {
  if (efforts.empty() || efforts.size() > kMostHiringAgents || efforts.size() != signals.size()) {
    return invalid_argument("there are " + std::to_string(efforts.size()) + " agents; 1 to " +
                            std::to_string(kMostHiringAgents) + " are taken");
  }
  if (states == 0) return invalid_argument("there is no state; at least one is needed");
  std::size_t cells = efforts.size();
  const auto grow = [&](std::size_t by) {
    cells = by <= kMostHiringCells / cells ? cells * by : kMostHiringCells + 1;
    return cells <= kMostHiringCells;
  };
  bool fits = grow(states);
  for (std::size_t i = 0; fits && i < efforts.size(); ++i) {
    if (efforts[i] == 0 || signals[i] == 0) {
      return invalid_argument("agent " + std::to_string(i) + " has no " + (efforts[i] == 0 ? "effort" : "signal") +
                              "; at least one is needed");
    }
    fits = grow(efforts[i]) && grow(signals[i]);
  }
  if (!fits) {
    return invalid_argument("the game is too large: agents x efforts^agents x signals^agents x states is above " +
                            std::to_string(kMostHiringCells));
  }
  return HiringShape{
      .efforts = ProfileSpace(std::move(efforts)), .signals = ProfileSpace(std::move(signals)), .states = states};
}

Result<HiringShape> shape_of(const HiringGame& game) {
  std::vector<std::size_t> efforts, signals;
  for (const AgentSpec& agent : game.agents) {
    efforts.push_back(agent.costs.size());
    signals.push_back(agent.signals);
  }
  return shape_of(std::move(efforts), std::move(signals), game.prior.size());
}

Result<HiringShape> check(const HiringGame& game, double tolerance) {
  auto shape = shape_of(game);
  if (!shape) return shape;
  if (game.joint.size() != shape->cells()) {
    return invalid_argument("the joint law has " + std::to_string(game.joint.size()) + " numbers; " +
                            std::to_string(shape->efforts.size()) + " profiles of efforts x " +
                            std::to_string(shape->signals.size()) + " of signals x " + std::to_string(shape->states) +
                            " states are needed");
  }
  if (game.utility.empty() || game.utility.size() % shape->states != 0) {
    return invalid_argument("the utility has " + std::to_string(game.utility.size()) + " numbers; give " +
                            std::to_string(shape->states) + ", one a state, for every action");
  }
  if (!(game.pay_cap > 0 && game.pay_cap <= kLargest))
    return invalid_argument("pay_cap is " + to_text(game.pay_cap) + "; it must be above 0 and at most 1e12");
  if (auto ok = check_numbers("utility", game.utility, -kLargest); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_agents(game); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_laws(game, *shape, tolerance); !ok) return tl::unexpected(ok.error());
  return shape;
}

std::vector<double> own_law(const HiringGame& game, const HiringShape& shape, std::size_t agent, std::size_t effort) {
  const std::size_t b = shape.efforts.with(0, agent, effort);
  std::vector<double> law(shape.signals.size_of(agent) * shape.states);
  for (std::size_t s = 0; s < shape.signals.size(); ++s) {
    for (std::size_t theta = 0; theta < shape.states; ++theta)
      law[shape.signals.digit(s, agent) * shape.states + theta] += game.joint[shape.cell(b, s, theta)];
  }
  return law;
}

BestActions best_actions(const HiringShape& shape, std::span<const double> joint, std::span<const double> utility) {
  BestActions out{.worth = std::vector<double>(shape.efforts.size())};
  for (std::size_t b = 0; b < shape.efforts.size(); ++b) {
    for (std::size_t s = 0; s < shape.signals.size(); ++s) {
      const auto law = joint.subspan(shape.cell(b, s, 0), shape.states);
      double best = 0;
      std::uint32_t act = 0;
      for (std::size_t a = 0; a * shape.states < utility.size(); ++a) {
        double worth = 0;
        for (std::size_t theta = 0; theta < shape.states; ++theta)
          worth += law[theta] * utility[a * shape.states + theta];
        if (a > 0 && worth <= best) continue;
        best = worth;
        act = static_cast<std::uint32_t>(a);
      }
      out.act.push_back(act);
      out.worth[b] += best;
    }
  }
  return out;
}

Result<FirstBest> first_best(const HiringGame& game) {
  const auto shape = check(game);
  if (!shape) return tl::unexpected(shape.error());
  const BestActions best = best_actions(*shape, game.joint, game.utility);
  FirstBest out{.value = -HUGE_VAL};
  for (std::size_t b = 0; b < shape->efforts.size(); ++b) {
    double value = best.worth[b];
    for (std::size_t i = 0; i < shape->agents(); ++i) value -= game.agents[i].costs[shape->efforts.digit(b, i)];
    if (value > out.value) out = {.efforts = b, .value = value};
  }
  return out;
}

}  // namespace bursar::agree
