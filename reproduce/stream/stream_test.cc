#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>

#include "reproduce/stream/suite.h"

namespace bursar::reproduce::stream {
namespace {

TEST(StreamNet, HasTheGradientOfItsLoss) {
  const World world = make_world(WorldKind::kTeacher, {.train = 64, .test = 64});
  StreamNet net(world.shape, RandomStream(4));
  (void)net.loss(world.train.rows, world.train.labels);
  const std::vector<float> gradient(net.gradient().begin(), net.gradient().end());
  RandomStream random(5);
  int seen = 0;
  for (int trial = 0; trial < 400; ++trial) {
    const std::size_t i = random.uniform_int(std::uint64_t{gradient.size()});
    if (std::abs(gradient[i]) < 5e-3F) continue;
    ++seen;
    const float kept = net.weights()[i], h = 1e-3F;
    net.weights()[i] = kept + h;
    const double above = net.loss(world.train.rows, world.train.labels);
    net.weights()[i] = kept - h;
    const double below = net.loss(world.train.rows, world.train.labels);
    net.weights()[i] = kept;
    EXPECT_NEAR((above - below) / (2 * h), gradient[i], 2e-3 + .03 * std::abs(gradient[i])) << i;
  }
  EXPECT_GT(seen, 50);
}

TEST(StreamNet, LearnsByEitherOptimiserAndCountsAllWrongWhereItDiverges) {
  const World world = make_world(WorldKind::kGlyph, {.train = 6400, .test = 1024});
  const std::size_t row = row_size(world.shape.inputs);
  const auto error = [&](Optimiser optimiser, float rate) {
    StreamNet net(world.shape, RandomStream(1));
    for (std::size_t k = 0; k < 100; ++k) {
      net.train(std::span(world.train.rows).subspan(k * kBatch * row, kBatch * row),
                std::span(world.train.labels).subspan(k * kBatch, kBatch), optimiser, rate);
    }
    return static_cast<double>(net.errors(world.test.rows, world.test.labels)) / 1024;
  };
  EXPECT_GT(error(Optimiser::kMomentum, 0), .8);
  EXPECT_LT(error(Optimiser::kMomentum, .1F), .35);
  EXPECT_LT(error(Optimiser::kAdam, .01F), .35);
  EXPECT_EQ(error(Optimiser::kMomentum, std::numeric_limits<float>::infinity()), 1);
}

TEST(StreamWorlds, AreTheSameEveryTimeAndHaveEveryLabel) {
  for (const auto kind : {WorldKind::kGlyph, WorldKind::kTeacher}) {
    const World a = make_world(kind, {.train = 1024, .test = 64}), b = make_world(kind, {.train = 64, .test = 64});
    EXPECT_EQ(a.test.rows, b.test.rows);
    EXPECT_EQ(a.test.labels, b.test.labels);
    EXPECT_TRUE(std::ranges::equal(std::span(a.train.labels).first(64), b.train.labels));
    for (std::uint8_t c = 0; c < a.shape.classes; ++c) EXPECT_GT(std::ranges::count(a.train.labels, c), 10) << int{c};
  }
}

TEST(StreamSuite, RanksEveryScheduleInEveryConfigurationAndIsKept) {
  const SuiteOptions options{.seeds = 1, .quick = true};
  const auto suite = stream_suite(options, {});
  ASSERT_EQ(suite->configurations.size(), 12U);
  const double n = static_cast<double>(arms().size());
  for (const Configuration& c : suite->configurations) {
    EXPECT_NEAR(std::accumulate(c.ranks.begin(), c.ranks.end(), 0.0), n * (n + 1) / 2, 1e-9);
    for (const double e : c.errors) EXPECT_TRUE(e > .05 && e < .7) << e;
  }
  EXPECT_EQ(suite->ranks(0, {.from = 0, .to = .05}).size(), 8U);
  EXPECT_EQ(suite->better(0, 0), 0U);
  EXPECT_EQ(stream_suite(options, {}), suite);
}

}  // namespace
}  // namespace bursar::reproduce::stream
