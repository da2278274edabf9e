#include "bursar/schedule/timeout.h"

#include <algorithm>
#include <cmath>

namespace bursar::schedule {
namespace {

constexpr int kMaxAttempts = 3;
constexpr double kMaxRetryShare = .2;
constexpr Duration kPauseMax = std::chrono::seconds{2};
constexpr Duration kPauseFirst = std::chrono::milliseconds{100};

Duration times(Duration d, double factor) {
  // Past a day nothing here decides otherwise, and the product can no longer leave 64 bits.
  constexpr double kDay_us = 86'400e6;
  return Duration(static_cast<std::int64_t>(std::clamp(static_cast<double>(d.count()) * factor, -kDay_us, kDay_us)));
}

std::span<const StepPlan> known_steps(const Turn& turn, std::span<const StepPlan> rest) {
  return turn.plan_known ? rest : rest.first(std::min<std::size_t>(rest.size(), 1));
}

Duration answer_reserve(const Turn& turn, const AtbaConfig& config) {
  return std::max(config.answer_reserve_min, times(turn.total, config.answer_reserve_share));
}

// The longest that the present step may run at all: its slack, or all that is left if the turn depends on it.
Duration allowance(const Turn& turn, std::span<const StepPlan> rest, const LatencyModel& latencies,
                   const AtbaConfig& config) {
  Duration out = turn.left - answer_reserve(turn, config);
  if (!rest[0].optional) return out;
  for (const StepPlan& later : rest.subspan(1)) {
    if (!later.optional) out -= latencies.quantile(later.tool, config.reserve_quantile);
  }
  return out;
}

bool is_hopeless(const Turn& turn, std::span<const StepPlan> rest, const LatencyModel& latencies,
                 const AtbaConfig& config) {
  Duration medians{0};
  for (const StepPlan& step : rest) {
    if (!step.optional && latencies.knows(step.tool)) medians += latencies.quantile(step.tool, .5);
  }
  return turn.left < times(medians, config.stop_early_fraction);
}

}  // namespace

TimeoutDecision next_timeout(const Turn& turn, std::span<const StepPlan> rest, int attempt,
                             const LatencyModel& latencies, const AtbaConfig& config) {
  rest = known_steps(turn, rest);
  if (rest.empty()) return {.why = TimeoutReason::kNoTime};
  if (is_hopeless(turn, rest, latencies, config)) return {.why = TimeoutReason::kStopEarly};

  const StepPlan& step = rest[0];
  const Duration longest = std::min(allowance(turn, rest, latencies, config), config.hard_max);
  const double p = step.optional ? config.optional_quantile : config.mandatory_quantile;
  const double growth = std::pow(config.growth, attempt);
  const Duration wanted = std::max(times(latencies.quantile(step.tool, p), growth), config.timeout_min);
  const Duration timeout = std::min(wanted, longest);
  if (step.optional && timeout < times(latencies.quantile(step.tool, .5), config.skip_fraction)) {
    return {.why = TimeoutReason::kSkip};
  }
  if (timeout <= Duration{0}) return {.why = step.optional ? TimeoutReason::kSkip : TimeoutReason::kNoTime};
  return {.timeout = timeout,
          .why = TimeoutReason::kAllocated,
          .p_finish = latencies.cdf(step.tool, timeout),
          .extend_to = longest};
}

Result<void> check(const AtbaConfig& config) {
  const auto need = [](bool holds, std::string_view field, std::string_view what) -> Result<void> {
    if (holds) return {};
    return invalid_argument("timeouts." + std::string(field) + " must be " + std::string(what));
  };
  const auto within = [](double x, double low, double high) { return x >= low && x <= high; };
  const auto is_quantile = [](double p) { return p > 0 && p < 1; };
  constexpr Duration kDay = std::chrono::hours{24};
  return need(within(config.growth, 1, 10), "growth", "from 1 to 10")
      .and_then([&] { return need(is_quantile(config.optional_quantile), "optional_quantile", "between 0 and 1"); })
      .and_then([&] { return need(is_quantile(config.reserve_quantile), "reserve_quantile", "between 0 and 1"); })
      .and_then([&] { return need(is_quantile(config.mandatory_quantile), "mandatory_quantile", "between 0 and 1"); })
      .and_then([&] { return need(within(config.stop_early_fraction, 0, 1), "stop_early_fraction", "from 0 to 1"); })
      .and_then([&] { return need(within(config.skip_fraction, 0, 1), "skip_fraction", "from 0 to 1"); })
      .and_then([&] {
        const Duration least = config.answer_reserve_min;
        return need(least >= Duration{0} && least <= kDay, "answer_reserve_min", "from 0 to 24 h");
      })
      .and_then([&] {
        const double share = config.answer_reserve_share;
        return need(share >= 0 && share < 1, "answer_reserve_share", "at least 0 and less than 1");
      })
      .and_then([&] {
        const bool holds = config.hard_max > Duration{0} && config.hard_max <= kDay;
        return need(holds, "hard_max", "more than 0 and at most 24 h");
      })
      .and_then([&] {
        const bool holds = config.timeout_min >= Duration{0} && config.timeout_min <= config.hard_max;
        return need(holds, "timeout_min", "from 0 to hard_max");
      });
}

RetryDecision next_retry(const Turn& turn, std::span<const StepPlan> rest, const RetryQuestion& question, double u,
                         const LatencyModel& latencies, const AtbaConfig& config) {
  rest = known_steps(turn, rest);
  const bool is_safe = question.retryable && (question.idempotent || question.not_applied);
  if (rest.empty() || !is_safe || question.attempts >= kMaxAttempts) return {};
  if (question.upstream_retry_share >= kMaxRetryShare) return {};
  const int k = std::max(question.attempts - 1, 0);
  const Duration pause = std::max(times(std::min(kPauseMax, kPauseFirst * (1 << k)), u), question.retry_after);
  const Duration longest = allowance(turn, rest, latencies, config);
  if (longest - latencies.quantile(rest[0].tool, .5) < pause) return {};
  return {.retry = true, .pause = pause};
}

}  // namespace bursar::schedule
