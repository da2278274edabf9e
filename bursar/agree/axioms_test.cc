#include "bursar/agree/axioms.h"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/agree/sample_profiles.h"

namespace bursar::agree {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// By the definitions, over every group.
struct Slacks {
  double individual = 9, unanimous = 9, proportional = 9;
};
Slacks brute_force(const std::vector<double>& x, const std::vector<double>& w, double y) {
  double total = 0;
  for (const double v : w) total += v;
  Slacks out;
  for (unsigned set = 1; set < 1U << x.size(); ++set) {
    double low = 2, high = -1, share = 0, far = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if ((set >> i & 1U) == 0) continue;
      low = std::min(low, x[i]), high = std::max(high, x[i]), share += w[i] / total;
      far = std::max(far, std::abs(x[i] - y));
    }
    const double slack = high - low + 1 - share - far;
    out.proportional = std::min(out.proportional, slack);
    if (low == high) out.unanimous = std::min(out.unanimous, slack);
    if ((set & (set - 1)) == 0) out.individual = std::min(out.individual, slack);
  }
  return out;
}

// What the finding says of its group and party must be so.
void expect_true_of(const AxiomFinding& f, const std::vector<double>& x, double y) {
  ASSERT_FALSE(f.group.empty());
  ASSERT_TRUE(std::ranges::binary_search(f.group, f.party));
  ASSERT_NEAR(f.distance, std::abs(x[f.party] - y), 1e-15);
  ASSERT_NEAR(f.slack, f.bound - f.distance, 1e-15);
}

TEST(Axioms, SlackIsTheLeastOverAllGroups) {
  RandomStream random(1);
  for (int trial = 0; trial < 3000; ++trial) {
    const auto x = any_profile(1 + random.uniform_int(std::uint64_t{7}), random);
    std::vector<double> w(x.size(), 1.0);
    if (trial % 2 == 1) {
      for (double& v : w) v = random.uniform(.2, 4);
    }
    const double y = trial % 3 == 0 ? x[0] : random.uniform01();
    const auto report = check_axioms({.reports = x, .weights = w}, y);
    ASSERT_TRUE(report);
    const Slacks want = brute_force(x, w, y);
    ASSERT_NEAR(report->of(Axiom::kIndividualFairShare).slack, want.individual, 1e-12);
    ASSERT_NEAR(report->of(Axiom::kUnanimousFairShare).slack, want.unanimous, 1e-12);
    ASSERT_NEAR(report->of(Axiom::kProportionalFairness).slack, want.proportional, 1e-12);
    for (const AxiomFinding& f : report->findings) {
      if (f.applies) expect_true_of(f, x, y);
    }
  }
}

TEST(Axioms, ACounterexampleCanBeCheckedByHand) {
  const std::vector<double> x{0, 0, 1};
  const auto report = check_axioms({.reports = x}, 0);
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->all_hold());
  const AxiomFinding& single = report->of(Axiom::kIndividualFairShare);
  EXPECT_FALSE(single.holds);
  EXPECT_THAT(single.group, ElementsAre(2));
  EXPECT_NEAR(single.slack, -1.0 / 3, 1e-15);
  const std::vector<std::string> names{"ada", "bo", "cy"};
  EXPECT_EQ(to_text(single, {.reports = x}, 0, names),
            "individual fair share: broken; 1 of 3 (cy) at 1 may be 0.666667 away at most, and the outcome 0 is 1 away "
            "from cy");
  const AxiomFinding& split = report->of(Axiom::kProportionality);
  EXPECT_TRUE(split.applies);
  EXPECT_NEAR(split.slack, -1.0 / 3, 1e-15);
  EXPECT_FALSE(report->of(Axiom::kUnanimity).applies);
}

