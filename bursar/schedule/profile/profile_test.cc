#include "bursar/schedule/profile/profile.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <numbers>
#include <rapidcheck/gtest.h>

namespace bursar::schedule {
namespace {

using ::testing::HasSubstr;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Profile uba(double phi) { return *Profile::uba(phi); }
double share(int i) { return static_cast<double>(i) / 1000; }

TEST(Profile, RexHasTheValuesOfItsSheet) {
  const Profile rex = Profile::rex();
  EXPECT_EQ(rex(0), 1);
  EXPECT_NEAR(rex(.25), .857143, 5e-7);
  EXPECT_NEAR(rex(.5), .666667, 5e-7);
  EXPECT_NEAR(rex(.75), .4, 1e-15);
  EXPECT_NEAR(rex(.9), .181818, 5e-7);
  EXPECT_EQ(rex(1), 0);
}

TEST(Profile, UbaHasTheValuesOfItsSheet) {
  const std::vector<double> shares{0, .25, .5, .75, .9};
  const std::vector<std::pair<double, std::vector<double>>> sheet{{.25, {1, .979, .8889, .5785, .1671}},
                                                                  {.5, {1, .9589, .8, .407, .0912}},
                                                                  {1, {1, .921, .6667, .2555, .0478}},
                                                                  {5, {1, .6998, .2857, .0642, .0099}}};
  for (const auto& [phi, values] : sheet) {
    for (std::size_t i = 0; i < shares.size(); ++i) EXPECT_NEAR(uba(phi)(shares[i]), values[i], 6e-5) << phi;
    EXPECT_NEAR(uba(phi)(.5), 2 / (2 + phi), 1e-15);
    EXPECT_EQ(uba(phi)(1), 0);
  }
}

TEST(Profile, UbaIsTheSameInItsThreeForms) {
  for (const double phi : {.01, .25, .5, 1.0, 2.0, 5.0, 40.0}) {
    const Profile bent = *Profile::cosine().mobius(phi);
    for (int i = 0; i <= 1000; ++i) {
      const double s = share(i), c = 1 + std::cos(std::numbers::pi * s);
      EXPECT_NEAR(uba(phi)(s), 2 * c / (2 * phi + (2 - phi) * c), 1e-12);
      EXPECT_NEAR(uba(phi)(s), bent(s), 1e-12);
    }
  }
  for (int i = 0; i <= 1000; ++i) EXPECT_NEAR(uba(2)(share(i)), Profile::cosine()(share(i)), 1e-12);
}

TEST(Profile, RexIsTheBentLineAndPhiTwoBendsNothing) {
  const Profile bent = *Profile::linear().mobius(1), straight = *Profile::linear().mobius(2);
  for (int i = 0; i <= 1000; ++i) {
    const double s = share(i), z = 1 - s;
    EXPECT_NEAR(bent(s), Profile::rex()(s), 1e-15);
    EXPECT_NEAR(straight(s), z, 1e-15);
    // z / ((1 - d) + d z), as trainers write it, with d = 1 - phi / 2.
    const double d = .9;
    EXPECT_NEAR(mobius(2 * (1 - d), z), z / ((1 - d) + d * z), 1e-15);
  }
}

TEST(Profile, BendsAreExactAtTheEndsForEveryPhi) {
  for (const double phi : {5e-324, 1e-300, 1e-9, 1.0, 1e9, 1e300}) {
    EXPECT_EQ(mobius(phi, 0), 0);
    EXPECT_EQ(mobius(phi, 1), 1);
    EXPECT_EQ(uba(phi)(0), 1);
    EXPECT_EQ(uba(phi)(1), 0);
    EXPECT_EQ((*Profile::linear().mobius(phi))(0), 1);  // once 2 / 0 at phi = 1e300
  }
}

TEST(Profile, PhiBelowTwoBendsUpAndAboveTwoDown) {
  for (int i = 1; i < 1000; ++i) {
    const double s = share(i);
    EXPECT_GT(Profile::rex()(s), Profile::linear()(s));
    EXPECT_GT(uba(.5)(s), uba(1)(s));
    EXPECT_GT(uba(1)(s), Profile::cosine()(s));
    EXPECT_GT(Profile::cosine()(s), uba(5)(s));
  }
}

RC_GTEST_PROP(Profile, BendsAreIncreasingAndKeepTheEnds, ()) {
  const double phi = *rc::gen::inRange(1, 4000) / 100.0;
  const double a = *rc::gen::inRange(0, 10000) / 10000.0, b = *rc::gen::inRange(0, 10000) / 10000.0;
  RC_ASSERT(mobius(phi, 0) == 0);
  RC_ASSERT(std::abs(mobius(phi, 1) - 1) <= 1e-15);
  RC_ASSERT((a < b) == (mobius(phi, a) < mobius(phi, b)));
  // Bends compose by the product of their halves, as odds do: u / (1 - u) is multiplied by 2 / phi.
  RC_ASSERT(std::abs(mobius(phi, mobius(4 / phi, a)) - a) <= 1e-12);
}

TEST(Profile, FallsEverywhereButInTheRiseOfOneCycle) {
  for (const char* words : {"none", "linear", "cosine", "rex", "uba", "uba:phi=8", "exponential", "step", "delayed",
                            "delayed:share=.2,of=cosine,mobius=.3"}) {
    const auto p = parse_profile(words);
    ASSERT_TRUE(p) << p.error().message;
    EXPECT_EQ((*p)(0), 1) << words;
    for (int i = 0; i < 1000; ++i) EXPECT_GE((*p)(share(i)), (*p)(share(i + 1))) << words << ' ' << i;
  }
  const Profile cycle = *Profile::one_cycle();
  EXPECT_NEAR(cycle(0), .04, 1e-15);
  EXPECT_EQ(cycle(.3), 1);
  EXPECT_EQ(cycle(1), 0);
  EXPECT_NEAR(cycle(.15), .52, 1e-12);
  EXPECT_NEAR(cycle(.65), .5, 1e-12);
  for (int i = 0; i < 300; ++i) EXPECT_LT(cycle(share(i)), cycle(share(i + 1)));
  for (int i = 300; i < 1000; ++i) EXPECT_GT(cycle(share(i)), cycle(share(i + 1)));
}

TEST(Profile, StepsAreConstantBetweenTheirShares) {
  const Profile steps = *Profile::step({{.5, .1}, {.75, .01}});
  for (int i = 0; i <= 1000; ++i) EXPECT_EQ(steps(share(i)), i < 500 ? 1 : i < 750 ? .1 : .01) << i;
  const Profile many = *parse_profile("step:at=[.3;.6;.9],values=[.1;.01;.001]");
  EXPECT_EQ(many(.3), .1);
  EXPECT_EQ(many(.9), .001);
}

TEST(Profile, IsDelayedAndMultipliedAndMadeOfAnything) {
  const Profile late = *Profile::delayed(Profile::linear(), .5);
  EXPECT_EQ(late(.49), 1);
  EXPECT_EQ(late(.75), .5);
  EXPECT_EQ(late(1), 0);
  const Profile both = Profile::linear().times(Profile::cosine());
  EXPECT_NEAR(both(.25), .75 * Profile::cosine()(.25), 1e-15);
  const Profile own = *Profile::custom([](double s) { return 1 - s * s; }, "parabola");
  EXPECT_EQ(own(.5), .75);
  EXPECT_EQ(own.name(), "parabola");
  EXPECT_NEAR((*Profile::exponential(.05))(.5), std::sqrt(.05), 1e-15);
}

TEST(Profile, ReadsSharesOutsideAsTheEnds) {
  for (const ProfileEntry& entry : profiles()) {
    const Profile p = *parse_profile(entry.name);
    EXPECT_EQ(p(-3), p(0)) << entry.name;
    EXPECT_EQ(p(1.5), p(1)) << entry.name;
  }
}

TEST(Profile, IsNamedByTheWordsThatMakeIt) {
  for (const ProfileEntry& entry : profiles()) {
    const auto preset = parse_profile(entry.name);
    ASSERT_TRUE(preset) << preset.error().message;
    const std::string written =
        std::string(entry.name) + (entry.parameters.empty() ? "" : ":") + std::string(entry.parameters);
    for (const std::string& words : {preset->name(), written}) {
      const auto again = parse_profile(words);
      ASSERT_TRUE(again) << again.error().message;
      for (int i = 0; i <= 1000; i += 7) EXPECT_EQ((*again)(share(i)), (*preset)(share(i))) << words;
    }
  }
  EXPECT_EQ(uba(.5).name(), "uba:phi=0.5");
  EXPECT_EQ(parse_profile("cosine:mobius=.25")->name(), "cosine:mobius=0.25");
}

TEST(Profile, RefusesWhatIsNoProfileAndSaysWhy) {
  EXPECT_THAT(Profile::uba(0).error().message, HasSubstr("phi: must be a positive number, is 0"));
  EXPECT_FALSE(Profile::uba(-1));
  EXPECT_FALSE(Profile::uba(kNaN));
  EXPECT_FALSE(Profile::uba(std::numeric_limits<double>::infinity()));
  EXPECT_FALSE(Profile::exponential(0));
  EXPECT_FALSE(Profile::exponential(1.5));
  EXPECT_FALSE(Profile::step({}));
  EXPECT_THAT(Profile::step({{.75, .1}, {.5, .1}}).error().message, HasSubstr("0.5 follows 0.75"));
  EXPECT_FALSE(Profile::step({{.5, 1.1}}));
  EXPECT_FALSE(Profile::step({{1, .1}}));
  EXPECT_FALSE(Profile::one_cycle({.rise = 0}));
  EXPECT_FALSE(Profile::one_cycle({.start = -.1}));
  EXPECT_FALSE(Profile::delayed(Profile::linear(), 1));
  EXPECT_FALSE(Profile::custom({}));
  EXPECT_THAT(Profile::custom([](double s) { return 2 * s; }).error().message, HasSubstr("at share 0.500"));
  EXPECT_FALSE(Profile::custom([](double) { return kNaN; }));
  EXPECT_FALSE(Profile::linear().mobius(0));
}

TEST(Profile, NamesTheWordsThatAreWrong) {
  EXPECT_THAT(parse_profile("rax").error().message,
              HasSubstr("\"rax\": there is no such profile; there are none, linear"));
  EXPECT_THAT(parse_profile("rex:phi=2").error().message, HasSubstr("has no parameter \"phi\"; it has mobius"));
  EXPECT_THAT(parse_profile("uba:phi=0").error().message, HasSubstr("phi: must be a positive number"));
  EXPECT_THAT(parse_profile("uba:phi=high").error().message, HasSubstr("phi"));
  EXPECT_THAT(parse_profile("uba:phi").error().message, HasSubstr("profile 'uba:phi'"));
  EXPECT_THAT(parse_profile("").error().message, HasSubstr("has no name"));
  EXPECT_THAT(parse_profile("step:at=[.5]").error().message, HasSubstr("at has 1 shares and values 2"));
  EXPECT_THAT(parse_profile("delayed:of=delayed").error().message, HasSubstr("not delayed itself"));
  EXPECT_FALSE(parse_profile("delayed:of=nothing"));
  EXPECT_FALSE(parse_profile("linear:mobius=-1"));
}

RC_GTEST_PROP(Profile, IsRefusedOrLiesInZeroToOneWhateverTheWords, ()) {
  static const std::vector<std::string> kParts{
      "uba",    "step", "delayed", "one-cycle", "exponential", "rex", ":",  ",",     "=",   "phi", "end",    "at",
      "values", "of",   "[.5",     ";",         ".75]",        "0",   "-1", "1e308", "nan", "inf", "mobius", "\"\x01"};
  std::string words;
  for (const std::size_t k :
       *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, kParts.size())))
    words += kParts[k];
  const auto p = parse_profile(words);
  if (!p) {
    RC_ASSERT(!p.error().message.empty());
    return;
  }
  for (int i = 0; i <= 1000; i += 125) RC_ASSERT((*p)(share(i)) >= 0 && (*p)(share(i)) <= 1);
}

}  // namespace
}  // namespace bursar::schedule
