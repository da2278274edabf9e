#include "bursar/schedule/profile/schedule.h"

#include <array>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <rapidcheck/gtest.h>

#include "bursar/schedule/profile/group_schedules.h"

namespace bursar::schedule {
namespace {

using ::testing::HasSubstr;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Schedule make(Phase phase) {
  auto made = Schedule::create(std::move(phase));
  EXPECT_TRUE(made) << made.error().message;
  return *made;
}
std::vector<double> table(const Schedule& s) { return *s.table(); }

TEST(Schedule, IsTheClosedFormAtEveryStep) {
  const std::int64_t total = 997;
  const double peak = .1, floor = .001;
  for (const ProfileEntry& entry : profiles()) {
    const Profile p = *parse_profile(entry.name);
    const auto rates = table(make({.profile = p, .steps = total, .peak = peak, .floor = floor}));
    ASSERT_EQ(rates.size(), static_cast<std::size_t>(total));
    for (std::int64_t t = 0; t < total; ++t) {
      const double s = static_cast<double>(t) / static_cast<double>(total);
      EXPECT_EQ(rates[static_cast<std::size_t>(t)], floor + (peak - floor) * p(s)) << entry.name << ' ' << t;
    }
  }
}

TEST(Schedule, BeginsAtThePeakAndEndsAboveTheFloor) {
  const Schedule s = make({.profile = Profile::linear(), .steps = 4, .peak = 1});
  EXPECT_THAT(table(s), testing::ElementsAre(1, .75, .5, .25));
  EXPECT_EQ(*s.at(4), 0);  // trainers overrun by a step
  EXPECT_EQ(*s.at(4'000), 0);
  EXPECT_EQ(*make({.profile = *Profile::exponential(.05), .steps = 4, .peak = 1, .floor = .5}).at(4), .525);
  EXPECT_EQ(s.at(-1).error().code, ErrorCode::kInvalidArgument);
}

TEST(Schedule, WarmsUpInALineAndThenReadsTheProfileOverTheRest) {
  const auto rates =
      table(make({.profile = Profile::rex(), .steps = 1000, .peak = 1, .warmup = 99, .warmup_from = .5}));
  for (std::size_t x = 0; x < 99; ++x) EXPECT_NEAR(rates[x], .5 + .5 * static_cast<double>(x + 1) / 100, 1e-15);
  for (std::size_t x = 99; x < 1000; ++x) EXPECT_EQ(rates[x], Profile::rex()(static_cast<double>(x - 99) / 901));
  EXPECT_EQ(rates[99], 1);
}

TEST(Schedule, HoldsItsValueBetweenReadings) {
  const Profile p = Profile::cosine();
  const auto rates =
      table(make({.profile = p, .sampling = *Sampling::every(30), .steps = 1000, .peak = 1, .warmup = 10}));
  for (std::int64_t x = 10; x < 1000; ++x) {
    const std::int64_t read = (x - 10) / 30 * 30;
    EXPECT_EQ(rates[static_cast<std::size_t>(x)], p(static_cast<double>(read) / 990)) << x;
  }
  const auto listed = table(make({.profile = p, .sampling = *Sampling::at({.3, .6, .9}), .steps = 1000, .peak = 1}));
  for (std::size_t x = 0; x < 1000; ++x) {
    EXPECT_EQ(listed[x], p(x < 300 ? 0 : x < 600 ? .3 : x < 900 ? .6 : .9)) << x;
  }
}

TEST(Schedule, TurnsAProfileReadAtTwoSharesIntoTheStepSchedule) {
  const Profile geometric = *Profile::custom([](double s) { return s < .5 ? 1 : s < .75 ? .1 : .01; });
  const auto read = table(make({.profile = geometric, .sampling = *Sampling::at({.5, .75}), .steps = 640, .peak = .3}));
  const auto steps = table(make({.profile = *parse_profile("step"), .steps = 640, .peak = .3}));
  EXPECT_EQ(read, steps);
  for (std::size_t x = 0; x < 640; ++x) EXPECT_EQ(steps[x], .3 * (x < 320 ? 1 : x < 480 ? .1 : .01));
}

TEST(Schedule, RunsItsPhasesOneAfterTheOther) {
  const auto both =
      Schedule::phases({{.profile = Profile::rex(), .steps = 300, .peak = .4, .floor = .1},
                        {.profile = *Profile::uba(.25), .steps = 700, .peak = .2, .warmup = 20, .warmup_from = .1}});
  ASSERT_TRUE(both);
  const auto first = table(make({.profile = Profile::rex(), .steps = 300, .peak = .4, .floor = .1}));
  const auto second =
      table(make({.profile = *Profile::uba(.25), .steps = 700, .peak = .2, .warmup = 20, .warmup_from = .1}));
  const auto all = table(*both);
  ASSERT_EQ(both->total(), 1000);
  EXPECT_EQ(both->peak(), .4);
  for (std::size_t x = 0; x < 1000; ++x) EXPECT_EQ(all[x], x < 300 ? first[x] : second[x - 300]) << x;
  EXPECT_EQ(*both->at(1000), 0);
}

TEST(Schedule, RestartsGrowAndDecay) {
  const auto s = Schedule::restarts({.profile = Profile::cosine(), .steps = 10, .peak = 1, .floor = .3},
                                    {.count = 3, .growth = 2, .decay = .5});
  ASSERT_TRUE(s) << s.error().message;
  EXPECT_EQ(s->total(), 10 + 20 + 40);
  EXPECT_EQ(*s->at(0), 1);
  EXPECT_EQ(*s->at(10), .5);
  EXPECT_EQ(*s->at(30), .3);  // a quarter would be below the floor
  EXPECT_FALSE(Schedule::restarts({.steps = 10, .peak = 1}, {.count = 0}));
  EXPECT_FALSE(Schedule::restarts({.steps = 10, .peak = 1}, {.count = 3, .growth = 1e30}));
  EXPECT_FALSE(Schedule::restarts({.steps = 10, .peak = 1}, {.count = 3, .growth = .01}));
  EXPECT_FALSE(Schedule::restarts({.steps = 10, .peak = 1}, {.count = 3, .decay = 1.5}));
}

TEST(Schedule, HasTheDefaultsOfUba) {
  const auto s = uba_schedule(200, .1, .01);
  ASSERT_TRUE(s);
  EXPECT_NEAR(*s->at(100), .01 + .09 * .8, 1e-15);
  EXPECT_FALSE(uba_schedule(200, .1, .2));
  EXPECT_FALSE(uba_schedule(200, .1, 0, 0));
  EXPECT_FALSE(uba_schedule(0, .1));
}

TEST(ChangedBudget, ReadsWhatWasLeftOverTheStepsThatAreLeft) {
  const Profile p = Profile::rex();
  const Schedule before = make({.profile = p, .steps = 1000, .peak = 1});
  const auto after = before.with_budget(600, 2600);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->total(), 2600);
  const auto rates = table(*after);
  for (std::size_t t = 0; t < 600; ++t) EXPECT_EQ(rates[t], *before.at(static_cast<std::int64_t>(t)));
  EXPECT_EQ(rates[600], *before.at(600));  // it goes on from the rate it is at
  for (std::size_t t = 600; t < 2600; ++t) {
    EXPECT_NEAR(rates[t], p(.6 + .4 * static_cast<double>(t - 600) / 2000), 1e-12) << t;
  }
  EXPECT_EQ(*after->at(2600), 0);
}

TEST(ChangedBudget, ThatIsTheSameChangesNothingAndBackIsBack) {
  const Schedule before = make({.profile = Profile::cosine(), .steps = 1000, .peak = 1, .warmup = 50});
  EXPECT_EQ(table(*before.with_budget(300, 1000)), table(before));
  const auto back = before.with_budget(300, 5000)->with_budget(300, 1000);
  ASSERT_TRUE(back);
  for (std::int64_t t = 0; t < 1000; ++t) EXPECT_NEAR(*back->at(t), *before.at(t), 1e-12);
}

TEST(ChangedBudget, StretchesTheRestOfAWarmUpAndLaterPhases) {
  const auto s = Schedule::phases({{.profile = Profile::linear(), .steps = 100, .peak = 1, .warmup = 50},
                                   {.profile = Profile::linear(), .steps = 100, .peak = 2}});
  const auto longer = s->with_budget(25, 375);  // 175 steps become 350: every one becomes two
  ASSERT_TRUE(longer);
  for (std::int64_t t = 25; t < 200; ++t) EXPECT_NEAR(*longer->at(25 + 2 * (t - 25)), *s->at(t), 1e-12) << t;
  const auto shorter = s->with_budget(150, 160);  // 50 become 10
  ASSERT_TRUE(shorter);
  for (std::int64_t t = 0; t < 10; ++t) EXPECT_NEAR(*shorter->at(150 + t), *s->at(150 + 5 * t), 1e-12) << t;
  EXPECT_EQ(*shorter->at(160), 0);
}

TEST(ChangedBudget, KeepsReadingsAsFarApartAsTheyWere) {
  const Schedule before =
      make({.profile = Profile::linear(), .sampling = *Sampling::every(100), .steps = 1000, .peak = 1});
  const auto after = before.with_budget(250, 4000);
  ASSERT_TRUE(after);
  const auto rates = table(*after);
  for (std::size_t t = 1; t < 4000; ++t) {
    const double fall = rates[t - 1] - rates[t];
    EXPECT_EQ(fall > 0, t % 100 == 0) << t;  // not at 250, between two readings
    EXPECT_GE(fall, 0) << t;
  }
  EXPECT_EQ(rates[299], *before.at(299));
}

RC_GTEST_PROP(ChangedBudget, IsContinuousMonotoneAndEndsWhereTheBudgetEnds, ()) {
  const auto total = *rc::gen::inRange<std::int64_t>(2, 300);
  Schedule s = make({.profile = *Profile::uba(*rc::gen::inRange(1, 90) / 10.0), .steps = total, .peak = 1});
  std::int64_t done = 0;
  for (int change = 0; change < 4; ++change) {
    done = *rc::gen::inRange<std::int64_t>(done, s.total());
    const auto next = s.with_budget(done, done + *rc::gen::inRange<std::int64_t>(1, 400));
    RC_ASSERT(next.has_value());
    RC_ASSERT(std::abs(*next->at(done) - *s.at(done)) < 1e-12);
    for (std::int64_t t = 0; t < done; ++t) RC_ASSERT(*next->at(t) == *s.at(t));
    s = *next;
  }
  const auto rates = table(s);
  for (std::size_t t = 1; t < rates.size(); ++t) RC_ASSERT(rates[t] <= rates[t - 1] + 1e-15);
  RC_ASSERT(rates.back() > 0);
  RC_ASSERT(*s.at(s.total()) == 0);
}

TEST(ChangedBudget, RefusesWhatIsOverOrLeavesNothing) {
  const Schedule s = make({.steps = 1000, .peak = 1});
  EXPECT_THAT(s.with_budget(600, 600).error().message, HasSubstr("more than the 600 steps that are done"));
  EXPECT_THAT(s.with_budget(1000, 2000).error().message, HasSubstr("nothing is left to stretch"));
  EXPECT_FALSE(s.with_budget(-1, 10));
  EXPECT_FALSE(s.with_budget(0, Schedule::kMostSteps + 1));
}

TEST(Schedule, RefusesBadNumbersByTheirNames) {
  const auto wrong = [](Phase phase) {
    const auto made = Schedule::create(std::move(phase));
    return made ? std::string("nothing") : made.error().message;
  };
  EXPECT_THAT(wrong({.steps = 0, .peak = 1}), HasSubstr("steps: must be from 1"));
  EXPECT_THAT(wrong({.steps = -5, .peak = 1}), HasSubstr("is -5"));
  EXPECT_THAT(wrong({.steps = 10, .peak = 1, .warmup = 10}), HasSubstr("warmup: must be from 0 to less than the 10"));
  EXPECT_THAT(wrong({.steps = 10, .peak = 1, .floor = 2}), HasSubstr("peak: must be at least the floor 2, is 1"));
  EXPECT_THAT(wrong({.steps = 10, .peak = kNaN}), HasSubstr("peak: must be a number, is nan"));
  EXPECT_THAT(wrong({.steps = 10, .peak = 1, .floor = -1}), HasSubstr("floor"));
  EXPECT_THAT(wrong({.steps = 10, .peak = 1, .warmup_from = 2}), HasSubstr("warmup_from"));
  EXPECT_FALSE(Schedule::phases({}));
  EXPECT_THAT(Schedule::phases({{.steps = 1, .peak = 1}, {.steps = 1, .peak = kNaN}}).error().message,
              HasSubstr("phase 1: peak"));
  EXPECT_FALSE(Schedule::phases({{.steps = Schedule::kMostSteps, .peak = 1}, {.steps = 1, .peak = 1}}));
  EXPECT_FALSE(Sampling::every(0));
  EXPECT_FALSE(Sampling::at({.5, .5}));
  EXPECT_FALSE(Sampling::at({1}));
  EXPECT_EQ(make({.steps = Schedule::kMostSteps, .peak = 1}).table().error().code, ErrorCode::kExhausted);
}

TEST(Schedule, SaysWhereACustomCurveHasNoValue) {
  // Between the shares that custom() looks at.
  const Profile holed = *Profile::custom([](double s) { return s > .30003 && s < .30008 ? kNaN : 1 - s; });
  const Schedule s = make({.profile = holed, .steps = 20'000, .peak = 1});
  EXPECT_THAT(s.at(6'001).error().message, HasSubstr("step 6001: the profile gives nan"));
  EXPECT_TRUE(s.at(6'000));
  EXPECT_FALSE(s.table());
}

TEST(GroupSchedules, ShareOneBudgetAndChangeItTogether) {
  const auto groups = GroupSchedules::create({{"body", make({.steps = 100, .peak = .01, .warmup = 10})},
                                              {"head", make({.profile = Profile::rex(), .steps = 100, .peak = .1})}});
  ASSERT_TRUE(groups);
  std::array<double, 2> rates{};
  ASSERT_TRUE(groups->at(50, rates));
  EXPECT_EQ(rates[0], *groups->groups()[0].schedule.at(50));
  EXPECT_NEAR(rates[1], .1 * 2 / 3, 1e-15);
  const auto longer = groups->with_budget(50, 400);
  ASSERT_TRUE(longer);
  std::array<double, 2> same{};
  ASSERT_TRUE(longer->at(50, same));
  EXPECT_EQ(longer->total(), 400);
  EXPECT_THAT(same, testing::ElementsAre(testing::DoubleNear(rates[0], 1e-15), testing::DoubleNear(rates[1], 1e-15)));

  EXPECT_FALSE(GroupSchedules::create({}));
  const Schedule s = make({.steps = 100, .peak = 1}), other = make({.steps = 99, .peak = 1});
  EXPECT_THAT(GroupSchedules::create({{"a", s}, {"b", other}}).error().message, HasSubstr("groups share one budget"));
  EXPECT_THAT(GroupSchedules::create({{"a", s}, {"a", s}}).error().message, HasSubstr("two are called 'a'"));
  EXPECT_FALSE(GroupSchedules::create({{"", s}}));
  EXPECT_FALSE(groups->at(50, std::span(rates).first(1)));
  EXPECT_THAT(groups->with_budget(50, 50).error().message, HasSubstr("group body: total"));
}

}  // namespace
}  // namespace bursar::schedule