TEST(Axioms, ProportionalityIsTheShareOfTheUpperEndAndUnanimityThePoint) {
  const std::vector<double> ends{0, 1, 1, 0, 1};
  for (const double y : {.5, .6, .61}) {
    const auto f = check_axioms({.reports = ends}, y)->of(Axiom::kProportionality);
    EXPECT_EQ(f.holds, y == .6);
    EXPECT_NEAR(f.slack, -std::abs(y - .6), 1e-15);
  }
  EXPECT_FALSE(check_axioms({.reports = std::vector{0., .5, 1.}}, .5)->of(Axiom::kProportionality).applies);
  EXPECT_FALSE(check_axioms({.reports = std::vector{.5, 1.}}, .5)->of(Axiom::kProportionality).applies);
  EXPECT_TRUE(check_axioms({.reports = std::vector{1., 1.}}, 1)->of(Axiom::kProportionality).holds);
  EXPECT_FALSE(check_axioms({.reports = std::vector{1., 1.}}, .9)->of(Axiom::kProportionality).holds);
  EXPECT_TRUE(check_axioms({.reports = std::vector{.3, .3}}, .3)->of(Axiom::kUnanimity).holds);
  EXPECT_NEAR(check_axioms({.reports = std::vector{.3, .3}}, .4)->of(Axiom::kUnanimity).slack, -.1, 1e-15);
}

TEST(Axioms, OneImpliesTheOther) {
  RandomStream random(2);
  for (int trial = 0; trial < 3000; ++trial) {
    const auto x = any_profile(1 + random.uniform_int(std::uint64_t{7}), random);
    const auto report = check_axioms({.reports = x}, random.uniform01());
    const auto holds = [&](Axiom a) { return report->of(a).holds; };
    ASSERT_TRUE(!holds(Axiom::kProportionalFairness) || holds(Axiom::kUnanimousFairShare));
    ASSERT_TRUE(!holds(Axiom::kUnanimousFairShare) ||
                (holds(Axiom::kIndividualFairShare) && holds(Axiom::kProportionality) && holds(Axiom::kUnanimity)));
  }
}

TEST(Axioms, UniformPhantomBreaksNoneAlsoWithWeights) {
  RandomStream random(3);
  for (int trial = 0; trial < 4000; ++trial) {
    const auto x = any_profile(1 + random.uniform_int(std::uint64_t{9}), random);
    std::vector<double> w(x.size());
    for (double& v : w) v = random.uniform(.01, 5);
    ASSERT_TRUE(check_axioms({.reports = x}, uniform_phantom({.reports = x}).value())->all_hold());
    const Profile weighted{.reports = x, .weights = w};
    ASSERT_TRUE(check_axioms(weighted, uniform_phantom(weighted).value())->all_hold());
  }
}

TEST(Axioms, ScaleWithTheInterval) {
  const std::vector<double> x{10, 10, 20};
  const auto report = check_axioms({.reports = x, .interval = {10, 20}}, 10);
  EXPECT_NEAR(report->of(Axiom::kIndividualFairShare).slack, -10.0 / 3, 1e-12);
  EXPECT_THAT(check_axioms({.reports = x, .interval = {10, 20}}, 9).error().message,
              HasSubstr("the outcome 9 is outside of [10, 20]"));
}

TEST(Guarantees, AreTheBestBoundOfAnyGroupOfTheParty) {
  RandomStream random(4);
  for (int trial = 0; trial < 1000; ++trial) {
    const auto x = any_profile(1 + random.uniform_int(std::uint64_t{7}), random);
    const double y = uniform_phantom({.reports = x}).value();
    const auto owed = guarantees({.reports = x}, y);
    ASSERT_TRUE(owed);
    for (std::size_t i = 0; i < x.size(); ++i) {
      double best = 9;
      for (unsigned set = 1; set < 1U << x.size(); ++set) {
        if ((set >> i & 1U) == 0) continue;
        double low = 2, high = -1, size = 0;
        for (std::size_t j = 0; j < x.size(); ++j) {
          if ((set >> j & 1U) != 0) low = std::min(low, x[j]), high = std::max(high, x[j]), ++size;
        }
        best = std::min(best, high - low + 1 - size / static_cast<double>(x.size()));
      }
      ASSERT_NEAR((*owed)[i].proportional, best, 1e-12);
      ASSERT_LE((*owed)[i].distance, (*owed)[i].proportional + 1e-12);
      ASSERT_LE((*owed)[i].proportional, (*owed)[i].unanimous + 1e-12);
      ASSERT_LE((*owed)[i].unanimous, (*owed)[i].individual + 1e-12);
    }
  }
}

}  // namespace
}  // namespace bursar::agree
