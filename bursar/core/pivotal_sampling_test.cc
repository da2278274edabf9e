#include "bursar/core/pivotal_sampling.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <numeric>

namespace bursar {
namespace {

using Outcomes = std::map<std::vector<std::size_t>, double>;

// Every outcome with its probability, by following both branches of every meeting as the rule is stated.
Outcomes enumerate(const std::vector<double>& r) {
  Outcomes out;
  std::function<void(std::size_t, int, double, std::vector<std::size_t>, double)> go =
      [&](std::size_t j, int c, double a, std::vector<std::size_t> chosen, double chance) {
        if (chance <= 0) return;
        if (j == r.size()) {
          std::ranges::sort(chosen);
          auto with = chosen;
          if (c >= 0) with.push_back(static_cast<std::size_t>(c));
          std::ranges::sort(with);
          if (c >= 0) out[with] += chance * a;
          out[chosen] += chance * (c >= 0 ? 1 - a : 1);
          return;
        }
        const double b = r[j];
        auto with = [&](std::size_t x) {
          auto more = chosen;
          more.push_back(x);
          return more;
        };
        const int me = static_cast<int>(j);
        if (b <= 0) return go(j + 1, c, a, chosen, chance);
        if (b >= 1) return go(j + 1, c, a, with(j), chance);
        if (c < 0) return go(j + 1, me, b, chosen, chance);
        if (a + b <= 1) {
          go(j + 1, c, a + b, chosen, chance * a / (a + b));
          go(j + 1, me, a + b, chosen, chance * b / (a + b));
        } else {
          const double first = (1 - b) / (2 - a - b);
          go(j + 1, me, a + b - 1, with(static_cast<std::size_t>(c)), chance * first);
          go(j + 1, c, a + b - 1, with(j), chance * (1 - first));
        }
      };
  go(0, -1, 0, {}, 1);
  std::erase_if(out, [](const auto& entry) { return entry.second < 1e-15; });
  return out;
}

Outcomes sampled(const std::vector<double>& r, int n, std::uint64_t seed) {
  Outcomes out;
  RandomStream random(seed);
  for (int k = 0; k < n; ++k) out[*ordered_pivotal_sample(r, random)] += 1.0 / n;
  return out;
}

TEST(PivotalSampling, OfThreeHalvesGivesFourSubsetsAQuarterEach) {
  const Outcomes want{{{0}, .25}, {{1}, .25}, {{0, 2}, .25}, {{1, 2}, .25}};
  const Outcomes exact = enumerate({.5, .5, .5});
  ASSERT_EQ(exact.size(), 4U);
  for (const auto& [set, chance] : want) EXPECT_NEAR(exact.at(set), chance, 1e-15);
  const Outcomes drawn = sampled({.5, .5, .5}, 40'000, 1);
  ASSERT_EQ(drawn.size(), 4U);
  for (const auto& [set, chance] : want) EXPECT_NEAR(drawn.at(set), chance, .011);
}

TEST(PivotalSampling, HasItsMarginalsItsPrefixesAndItsSize) {
  RandomStream random(2);
  for (int trial = 0; trial < 100; ++trial) {
    std::vector<double> r(1 + random.uniform_int(7));
    for (double& x : r) x = random.bernoulli(.15) ? static_cast<double>(random.uniform_int(2)) : random.uniform01();
    const Outcomes exact = enumerate(r);
    const double sum = std::accumulate(r.begin(), r.end(), 0.0);
    double prefix = 0;
    for (std::size_t k = 0; k < r.size(); ++k) {
      prefix += r[k];
      double marginal = 0, hit = 0;
      for (const auto& [set, chance] : exact) {
        marginal += std::ranges::count(set, k) > 0 ? chance : 0;
        hit += !set.empty() && set.front() <= k ? chance : 0;
      }
      EXPECT_NEAR(marginal, r[k], 1e-12);
      EXPECT_NEAR(hit, std::min(1.0, prefix), 1e-12);
    }
    for (const auto& [set, chance] : exact) {
      EXPECT_GE(static_cast<double>(set.size()), std::floor(sum - 1e-9));
      EXPECT_LE(static_cast<double>(set.size()), std::ceil(sum + 1e-9));
    }
  }
}

TEST(PivotalSampling, NeverChoosesTwoTogetherMoreOftenThanIndependently) {
  RandomStream random(3);
  for (int trial = 0; trial < 60; ++trial) {
    std::vector<double> r(6);
    for (double& x : r) x = random.uniform01();
    const Outcomes exact = enumerate(r);
    for (std::uint32_t mask = 1; mask < 64; ++mask) {
      double all_in = 0, none_in = 0, in = 1, out = 1;
      for (std::size_t k = 0; k < 6; ++k) {
        if ((mask >> k & 1U) != 0) in *= r[k], out *= 1 - r[k];
      }
      for (const auto& [set, chance] : exact) {
        std::uint32_t got = 0;
        for (const std::size_t k : set) got |= 1U << k;
        all_in += (got & mask) == mask ? chance : 0;
        none_in += (got & mask) == 0 ? chance : 0;
      }
      EXPECT_LE(all_in, in + 1e-12);
      EXPECT_LE(none_in, out + 1e-12);
    }
  }
}

TEST(PivotalSampling, DrawsWhatItsRuleSays) {
  const std::vector<double> r{.3, 1, .45, 0, .8, .62};
  const Outcomes exact = enumerate(r), drawn = sampled(r, 60'000, 4);
  for (const auto& [set, chance] : drawn) ASSERT_TRUE(exact.contains(set));
  for (const auto& [set, chance] : exact) EXPECT_NEAR(drawn.contains(set) ? drawn.at(set) : 0, chance, .01);
}

TEST(PivotalSampling, RefusesWhatIsNoProbability) {
  RandomStream random(5);
  for (const double bad : {-.1, 1.1, std::nan("")}) {
    const auto got = ordered_pivotal_sample(std::vector{.5, bad}, random);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(got.error().message.find("marginal 1 is"), 0U);
  }
  EXPECT_TRUE(ordered_pivotal_sample({}, random)->empty());
}

}  // namespace
}  // namespace bursar
