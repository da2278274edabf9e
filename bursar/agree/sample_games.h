// Hiring games that tests and reproductions look at: one with a closed form, and random ones.
#pragma once

#include <cmath>
#include <vector>

#include "bursar/agree/hiring_game.h"
#include "bursar/core/random.h"

namespace bursar::agree {

// `agents` who may work at a cost or idle; theta a fair coin, a latent x equals it with chance `latent`, and work shows
// x with chance `accuracy`, a fair coin otherwise. Guessing theta is worth 1. latent .7 and accuracy 1: everybody sees
// the same x. latent 1 and accuracy .7: signals independent given theta.
inline HiringGame coin_game(std::size_t agents, double cost, double pay_cap, double latent = .7, double accuracy = 1) {
  HiringGame game{.agents = std::vector(agents, AgentSpec{.costs = {0, cost}, .signals = 2}),
                  .prior = {.5, .5},
                  .utility = {1, 0, 0, 1},
                  .pay_cap = pay_cap};
  const HiringShape shape = shape_of(game).value();
  game.joint.resize(shape.cells());
  for (std::size_t b = 0; b < shape.efforts.size(); ++b) {
    for (std::size_t s = 0; s < shape.signals.size(); ++s) {
      for (std::size_t theta = 0; theta < 2; ++theta) {
        for (std::size_t x = 0; x < 2; ++x) {
          double p = .5 * (x == theta ? latent : 1 - latent);
          for (std::size_t i = 0; i < agents; ++i) {
            const double sees = shape.signals.digit(s, i) == x ? accuracy : 1 - accuracy;
            p *= shape.efforts.digit(b, i) == 1 ? sees : .5;
          }
          game.joint[shape.cell(b, s, theta)] += p;
        }
      }
    }
  }
  return game;
}

struct RandomGame {
  std::size_t agents = 2, efforts = 2, signals = 2, states = 2;
  double correlation = .5;  // chance that all agents look at one shared draw instead of their own
  double pay_cap = 1;
};

// Each agent's effort e names a law of its own signal given theta (sharper for dearer efforts); with `correlation` the
// agents' quantiles are one and the same, which leaves the own laws as they are.
inline HiringGame random_game(const RandomGame& spec, RandomStream random) {
  HiringGame game{.agents = std::vector(spec.agents, AgentSpec{.signals = spec.signals}), .pay_cap = spec.pay_cap};
  double sum = 0;
  for (std::size_t k = 0; k < spec.states; ++k) sum += game.prior.emplace_back(.5 + random.uniform01());
  for (double& p : game.prior) p /= sum;
  for (std::size_t k = 0; k < spec.states * spec.states; ++k)
    game.utility.push_back((k % (spec.states + 1) == 0 ? 1 : 0) * random.uniform(.7, 1.3));
  // law[i][e][theta][signal]
  std::vector<double> law;
  for (AgentSpec& agent : game.agents) {
    for (std::size_t e = 0; e < spec.efforts; ++e) {
      agent.costs.push_back(e == 0 ? 0 : static_cast<double>(e) * random.uniform(.01, .05));
      const double sharp = static_cast<double>(e) / static_cast<double>(spec.efforts - 1) * random.uniform(.4, .9);
      for (std::size_t theta = 0; theta < spec.states; ++theta) {
        for (std::size_t s = 0; s < spec.signals; ++s)
          law.push_back((1 - sharp) / static_cast<double>(spec.signals) + (s == theta % spec.signals ? sharp : 0));
      }
    }
  }
  const HiringShape shape = shape_of(game).value();
  const auto own = [&](std::size_t i, std::size_t e, std::size_t theta, std::size_t s) {
    return law[((i * spec.efforts + e) * spec.states + theta) * spec.signals + s];
  };
  game.joint.resize(shape.cells());
  for (std::size_t b = 0; b < shape.efforts.size(); ++b) {
    for (std::size_t theta = 0; theta < spec.states; ++theta) {
      for (std::size_t s = 0; s < shape.signals.size(); ++s) {
        double apart = 1, from = 0, to = 1;
        for (std::size_t i = 0; i < spec.agents; ++i) {
          const std::size_t seen = shape.signals.digit(s, i), e = shape.efforts.digit(b, i);
          double below = 0;
          for (std::size_t k = 0; k < seen; ++k) below += own(i, e, theta, k);
          apart *= own(i, e, theta, seen);
          from = std::max(from, below), to = std::min(to, below + own(i, e, theta, seen));
        }
        game.joint[shape.cell(b, s, theta)] =
            game.prior[theta] * ((1 - spec.correlation) * apart + spec.correlation * std::max(0.0, to - from));
      }
    }
  }
  return game;
}

}  // namespace bursar::agree
