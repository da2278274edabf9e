#include "bursar/core/random.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <numeric>
#include <random>
#include <rapidcheck/gtest.h>
#include <set>
#include <string>
#include <vector>

namespace bursar {
namespace {

static_assert(std::uniform_random_bit_generator<RandomStream>);

struct Moments {
  double mean = 0, variance = 0;
};

template <class Draw>
Moments moments_of(int n, Draw draw) {
  double sum = 0, squares = 0;
  for (int i = 0; i < n; ++i) {
    const double x = draw();
    sum += x;
    squares += x * x;
  }
  return {sum / n, squares / n - sum / n * sum / n};
}

TEST(Xoshiro256, GivesThePublishedSequence) {
  Xoshiro256 engine({1, 2, 3, 4});
  for (const std::uint64_t expected :
       {41943041ULL, 58720359ULL, 3588806011781223ULL, 3591011842654386ULL, 9228616714210784205ULL,
        9973669472204895162ULL, 14011001112246962877ULL, 12406186145184390807ULL}) {
    EXPECT_EQ(engine(), expected);
  }
}

TEST(RandomStream, GivesTheSameNumbersForEver) {
  RandomStream root(42);
  EXPECT_EQ(root(), 3027573925828896755ULL);
  EXPECT_EQ(root.split("noise")(), 1843007119639529204ULL);
  EXPECT_EQ(root.split(7)(), 16405627639177091997ULL);
  EXPECT_EQ(root.split("a").split("b")(), 12780838427153940517ULL);
  EXPECT_EQ(root.split("a label of more than eight bytes").uniform_int(std::uint64_t{1000}), 427ULL);
}

TEST(RandomStream, StandardNormalHasItsMomentsAndTails) {
  RandomStream stream = RandomStream(1).split("normal");
  constexpr int kDraws = 200'000;
  int beyond = 0;
  const auto m = moments_of(kDraws, [&] {
    const double x = stream.normal();
    beyond += std::abs(x) > 1.959964;
    return x;
  });
  EXPECT_NEAR(m.mean, 0, .01);
  EXPECT_NEAR(m.variance, 1, .02);
  EXPECT_NEAR(beyond / double{kDraws}, .05, .003);
}

TEST(RandomStream, OtherLawsHaveTheirMoments) {
  RandomStream stream = RandomStream(2).split("laws");
  const auto u = moments_of(200'000, [&] { return stream.uniform01(); });
  EXPECT_NEAR(u.mean, .5, .003);
  EXPECT_NEAR(u.variance, 1.0 / 12, .001);
  const auto e = moments_of(200'000, [&] { return stream.exponential(); });
  EXPECT_NEAR(e.mean, 1, .01);
  EXPECT_NEAR(e.variance, 1, .04);
  const auto b = moments_of(200'000, [&] { return stream.bernoulli(.3); });
  EXPECT_NEAR(b.mean, .3, .005);
  for (const double shape : {.2, 1.0, 7.5}) {
    const auto g = moments_of(200'000, [&] { return stream.gamma(shape); });
    EXPECT_NEAR(g.mean, shape, .02 * std::max(shape, .5)) << shape;
    EXPECT_NEAR(g.variance, shape, .05 * std::max(shape, .5)) << shape;
  }
}

TEST(RandomStream, IntegersAreUniformOverABoundThatIsNoPowerOfTwo) {
  RandomStream stream(3);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70'000; ++i) ++counts[stream.uniform_int(std::uint64_t{7})];
  double chi_squared = 0;
  for (const int count : counts) chi_squared += (count - 10'000.0) * (count - 10'000.0) / 10'000.0;
  EXPECT_LT(chi_squared, 22.5);  // 6 degrees of freedom: .999 quantile
}

TEST(RandomStream, IntegersOverMostOfTheRangeAreNotBiasedTowardsItsStart) {
  // With bound = 3/4 x 2^64 a plain multiplication would hit every third value twice as often.
  RandomStream stream(4);
  const std::uint64_t bound = std::uint64_t{3} << 62;
  int thirds[3] = {};
  for (int i = 0; i < 30'000; ++i) ++thirds[stream.uniform_int(bound) % 3];
  for (const int count : thirds) EXPECT_NEAR(count, 10'000, 300);
}

TEST(RandomStream, ShuffleReachesEveryOrderEquallyOften) {
  RandomStream stream(5);
  std::map<std::string, int> seen;
  for (int i = 0; i < 24'000; ++i) {
    std::string letters = "abcd";
    stream.shuffle(std::span(letters));
    ++seen[letters];
  }
  EXPECT_EQ(seen.size(), 24U);
  for (const auto& [order, count] : seen) EXPECT_NEAR(count, 1000, 150) << order;
}

TEST(RandomStream, SplitsAreUncorrelatedWithEachOtherAndTheirParent) {
  RandomStream parent(6);
  RandomStream left = parent.split("left"), right = parent.split("right"), next = parent.split(1),
               after = parent.split(2);
  constexpr int kDraws = 50'000;
  double lr = 0, pl = 0, na = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double p = parent.uniform01() - .5, l = left.uniform01() - .5, r = right.uniform01() - .5;
    lr += l * r;
    pl += p * l;
    na += (next.uniform01() - .5) * (after.uniform01() - .5);
  }
  for (const double sum : {lr, pl, na}) EXPECT_LT(std::abs(12 * sum / kDraws), 4 / std::sqrt(kDraws));
}

TEST(RandomStream, FirstDrawsOfNumberedSplitsAreThemselvesUniform) {
  const RandomStream root(7);
  const auto m = moments_of(100'000, [&, i = std::uint64_t{0}]() mutable { return root.split(i++).uniform01(); });
  EXPECT_NEAR(m.mean, .5, .004);
  EXPECT_NEAR(m.variance, 1.0 / 12, .001);
}

RC_GTEST_PROP(RandomStream, ASplitDependsOnSeedAndLabelsAlone, (std::uint64_t seed, const std::string& label)) {
  RandomStream drawn(seed);
  const RandomStream fresh(seed);
  const int draws = *rc::gen::inRange(0, 50);
  for (int i = 0; i < draws; ++i) (void)drawn.normal();
  (void)drawn.split("other")();
  RandomStream a = drawn.split(label), b = fresh.split(label);
  for (int i = 0; i < 5; ++i) RC_ASSERT(a() == b());
}

RC_GTEST_PROP(RandomStream, DifferentPathsGiveDifferentStreams, (std::uint64_t seed, const std::string& a)) {
  RC_PRE(a != "x");  // two of the paths below would be one
  const RandomStream root(seed);
  std::set<std::uint64_t> firsts{RandomStream(seed)(),       root.split(a)(),
                                 root.split(a + '\0')(),     root.split(a).split("")(),
                                 root.split("x" + a)(),      root.split("x").split(a)(),
                                 root.split(a).split("x")(), RandomStream(seed + 1).split(a)(),
                                 root.split(a.size() + 1)(), root.split(std::to_string(a.size() + 1) + "#")()};
  RC_ASSERT(firsts.size() == 10U);
}

RC_GTEST_PROP(RandomStream, IntegersStayWithinTheirBounds, (std::uint64_t seed)) {
  RandomStream stream(seed);
  const auto low = *rc::gen::arbitrary<std::int64_t>();
  const auto high = *rc::gen::suchThat(rc::gen::arbitrary<std::int64_t>(), [&](std::int64_t h) { return h >= low; });
  const std::int64_t x = stream.uniform_int(low, high);
  RC_ASSERT(x >= low && x <= high);
  RC_ASSERT(stream.uniform_int(std::uint64_t{0}) == 0U);
  RC_ASSERT(stream.uniform_int(std::uint64_t{1}) == 0U);
  const double u = stream.uniform01();
  RC_ASSERT(u >= 0 && u < 1);
  (void)stream.uniform_int(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
}

}  // namespace
}  // namespace bursar
