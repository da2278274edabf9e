#include <cmath>
#include <gtest/gtest.h>

#include "bursar/explore/metric/net.h"
#include "bursar/explore/metric/zooming.h"

namespace bursar::explore {
namespace {

TEST(UniformNet, ReachesEveryPlace) {
  const Net net = uniform_net({{0, 1}, {-2, 3}}, .3).value();
  EXPECT_EQ(net.dimension, 2);
  EXPECT_EQ(net.size(), 2 * 9);
  RandomStream random(1);
  for (int i = 0; i < 200; ++i) {
    const double x = random.uniform01(), y = random.uniform(-2, 3);
    double nearest = 10;
    for (std::size_t p = 0; p < net.size(); ++p) {
      nearest = std::min(nearest, std::max(std::abs(net.point(p)[0] - x), std::abs(net.point(p)[1] - y)));
    }
    EXPECT_LE(nearest, .3);
  }
  EXPECT_FALSE(uniform_net({{1, 0}}, .1));
  EXPECT_FALSE(uniform_net({{0, 1}}, 1e-12));
}

TEST(NetStep, IsTheTheorems) { EXPECT_NEAR(net_step(1e4, 2), std::pow(4e4 / std::log(1e4), -1.0 / 3), 1e-15); }

TEST(Zooming, CoversEveryArmBeforeItPicks) {
  const Net net = uniform_net({{0, 1}}, .002).value();
  auto learner = Zooming::make({.points = net, .lipschitz = .8, .horizon = 5000, .conf = .1}).value();
  RandomStream random(2);
  for (int t = 0; t < 3000; ++t) {
    const auto pick = learner->pick({}, random).value();
    const double mean = .9 - .8 * std::min(.5, std::abs(net.point(*pick.arm)[0] - .37));
    ASSERT_TRUE(learner->update(pick, {.reward = random.bernoulli(mean) ? 1.0 : 0.0}, random));
    if (t % 250 != 0) continue;
    // The picked arm's ball has shrunk since; all others must still cover, or the next pick would activate.
    const auto next = learner->pick({}, random).value();
    learner->forget(next);
    for (Arm a = 0; a < learner->arms(); ++a) {
      bool covered = false;
      for (const Arm center : learner->active()) {
        covered |= learner->distance(center, a) <= learner->reach(center) + 1e-12;
      }
      ASSERT_TRUE(covered) << a << " at " << t;
    }
  }
  EXPECT_GT(learner->active().size(), 3);
  EXPECT_LT(learner->active().size(), 200);
  double near = 0, far = 0;
  const auto beliefs = learner->beliefs();
  for (Arm a = 0; a < learner->arms(); ++a) {
    (std::abs(net.point(a)[0] - .37) < .2 ? near : far) += beliefs[a].pulls;
  }
  EXPECT_GT(near, 2 * far);
}

TEST(Zooming, TakesAnyDistance) {
  auto learner =
      Zooming::make(
          {.arms = 4, .distance = [](Arm a, Arm b) { return a == b ? 0 : 1; }, .lipschitz = 1, .horizon = 1000})
          .value();
  RandomStream random(2);
  for (int t = 0; t < 400; ++t) {
    const auto pick = learner->pick({}, random).value();
    ASSERT_TRUE(learner->update(pick, {.reward = *pick.arm == 3 ? .9 : .2}, random));
  }
  EXPECT_EQ(learner->active().size(), 4);
}

}  // namespace
}  // namespace bursar::explore
