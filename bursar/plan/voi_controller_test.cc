#include "bursar/plan/voi_controller.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "bursar/core/random.h"
#include "bursar/core/special.h"

namespace bursar::plan {
namespace {

SearchState fresh(double calls = 3, double tokens = 500) {
  return {.calls = calls, .calls_budget = calls, .tokens = tokens, .tokens_budget = tokens};
}

TEST(Voi, MeasuresPressureByTheScarcerResource) {
  SearchState s = fresh(4, 400);
  EXPECT_DOUBLE_EQ(budget_pressure(s), 0);
  s.calls = 3, s.tokens = 100;
  EXPECT_DOUBLE_EQ(budget_pressure(s), .75);
  EXPECT_DOUBLE_EQ(budget_pressure(SearchState{}), 1);
}

TEST(Voi, ScoresASearchAsByHand) {
  SearchState s = fresh(2, 300);
  s.calls = 1, s.tokens = 200, s.steps = 2, s.searches = 1, s.useless = 1, s.sufficiency = .3;
  const auto best = *VoiController().decide(s);
  ASSERT_EQ(best.action, SearchAction::kSearch);
  const double growth = 1.3, mean = 80 * growth, sd = growth * .35 * std::hypot(55, 25);
  const double over = 1 - normal_cdf((200 - mean) / sd), penalty = .2 * .25 + over * (.1 + .8 * .3);
  EXPECT_NEAR(best.overrun, over, 1e-12);
  EXPECT_NEAR(best.progress, .70 * .75 * .7 - .06, 1e-12);
  EXPECT_NEAR(best.penalty, penalty, 1e-12);
  EXPECT_NEAR(best.share, 1, 1e-12) << "the last call";
  EXPECT_NEAR(best.score, (best.progress - penalty) / 1.5, 1e-12);
}

TEST(Voi, AnswersWhenTheEvidenceIsThereOrTheBudgetIsNot) {
  SearchState s = fresh();
  s.searches = 2, s.sufficiency = 1, s.calls = 1, s.tokens = 200;
  EXPECT_EQ(VoiController().decide(s)->action, SearchAction::kAnswer);
  s = fresh();
  s.calls = 0, s.sufficiency = .2, s.searches = 3;
  EXPECT_EQ(VoiController().decide(s)->action, SearchAction::kAnswer);
  s = fresh();
  s.calls = s.tokens = 0;
  EXPECT_EQ(VoiController().decide(s)->guard, "exhausted");
}

TEST(Voi, DecomposesWhatIsCompositionalOnce) {
  SearchState s = fresh();
  s.compositional = true;
  EXPECT_EQ(VoiController().decide(s)->action, SearchAction::kDecompose);
  s.decomposed = true;
  EXPECT_EQ(VoiController().decide(s)->action, SearchAction::kSearch);
  s.decomposed = false, s.decomposing_changed_nothing = true;
  EXPECT_NE(VoiController().decide(s)->action, SearchAction::kDecompose);
  s = fresh();
  EXPECT_EQ(VoiController().decide(s)->action, SearchAction::kSearch) << "simple";
}

TEST(Voi, DoesNotCareInWhichUnitsBudgetsAndCostsAre) {
  RandomStream random(6);
  for (int i = 0; i < 300; ++i) {
    SearchState s = fresh(1 + static_cast<double>(random.uniform_int(std::uint64_t{4})), random.uniform(60, 600));
    s.tokens *= random.uniform(.2, 1);
    s.sufficiency = random.uniform01();
    s.compositional = random.bernoulli(.5);
    s.decomposed = random.bernoulli(.3);
    s.steps = static_cast<int>(random.uniform_int(std::uint64_t{5}));
    s.searches = s.steps / 2;
    SearchState scaled = s;
    for (double* x : {&scaled.tokens, &scaled.tokens_budget, &scaled.search.tokens, &scaled.decompose.tokens,
                      &scaled.answer.tokens})
      *x *= 8;
    EXPECT_EQ(VoiController().decide(s)->action, VoiController().decide(scaled)->action);
  }
}

TEST(Voi, RefusesWhatIsOutOfRange) {
  SearchState s = fresh();
  s.sufficiency = 1.2;
  EXPECT_FALSE(VoiController().decide(s));
  s = fresh();
  s.tokens_budget = -1;
  EXPECT_FALSE(VoiController().decide(s));
  s = fresh();
  s.search.tokens = 0;
  EXPECT_FALSE(VoiController().decide(s));
}

struct Kind {
  Disagreement kind;
  double share, base, fixes, breaks;
};
const std::vector<Kind> kKinds{
    {Disagreement::kPolarity, .10, .70, .65, .04}, {Disagreement::kBinary, .10, .66, .55, .06},
    {Disagreement::kSlot, .15, .62, .45, .08},     {Disagreement::kFactoid, .25, .60, .25, .10},
    {Disagreement::kBridge, .25, .40, .08, .30},   {Disagreement::kComparison, .15, .50, .15, .28}};

TEST(Finalizer, ReplacesTheKindsThatBruteForceWould) {
  const auto outcome = [&](auto replaces) {
    double right = 0, harm = 0;
    for (std::size_t k = 0; k < kKinds.size(); ++k) {
      const Kind& t = kKinds[k];
      const bool now = replaces(k);
      right += t.share * (now ? t.base * (1 - t.breaks) + (1 - t.base) * t.fixes : t.base);
      harm += now ? t.share * t.base * t.breaks : 0;
    }
    return std::pair{right, harm};
  };
  double best = 0;
  for (std::size_t mask = 0; mask < 64; ++mask)
    best = std::max(best, outcome([&](std::size_t k) { return (mask >> k & 1) != 0; }).first);
  EXPECT_NEAR(outcome([](std::size_t) { return false; }).first, .5540, 5e-5);
  EXPECT_NEAR(outcome([](std::size_t) { return true; }).first, .5859, 5e-5);
  EXPECT_NEAR(outcome([](std::size_t) { return true; }).second, .0802, 5e-5);
  const auto ruled = [&](double eta) {
    SelectiveFinalizer finalizer(eta);
    for (const Kind& t : kKinds) finalizer.learn(t.kind, {.gain = (1 - t.base) * t.fixes, .harm = t.base * t.breaks});
    return outcome([&](std::size_t k) { return finalizer.replaces(kKinds[k].kind); });
  };
  for (const double eta : {1.0, 1.5}) {
    EXPECT_NEAR(ruled(eta).first, .6136, 5e-5);
    EXPECT_NEAR(ruled(eta).first, best, 1e-12);
    EXPECT_NEAR(ruled(eta).second, .0292, 5e-5);
  }
  EXPECT_NEAR(ruled(3).first, .6036, 5e-5);
  EXPECT_NEAR(ruled(3).second, .0142, 5e-5);
}

TEST(Finalizer, ReplacesWhatTheEvidenceSaysAndNothingElse) {
  const Trajectory t{
      .question = "When was it built?", .evidence = "The tower was built in 1889, by Eiffel.", .bridge = ""};
  const SelectiveFinalizer finalizer;
  EXPECT_TRUE(finalizer.choose(t, "1887", "1889").refined);
  EXPECT_FALSE(finalizer.choose(t, "1889", "1901").refined) << "not in the evidence";
  EXPECT_FALSE(finalizer.choose(t, "Gustave", "built by whom").refined);
  Trajectory open = t;
  open.open_hops = true;
  EXPECT_FALSE(finalizer.choose(open, "1887", "1889").refined);
  EXPECT_FALSE(finalizer.choose(t, "1889", "1889").refined);
}

TEST(Finalizer, TellsKindsOfDisagreementApart) {
  const Trajectory plain{.question = "Which is it?", .options = {"Rome", "Oslo"}};
  EXPECT_EQ(disagreement_of(plain, "Yes", "no."), Disagreement::kPolarity);
  EXPECT_EQ(disagreement_of(plain, "Rome", "Oslo"), Disagreement::kBinary);
  EXPECT_EQ(disagreement_of({.question = "Which is older?", .options = {"Rome", "Oslo"}}, "Rome", "Oslo"),
            Disagreement::kComparison);
  EXPECT_EQ(disagreement_of(plain, "12 May 1900", "13 May 1900"), Disagreement::kSlot);
  EXPECT_EQ(disagreement_of(plain, "Eiffel", "Gustave Eiffel"), Disagreement::kFactoid);
  EXPECT_EQ(disagreement_of({.bridge = "Paris"}, "a man of Paris", "a man of Rome"), Disagreement::kBridge);
  EXPECT_EQ(disagreement_of(plain, "the Louvre", "a bridge over water"), Disagreement::kOther);
}

}  // namespace
}  // namespace bursar::plan
