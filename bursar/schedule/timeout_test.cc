#include "bursar/schedule/timeout.h"

#include <array>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck/gtest.h>
#include <vector>

#include "bursar/schedule/latency_store.h"

namespace bursar::schedule {
namespace {

using namespace std::chrono_literals;

// Quantiles by hand: p50 = m, p90 = 2 m, p95 = 3 m, p99 = 5 m of the tool's m.
class TableOfLatencies final : public LatencyModel {
 public:
  explicit TableOfLatencies(std::map<std::string, Duration> medians) : medians_(std::move(medians)) {}
  Duration quantile(const ToolId& tool, double p) const override {
    const auto found = medians_.find(tool.tool);
    if (found == medians_.end()) return 2s;
    return found->second * (p < .9 ? 1 : p < .95 ? 2 : p < .99 ? 3 : 5);
  }
  double cdf(const ToolId& tool, Duration t) const override {
    double below = 0;
    for (const double p : {.5, .9, .95, .99}) below = t >= quantile(tool, p) ? p : below;
    return below;
  }
  bool knows(const ToolId& tool) const override { return medians_.contains(tool.tool); }

 private:
  std::map<std::string, Duration> medians_;
};

const TableOfLatencies kLatencies({{"fast", 100ms}, {"slow", 1s}});

StepPlan mandatory(std::string tool) { return {.tool = {"u", std::move(tool)}}; }
StepPlan optional_step(std::string tool) { return {.tool = {"u", std::move(tool)}, .optional = true, .weight = 1}; }
Turn turn_with(Duration left) { return {.total = 10s, .left = left, .plan_known = true}; }

AtbaConfig without_reserve() { return {.answer_reserve_min = 0s, .answer_reserve_share = 0}; }

TimeoutDecision decide(Duration left, std::vector<StepPlan> rest, int attempt = 0, const AtbaConfig& config = {}) {
  return next_timeout(turn_with(left), rest, attempt, kLatencies, config);
}

TEST(NextTimeout, GivesAMandatoryStepItsOwn99thPercentile) {
  const auto d = decide(9s, {mandatory("fast"), mandatory("slow")});
  EXPECT_EQ(d.why, TimeoutReason::kAllocated);
  EXPECT_EQ(d.timeout, 500ms);
  EXPECT_EQ(d.p_finish, .99);
  EXPECT_EQ(d.extend_to, 7500ms);
}

TEST(NextTimeout, ReservesNothingForLaterMandatoryStepsOfAMandatoryOne) {
  EXPECT_EQ(decide(5s, {mandatory("slow"), mandatory("slow")}).timeout, 3500ms);  // all but the answer reserve
}

TEST(NextTimeout, GrowsWithTheAttempt) {
  EXPECT_EQ(decide(9s, {mandatory("fast")}, 1).timeout, 800ms);
  EXPECT_EQ(decide(9s, {mandatory("fast")}, 2).timeout, 1280ms);
  EXPECT_EQ(decide(9s, {optional_step("fast")}, 1).timeout, 480ms);
}

TEST(NextTimeout, HoldsAnOptionalStepToItsSlack) {
  // slack = 9 - 2 x 2 (p90 of two later slow steps) - 1.5 = 3.5 s; optional steps later on reserve nothing.
  const auto plan = {optional_step("slow"), mandatory("slow"), optional_step("slow"), mandatory("slow")};
  EXPECT_EQ(decide(9s, plan).timeout, 3s);
  EXPECT_EQ(decide(9s, plan).extend_to, 3500ms);
  EXPECT_EQ(decide(8s, plan).timeout, 2500ms);
}

TEST(NextTimeout, SkipsAnOptionalStepThatHasLessThanHalfItsMedian) {
  const auto plan = {optional_step("slow"), mandatory("slow")};
  EXPECT_EQ(decide(4s, plan).why, TimeoutReason::kAllocated);  // slack .5 s
  const auto d = decide(3999ms, plan);
  EXPECT_EQ(d.why, TimeoutReason::kSkip);
  EXPECT_EQ(d.timeout, 0s);
  EXPECT_EQ(decide(1s, {optional_step("fast")}).why, TimeoutReason::kSkip);
}

TEST(NextTimeout, StopsEarlyBelowTheShareOfMediansUnlessSwitchedOff) {
  const auto plan = {mandatory("slow"), mandatory("slow"), optional_step("slow")};
  EXPECT_EQ(decide(1199ms, plan, 0, without_reserve()).why, TimeoutReason::kStopEarly);
  EXPECT_EQ(decide(1200ms, plan, 0, without_reserve()).timeout, 1200ms);
  AtbaConfig off = without_reserve();
  off.stop_early_fraction = 0;
  EXPECT_EQ(decide(1ms, plan, 0, off).timeout, 1ms);
}

TEST(NextTimeout, DoesNotGiveUpForToolsOfWhichNothingIsKnown) {
  const std::vector<StepPlan> plan(10, mandatory("unheard of"));
  EXPECT_EQ(decide(9s, plan).why, TimeoutReason::kAllocated);
}

TEST(NextTimeout, HoldsBackTheLargerAnswerReserve) {
  EXPECT_EQ(next_timeout({.total = 60s, .left = 10s}, std::vector{mandatory("slow")}, 0, kLatencies, {}).timeout, 4s);
  EXPECT_EQ(next_timeout({.total = 2s, .left = 2s}, std::vector{mandatory("slow")}, 0, kLatencies, {}).timeout, 500ms);
  EXPECT_EQ(decide(1500ms, {mandatory("slow")}).why, TimeoutReason::kNoTime);
}

TEST(NextTimeout, LooksAtTheFirstStepAloneWhereThePlanIsUnknown) {
  Turn turn = turn_with(5s);
  turn.plan_known = false;
  const std::vector plan{optional_step("fast"), mandatory("slow"), mandatory("slow"), mandatory("slow")};
  EXPECT_EQ(next_timeout(turn, plan, 0, kLatencies, {}).extend_to, 3500ms);
  EXPECT_EQ(next_timeout(turn, {}, 0, kLatencies, {}).why, TimeoutReason::kNoTime);
}

TEST(NextTimeout, LetsNoCallRunPastTheHardMaximum) {
  AtbaConfig config = without_reserve();
  config.hard_max = 300ms;
  const auto d = decide(9s, {mandatory("slow")}, 0, config);
  EXPECT_EQ(d.timeout, 300ms);
  EXPECT_EQ(d.extend_to, 300ms);
}

TEST(NextTimeout, CutsNoCallShorterThanTheMinimumWhileThereIsTime) {
  AtbaConfig config = without_reserve();
  config.timeout_min = 3s;
  EXPECT_EQ(decide(9s, {mandatory("fast")}, 0, config).timeout, 3s);
  EXPECT_EQ(decide(2500ms, {mandatory("fast")}, 0, config).timeout, 2500ms);
}

RC_GTEST_PROP(NextTimeout, NeverSpendsWhatIsNotThere, ()) {
  std::vector<StepPlan> plan;
  for (int i = *rc::gen::inRange(0, 6); i > 0; --i) {
    plan.push_back(mandatory(*rc::gen::element<std::string>("fast", "slow", "unheard of")));
    plan.back().optional = *rc::gen::arbitrary<bool>();
  }
  const Turn turn{.total = *rc::gen::inRange(0, 60'000) * 1ms,
                  .left = *rc::gen::inRange(-1000, 60'000) * 1ms,
                  .plan_known = *rc::gen::arbitrary<bool>()};
  const int attempt = *rc::gen::inRange(0, 2000);
  const auto d = next_timeout(turn, plan, attempt, kLatencies, {});
  if (d.why == TimeoutReason::kAllocated) {
    RC_ASSERT(d.timeout > 0s);
    RC_ASSERT(d.timeout <= d.extend_to);
    RC_ASSERT(d.extend_to <= turn.left - 1500ms);
  } else {
    RC_ASSERT(d.timeout == 0s);
    if (d.why == TimeoutReason::kSkip) RC_ASSERT(plan.at(0).optional);
  }
}

TEST(NextRetry, NeedsAReasonASafeCallTimeAndAQuietUpstream) {
  const std::vector plan{mandatory("slow")};
  const RetryQuestion yes{.retryable = true, .idempotent = true};
  const auto retries = [&](RetryQuestion question, Duration left = 9s) {
    return next_retry(turn_with(left), plan, question, 0, kLatencies, {}).retry;
  };
  EXPECT_TRUE(retries(yes));
  EXPECT_FALSE(retries({.retryable = false, .idempotent = true}));
  EXPECT_FALSE(retries({.retryable = true}));
  EXPECT_TRUE(retries({.retryable = true, .not_applied = true}));
  EXPECT_TRUE(retries({.retryable = true, .idempotent = true, .attempts = 2}));
  EXPECT_FALSE(retries({.retryable = true, .idempotent = true, .attempts = 3}));
  EXPECT_TRUE(retries({.retryable = true, .idempotent = true, .upstream_retry_share = .19}));
  EXPECT_FALSE(retries({.retryable = true, .idempotent = true, .upstream_retry_share = .2}));
  EXPECT_TRUE(retries(yes, 2500ms));
  EXPECT_FALSE(retries(yes, 2499ms));  // less than a median beside the answer reserve
  EXPECT_FALSE(next_retry(turn_with(9s), {}, yes, 0, kLatencies, {}).retry);
}

TEST(NextRetry, PausesLongerEachTimeAndAsLongAsTheUpstreamAsks) {
  const std::vector plan{mandatory("fast")};
  const auto pause = [&](int attempts, double u, Duration retry_after) {
    const RetryQuestion question{
        .retryable = true, .idempotent = true, .attempts = attempts, .retry_after = retry_after};
    return next_retry(turn_with(9s), plan, question, u, kLatencies, {}).pause;
  };
  EXPECT_EQ(pause(1, .5, 0s), 50ms);
  EXPECT_EQ(pause(2, .5, 0s), 100ms);
  EXPECT_EQ(pause(1, .5, 700ms), 700ms);
  const RetryQuestion long_wait{.retryable = true, .idempotent = true, .retry_after = 8s};
  EXPECT_FALSE(next_retry(turn_with(9s), plan, long_wait, 0, kLatencies, {}).retry);  // the pause itself does not fit
}

TEST(CheckAtbaConfig, AcceptsTheDefaultsAndNamesTheFieldThatIsWrong) {
  EXPECT_TRUE(check({}));
  EXPECT_TRUE(check(without_reserve()));
  const std::vector<std::pair<std::string, AtbaConfig>> wrong{{"growth", {.growth = .9}},
                                                              {"growth", {.growth = std::nan("")}},
                                                              {"optional_quantile", {.optional_quantile = 1}},
                                                              {"reserve_quantile", {.reserve_quantile = 0}},
                                                              {"mandatory_quantile", {.mandatory_quantile = -1}},
                                                              {"stop_early_fraction", {.stop_early_fraction = 1.1}},
                                                              {"skip_fraction", {.skip_fraction = -.1}},
                                                              {"answer_reserve_min", {.answer_reserve_min = -1ms}},
                                                              {"answer_reserve_share", {.answer_reserve_share = 1}},
                                                              {"hard_max", {.hard_max = 0s}},
                                                              {"timeout_min", {.timeout_min = -1ms}},
                                                              {"timeout_min", {.timeout_min = 301s}}};
  for (const auto& [field, config] : wrong) {
    const auto ok = check(config);
    ASSERT_FALSE(ok) << field;
    EXPECT_EQ(ok.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(ok.error().message.find("timeouts." + field), std::string::npos) << ok.error().message;
  }
}

// The exact recursion with retries: two equal steps on a grid of whole milliseconds, latency 1 with probability .6, 3
// with .3, a hang with .1, redrawn at every attempt.
constexpr int kGrid = 10;
constexpr std::array<double, 4> kMass{0, .6, 0, .3};

using Values = std::array<std::array<double, kGrid + 1>, 3>;  // [step][budget]; step 2 is the end

double value_of_timeout(const Values& v, int step, int b, int t) {
  double value = 0, finished = 0;
  for (int l = 1; l <= std::min<int>(t, kMass.size() - 1); ++l) {
    finished += kMass[l];
    value += kMass[l] * v[step + 1][b - l];
  }
  return value + (1 - finished) * v[step][b - t];
}

Values values_of(const auto& timeout) {
  Values v{};
  v[2].fill(1);
  for (int step = 1; step >= 0; --step) {
    for (int b = 1; b <= kGrid; ++b) v[step][b] = timeout(v, step, b);
  }
  return v;
}

Values optimal_values() {
  return values_of([](const Values& v, int step, int b) {
    double best = 0;
    for (int t = 1; t <= b; ++t) best = std::max(best, value_of_timeout(v, step, b, t));
    return best;
  });
}

TEST(ExactRecursion, GivesTheSeriesOfTheSheet) {
  const std::array expected{0.0, .36, .648, .8208, .91296, .95904, .981158, .99148, .996199, .998322};
  const Values v = optimal_values();
  for (int b = 1; b <= kGrid; ++b) EXPECT_NEAR(v[0][b], expected[b - 1], 1e-6) << b;
}

// The law of the recursion as a model: quantiles of the calls that answer.
class GridLatencies final : public LatencyModel {
 public:
  Duration quantile(const ToolId&, double p) const override { return p * .9 <= .6 ? 1ms : 3ms; }
  double cdf(const ToolId&, Duration t) const override { return t < 1ms ? 0 : t < 3ms ? .6 : .9; }
  bool knows(const ToolId&) const override { return true; }
};

TEST(NextTimeout, LosesLittleAgainstTheExactRecursionWhereTimeIsPlentiful) {
  const std::vector plan{mandatory("grid"), mandatory("grid")};
  const Values best = optimal_values();
  const Values rule = values_of([&](const Values& v, int step, int b) {
    const Turn turn{.total = kGrid * 1ms, .left = b * 1ms, .plan_known = true};
    const auto d = next_timeout(turn, std::span(plan).subspan(step), 0, GridLatencies{}, without_reserve());
    if (d.why != TimeoutReason::kAllocated) return 0.0;
    return value_of_timeout(v, step, b, static_cast<int>(d.timeout / 1ms));
  });
  for (int b = 1; b <= kGrid; ++b) EXPECT_LE(rule[0][b], best[0][b] + 1e-12) << b;
  EXPECT_GE(rule[0][kGrid], best[0][kGrid] - .05);
  EXPECT_GE(rule[0][2], best[0][2]);  // with time for two quick answers only, both wait for them
}

}  // namespace
}  // namespace bursar::schedule
