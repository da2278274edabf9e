#include "bursar/broker/pipeline/recovery.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bursar/broker/pipeline/recovery_simulator.h"
#include "bursar/broker/pipeline/serf_table.h"

namespace bursar::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::vector<ActionType> play(const Serf& serf, const RecoveryTool& tool, RecoveryTurn turn) {
  std::vector<ActionType> history;
  while (const auto next = next_action(serf, tool, turn, history)) {
    history.push_back(next->type);
    turn.left -= next->cost;
  }
  return history;
}

RecoveryTool tool(bool idempotent, Duration each = seconds{1}) {
  return {.idempotent = idempotent,
          .costs = {.retry = each, .wait = each, .fix_input = each, .switch_resource = each, .verify_state = each}};
}

TEST(NextAction, WalksTheRowInOrderUpToItsLimits) {
  const Serf timeout = classify({.cause = Cause::kTimeout, .idempotent = true, .sent = true});
  EXPECT_EQ(play(timeout, tool(true), {.left = seconds{60}}),
            (std::vector{ActionType::kRetry, ActionType::kRetry, ActionType::kEscalateToUser}));
  const Serf schema = classify({.cause = Cause::kSchema});
  EXPECT_EQ(play(schema, tool(true), {.left = seconds{60}}),
            (std::vector{ActionType::kFixInput, ActionType::kFixInput, ActionType::kEscalateToUser}));
  const Serf rate = classify({.cause = Cause::kRateLimited, .retry_after = milliseconds{500}});
  EXPECT_EQ(play(rate, tool(false), {.left = seconds{60}}),
            (std::vector{ActionType::kWait, ActionType::kWait, ActionType::kAnswerWithPartial}));
}

TEST(NextAction, NeverRepeatsAWriteWhoseOutcomeIsUnknown) {
  const Serf timeout = classify({.cause = Cause::kTimeout, .idempotent = false, .sent = true});
  EXPECT_EQ(play(timeout, tool(false), {.left = seconds{60}}),
            (std::vector{ActionType::kVerifyState, ActionType::kEscalateToUser}));
}

TEST(NextAction, SkipsWhatTheTurnCannotPayOnceTheReserveIsPutAside) {
  const Serf timeout = classify({.cause = Cause::kTimeout, .idempotent = true, .sent = true});
  EXPECT_EQ(play(timeout, tool(true), {.left = milliseconds{2400}, .reserve = milliseconds{1400}}),
            (std::vector{ActionType::kRetry, ActionType::kEscalateToUser}));
  EXPECT_EQ(play(timeout, tool(true), {.left = milliseconds{2399}, .reserve = milliseconds{1400}}),
            (std::vector{ActionType::kEscalateToUser}));
}

TEST(NextAction, CountsAnotherBrokersCodesAsTheirCategory) {
  Serf foreign = classify({.cause = Cause::kRateLimited});
  foreign.code = "SOMETHING_ELSE";
  EXPECT_EQ(play(foreign, tool(false), {.left = seconds{60}}).size(), 3U);
}

RC_GTEST_PROP(NextAction, ReplaysIdentically, ()) {
  Failure failure;
  failure.cause = static_cast<Cause>(*rc::gen::inRange(0, static_cast<int>(Cause::kInternal) + 1));
  failure.sent = *rc::gen::arbitrary<bool>();
  failure.idempotent = *rc::gen::arbitrary<bool>();
  failure.optional_step = *rc::gen::arbitrary<bool>();
  const Serf serf = classify(failure);
  RecoveryTool own = tool(failure.idempotent, milliseconds{*rc::gen::inRange(0, 3000)});
  own.optional_step = failure.optional_step;
  const RecoveryTurn turn{.left = milliseconds{*rc::gen::inRange(0, 10'000)},
                          .reserve = milliseconds{*rc::gen::inRange(0, 3000)}};
  const auto first = play(serf, own, turn);
  RC_ASSERT(first == play(serf, own, turn));
  const auto read_back = Serf::parse(serf.to_json());
  RC_ASSERT(read_back.has_value());
  RC_ASSERT(first == play(*read_back, own, turn));
  for (const ActionType type : first)
    RC_ASSERT(std::ranges::count(first, type) <= limit_of(serf.category, serf.code, type));
}

TEST(AfterRetries, NoLongerTellsTheAgentToRetry) {
  const Serf serf = after_retries(classify({.cause = Cause::kTimeout, .idempotent = true, .sent = true}));
  EXPECT_FALSE(serf.retryable);
  for (const SuggestedAction& action : serf.actions) EXPECT_NE(action.type, ActionType::kRetry);
}

// Hypothesis H3 of systems/mcp-production, at a quarter of its scale.
TEST(RecoverySimulator, ShowsMoreRecoveriesForFewerCallsAndNoDuplicates) {
  constexpr int kFailures = 5000;
  const RandomStream random(20260728);
  const RecoveryScore blind = simulate_recovery({.style = RecoveryStyle::kBlindRetry}, kFailures, random);
  const RecoveryScore serf = simulate_recovery({.style = RecoveryStyle::kSerf}, kFailures, random);
  EXPECT_NEAR(blind.recovered, .367, .025);
  EXPECT_NEAR(blind.calls, 2.51, .08);
  EXPECT_NEAR(blind.duplicated, .074, .015);
  EXPECT_GE(serf.recovered, blind.recovered + .25);
  EXPECT_LE(serf.calls, blind.calls / 2);
  EXPECT_EQ(serf.duplicated, 0);
}

TEST(RecoverySimulator, GivesATextClassifierItsRecoveriesButNotItsDuplicates) {
  const RandomStream random(1);
  const RecoveryScore text = simulate_recovery({.style = RecoveryStyle::kGuessedFromText, .right = .75}, 5000, random);
  const RecoveryScore serf = simulate_recovery({.style = RecoveryStyle::kSerf}, 5000, random);
  EXPECT_NEAR(text.recovered, serf.recovered, .15);
  EXPECT_GT(text.duplicated, .03);
  EXPECT_EQ(serf.duplicated, 0);
}

TEST(RecoverySimulator, RepeatsItselfForTheSameStream) {
  const RecoveryPolicy policy{.style = RecoveryStyle::kSerf, .right = .95};
  const RecoveryScore a = simulate_recovery(policy, 500, RandomStream(3)),
                      b = simulate_recovery(policy, 500, RandomStream(3));
  EXPECT_EQ(a.recovered, b.recovered);
  EXPECT_EQ(a.calls, b.calls);
}

}  // namespace
}  // namespace bursar::broker
