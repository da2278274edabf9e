#include "bursar/sample/pass_k.h"

#include <gtest/gtest.h>
#include <limits>
#include <rapidcheck/gtest.h>

namespace bursar::sample {
namespace {

// Answers 0, 1, 2, … with these counts and rewards.
Ballot ballot_of(const std::vector<std::pair<int, double>>& answers) {
  Ballot out;
  for (std::size_t a = 0; a < answers.size(); ++a) {
    out.groups.push_back({.key = std::to_string(a), .count = answers[a].first, .reward = answers[a].second});
    out.samples += answers[a].first;
  }
  return out;
}

std::vector<std::size_t> chosen(const Ballot& ballot, SelectOptions options) {
  return select_pass_k(ballot, options)->groups;
}

const Ballot kFive = ballot_of({{50, .2}, {30, .6}, {15, .5}, {4, .9}, {1, 1.0}});

TEST(PassK, ThresholdsReachFromBestOfNToTheMajority) {
  using Groups = std::vector<std::size_t>;
  for (std::size_t k = 1; k <= 5; ++k) {
    EXPECT_EQ(chosen(kFive, {.k = k, .threshold = 0}), chosen(kFive, {.rule = SelectRule::kBestOfN, .k = k}));
  }
  EXPECT_EQ(chosen(kFive, {.k = 1, .threshold = .35}), (Groups{0}));
  EXPECT_EQ(chosen(kFive, {.k = 2, .threshold = .02}), (Groups{3, 1}));
  EXPECT_EQ(chosen(kFive, {.rule = SelectRule::kMajority, .k = 2}), (Groups{0, 1}));
  EXPECT_EQ(chosen(kFive, {.k = 1, .threshold = .99}), (Groups{0})) << "nobody reaches it: the most frequent";
  EXPECT_EQ(chosen(kFive, {.k = 4, .threshold = .1}), (Groups{1, 2, 0, 3})) << "filled up by frequency";
}

TEST(PassK, AsksForTheRewardsOfSurvivorsOnly) {
  std::size_t asked = 0;
  const auto selection =
      select_pass_k(kFive, {.k = 1, .threshold = .1}, [&](const AnswerGroup& group) -> Result<double> {
        ++asked;
        return *group.reward;
      });
  EXPECT_EQ(asked, 3U);
  EXPECT_EQ(selection->reward_calls, 3U);
  EXPECT_EQ(selection->survivors, 3U);
}

RC_GTEST_PROP(PassKProperty, GrowsWithKAndAsksForAtMostOneOverTheThreshold, ()) {
  const auto counts = *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 40)));
  std::vector<std::pair<int, double>> answers;
  for (const int count : counts) answers.emplace_back(count, *rc::gen::inRange(0, 8) / 8.0);
  const Ballot ballot = ballot_of(answers);
  const double threshold = *rc::gen::inRange(1, 60) / 100.0;
  const auto rule = static_cast<SelectRule>(*rc::gen::element(0, 1, 3));
  std::vector<std::size_t> before;
  for (std::size_t k = 1; k <= counts.size() + 1; ++k) {
    const auto now = select_pass_k(ballot, {.rule = rule, .k = k, .threshold = threshold});
    RC_ASSERT(now->groups.size() == std::min(k, counts.size()));
    RC_ASSERT(std::equal(before.begin(), before.end(), now->groups.begin()));
    if (rule == SelectRule::kBestOfMajority && now->threshold == threshold)
      RC_ASSERT(static_cast<double>(now->reward_calls) <= 1 / threshold);
    before = now->groups;
  }
}

TEST(PassK, SoftensBySeededDraws) {
  const SelectOptions soft{.rule = SelectRule::kSoftBestOfN, .k = 3, .temperature = .1, .seed = 7};
  EXPECT_EQ(chosen(kFive, soft), chosen(kFive, soft));
  int best = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed)
    best += chosen(kFive, {.rule = SelectRule::kSoftBestOfN, .k = 1, .temperature = .1, .seed = seed})[0] == 4 ? 1 : 0;
  EXPECT_NEAR(best / 400.0, 1 / (1 + std::exp(-1.) + std::exp(-4.) + std::exp(-5.) + std::exp(-8.)), .07);
}

TEST(PassK, PlansSamplesAsTheTheoryHasIt) {
  const auto plan = plan_samples(.05, 1, .01);
  EXPECT_DOUBLE_EQ(plan->threshold, .0375);
  EXPECT_EQ(plan->samples, static_cast<std::int64_t>(std::ceil(16 / .05 * std::log(1 / (.05 * .01)))));
  EXPECT_EQ(plan->reward_calls, 26);
  EXPECT_FALSE(plan_samples(0, 1, .01));
  EXPECT_FALSE(plan_samples(.1, 0, .01));
}

TEST(PassK, ChoosesTheThresholdOnQuestionsThatWereHeldOut) {
  // The rare answer has a hacked reward; only a threshold keeps it out.
  std::vector<LabelledBallot> questions;
  for (int q = 0; q < 20; ++q) questions.push_back({ballot_of({{60, .5}, {39, .8}, {1, 1.0}}), "1"});
  const auto choice = choose_threshold(questions, 1);
  EXPECT_DOUBLE_EQ(choice->threshold, .03);
  EXPECT_DOUBLE_EQ(choice->pass_k, 1);
  EXPECT_FALSE(choose_threshold(std::span(questions).first(3), 1));
}

TEST(PassK, RefusesWhatItCannotChooseFrom) {
  EXPECT_FALSE(select_pass_k(kFive, {.k = 0}));
  EXPECT_FALSE(select_pass_k(kFive, {.threshold = 1}));
  EXPECT_FALSE(select_pass_k(Ballot{}, {}));
  Ballot bare = kFive;
  bare.groups[0].reward.reset();
  EXPECT_NE(select_pass_k(bare, {}).error().message.find("has no reward"), std::string::npos);
  bare.groups[0].reward = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(select_pass_k(bare, {}));
  Ballot silent{.groups = {}, .samples = 3};  // three empty answers
  EXPECT_TRUE(select_pass_k(silent, {})->groups.empty());
}

}  // namespace
}  // namespace bursar::sample
