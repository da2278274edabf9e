#include "bursar/sample/okg_allocator.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "bursar/core/random.h"
#include "bursar/core/special.h"

namespace bursar::sample {
namespace {

TEST(DirichletArgmax, IsEvenBeforeAnythingIsKnown) {
  for (const std::size_t m : {2U, 4U, 8U, 32U})
    EXPECT_NEAR(*dirichlet_argmax(std::vector<double>(m, 1), 0), 1.0 / static_cast<double>(m), 1e-9);
}

TEST(DirichletArgmax, IsTheHarmonicNumberOverTheOptionsAfterOneVote) {
  std::vector<double> four(4, 1), eight(8, 1);
  four[0] = eight[0] = 2;
  EXPECT_NEAR(*dirichlet_argmax(four, 0), 25.0 / 48, 1e-9);
  EXPECT_NEAR(*dirichlet_argmax(eight, 0), .3397321, 1e-7);
}

TEST(DirichletArgmax, IsABetaTailForTwoOptions) {
  for (const auto& [a, b] : {std::pair{3.0, 1.0}, {7.5, 2.25}, {40.0, 30.0}, {600.0, 580.0}}) {
    EXPECT_NEAR(*dirichlet_argmax(std::vector{a, b}, 0), 1 - *incomplete_beta(a, b, .5), 1e-8) << a;
  }
}

TEST(DirichletArgmax, SumsToOneAndDoesNotCareForOrder) {
  const std::vector<double> alpha{9, 4, 4, 1.5};
  double sum = 0;
  for (std::size_t m = 0; m < 4; ++m) sum += *dirichlet_argmax(alpha, m);
  EXPECT_NEAR(sum, 1, 1e-8);
  EXPECT_NEAR(*dirichlet_argmax(std::vector{4.0, 1.5, 9.0, 4.0}, 2), *dirichlet_argmax(alpha, 0), 1e-12);
}

TEST(DirichletArgmax, RefusesWhatIsNoBelief) {
  EXPECT_FALSE(dirichlet_argmax(std::vector{1.0}, 0));
  EXPECT_FALSE(dirichlet_argmax(std::vector{1.0, .5}, 0));
  EXPECT_FALSE(dirichlet_argmax(std::vector{1.0, 1.0}, 2));
}

TEST(ArgmaxGains, AreLargeWhereTheVoteIsClose) {
  ArgmaxGains table;
  const double settled = table.gain(std::vector<double>{30, 1, 1, 1}),
               close = table.gain(std::vector<double>{3, 3, 1, 1});
  EXPECT_GE(settled, 0);
  EXPECT_GT(close, 1e6 * settled);
  EXPECT_DOUBLE_EQ(close, table.gain(std::vector<double>{1, 3, 1, 3}));
}

TEST(Okg, SamplesEveryQuestionOnceAndThenTheUnsure) {
  auto okg = *OkgAllocator::make({.questions = 3, .options = 4});
  for (std::size_t q = 0; q < 3; ++q) {
    ASSERT_EQ(okg.next(), q);
    ASSERT_TRUE(okg.observe(q, 0));
  }
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(okg.observe(0, 0));
  ASSERT_TRUE(okg.observe(1, 1));
  EXPECT_GT(okg.gain(1), okg.gain(0));
  EXPECT_EQ(okg.leader(1), 0U) << "of equals the first to be voted for";
  EXPECT_EQ(okg.next_batch(2).size(), 2U);
  EXPECT_NE(okg.next(), 0U);
}

TEST(Okg, TakesTheLargestGainAtEveryStep) {
  auto okg = *OkgAllocator::make({.questions = 20, .options = 5, .warm_up = 2});
  RandomStream random(3);
  for (int step = 0; step < 400; ++step) {
    const std::size_t q = *okg.next();
    std::uint64_t fewest = 1000;
    for (std::size_t other = 0; other < 20; ++other) fewest = std::min(fewest, okg.samples(other));
    if (fewest >= 2) {
      for (std::size_t other = 0; other < 20; ++other) ASSERT_GE(okg.gain(q), okg.gain(other));
    } else {
      ASSERT_EQ(okg.samples(q), fewest);
    }
    ASSERT_TRUE(okg.observe(q, random.bernoulli(.6) ? 0 : random.uniform_int(std::uint64_t{5})));
  }
}

TEST(Okg, GoesOnFromWhatWasSaved) {
  auto one = *OkgAllocator::make({.questions = 10, .options = 3});
  RandomStream random(5);
  for (int i = 0; i < 60; ++i)
    ASSERT_TRUE(one.observe(*one.next(), random.uniform_int(std::uint64_t{3}), 1 + random.uniform01()));
  ASSERT_TRUE(one.retire(4));
  ASSERT_TRUE(one.observe_nothing(2));
  auto two = *OkgAllocator::restore(one.save());
  for (int i = 0; i < 60; ++i) {
    ASSERT_EQ(one.next(), two.next());
    const std::size_t q = *one.next(), option = random.uniform_int(std::uint64_t{3});
    ASSERT_NE(q, 4U);
    ASSERT_TRUE(one.observe(q, option) && two.observe(q, option));
  }
  for (std::size_t q = 0; q < 10; ++q) EXPECT_EQ(one.leader(q), two.leader(q));
}

TEST(Okg, RefusesWhatIsWrongAndStaysAsItWas) {
  auto okg = *OkgAllocator::make({.questions = 2, .options = 2});
  const auto before = okg.save();
  EXPECT_FALSE(okg.observe(2, 0));
  EXPECT_FALSE(okg.observe(0, 2));
  EXPECT_FALSE(okg.observe(0, 0, 0));
  EXPECT_EQ(okg.save(), before);
  ASSERT_TRUE(okg.retire(0) && okg.retire(1));
  EXPECT_FALSE(okg.next());
  EXPECT_FALSE(okg.observe(0, 0));
  EXPECT_FALSE(OkgAllocator::make({.questions = 0}));
  EXPECT_FALSE(OkgAllocator::make({.questions = 1, .options = 1}));
  auto broken = before;
  broken["alpha"] = boost::json::array{1, 2};
  EXPECT_EQ(OkgAllocator::restore(broken).error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace bursar::sample
