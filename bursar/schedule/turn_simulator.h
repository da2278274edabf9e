// Turns of tool calls whose latencies are log-normal with hangs, run under one timeout policy: the experiments behind
// systems/mcp-production (H2, learned quantiles, the timeout spiral). Sans-I/O and seeded; policies that are given the
// same stream meet the same latencies.
//
//   const RandomStream root(1);
//   TurnScenario scenario = mixed_scenario(1.3, root.split("scenario").split(7));
//   TurnScore score = run_turns(scenario, TurnPolicy::kAtba, {.turns = 300}, root.split("turns").split(7));
//   score.value;   // mean value of a turn, 0 … 1
//
// A turn makes its steps in order. A call that does not answer within its timeout is tried again while the scenario's
// retries last and time is left; a step that never answers is lost, and where it is mandatory the turn is worth
// nothing. O(turns x steps x attempts).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/schedule/latency_model.h"
#include "bursar/schedule/timeout.h"

namespace bursar::schedule {

// exp(N(log median, sigma)); with probability `hang` no answer ever comes.
struct ToolLaw {
  double median_ms = 300;
  double sigma = .8;
  double hang = 0;
  double sticky = 0;             // share of hangs that every retry meets again
  double retry_correlation = 0;  // of the normal variates of a call's first attempt and its retries
};

// One call and its retries; attempts are drawn in order.
class SimulatedCall {
 public:
  SimulatedCall(const ToolLaw& law, RandomStream random);
  double next_attempt_ms();  // infinity where it hangs

 private:
  ToolLaw law_;
  RandomStream random_;
  double first_normal_;
  bool hangs_first_, hangs_always_;
  bool is_first_ = true;
};

struct SimulatedStep {
  ToolLaw law;
  bool optional = false;
  double weight = 0;  // value of the turn that this step adds; that of a turn whose mandatory step fails is 0
};

struct TurnScenario {
  std::vector<SimulatedStep> steps;
  double budget_ms = 0;
  int max_retries = 2;
};

// Six tools with medians drawn from 80 … 2500 ms, sigma U(.35, 1), hang 3%: five optional steps worth .1 each, then one
// mandatory worth .5. The budget is c x the sum of the medians.
[[nodiscard]] TurnScenario mixed_scenario(double c, RandomStream random);
// Six mandatory steps of the same tools, hang 2%, at most 6 retries.
[[nodiscard]] TurnScenario mandatory_scenario(double c, RandomStream random);

enum class TurnPolicy : std::uint8_t { kAtba, kOwnP95, kNoLimit, kFixed2s, kEqualShares, kSharesByP95 };
inline constexpr TurnPolicy kTurnPolicies[] = {TurnPolicy::kAtba,        TurnPolicy::kOwnP95,
                                               TurnPolicy::kNoLimit,     TurnPolicy::kFixed2s,
                                               TurnPolicy::kEqualShares, TurnPolicy::kSharesByP95};
[[nodiscard]] std::string_view name_of(TurnPolicy policy);

// Where the policy's quantiles come from: the laws themselves, or a LatencyStore that is told of each timeout as a
// censored value, not at all, or as if the call had answered then.
enum class Knowledge : std::uint8_t { kTruth, kKaplanMeier, kCompletionsOnly, kTimeoutsAsValues };

struct TurnRun {
  std::size_t turns = 300;
  std::size_t scored_last = SIZE_MAX;  // only these count; those before are for learning
  Knowledge knowledge = Knowledge::kTruth;
  double stop_early_fraction = .6;  // of ATBA; 0 switches the rule off
};

struct TurnScore {
  double value = 0;    // mean over the scored turns
  double success = 0;  // share of them in which every mandatory step answered
  double used_ms = 0;  // mean time
};

[[nodiscard]] TurnScore run_turns(const TurnScenario& scenario, TurnPolicy policy, const TurnRun& run,
                                  const RandomStream& random);

// The timeout spiral: one tool called over and over with its learned q_.95 as timeout; from call `shift_at` on it is
// `slowdown` times slower.
struct SpiralSetup {
  ToolLaw law{.median_ms = 300, .sigma = .8, .hang = .02};
  std::size_t calls = 6000, shift_at = 3000;
  double slowdown = 3;
  std::size_t scored = 1000;  // calls at the end of each of the two phases that are counted
};
struct SpiralShares {
  double before = 0, after = 0;  // share of completed calls, once settled before and after the shift
};
[[nodiscard]] SpiralShares run_spiral(const SpiralSetup& setup, Knowledge knowledge, RandomStream random);

}  // namespace bursar::schedule
