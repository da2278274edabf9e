// The bodies of POST /v1/decide and /v1/observe as plain numbers, in the order of a policy's resources.
//
//   {"policy": "pacing", "key": "request-17", "options": [{"reward": 0.8, "cost": {"usd": 0.02}}, …]}
//   {"decision": "pacing.19c2f.42", "cost": {"usd": 0.018}, "reward": 1}
//
// `hold` beside a cost is the most that it can become; `context` is what the policy's entry says. One option without a
// cost is an auction: the policy bids. A policy that learns rewards is told none, and where no option has a cost its
// parameter `most` is held. Costs are in the unit that people write (usd: dollars), at least 0; a resource
// that an option leaves out costs 0. Errors: kInvalidArgument with the place, the value and what to do.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bursar/core/amount.h"
#include "bursar/core/json.h"
#include "bursar/core/policy.h"

namespace bursar::broker {

using Resources = std::vector<Resource>;

inline constexpr std::size_t kMaxDecideOptions = 4096, kMaxDecideContext = 4096, kMaxDecideBytes = 1 << 20;

struct DecideRequest {
  std::vector<double> rewards;       // [options]
  std::vector<double> costs, holds;  // [options x resources]; costs empty: an auction, or not known; holds empty: costs
  std::vector<double> context;
};
// `learns`: the policy learns rewards.
[[nodiscard]] Result<DecideRequest> read_decide(const JsonView& body, const Resources& resources, bool learns = false);

struct ObserveRequest {
  std::optional<Amounts> cost;  // absent: as expected; nearest smallest unit
  std::optional<double> reward;
};
[[nodiscard]] Result<ObserveRequest> read_observe(const JsonView& body, const Resources& resources);

// "pacing.19c2f.42"
struct DecisionName {
  std::string policy;
  std::uint64_t run = 0;
  DecisionId id = 0;
};
[[nodiscard]] std::string to_string(const DecisionName& name);
[[nodiscard]] std::optional<DecisionName> parse_decision_name(std::string_view text);

// What is reserved is rounded up to the smallest unit, so that it is never short; what is paid to the nearest.
enum class Rounding : std::uint8_t { kUp, kNearest };
[[nodiscard]] Amounts amounts_of(std::span<const double> costs, const Resources& resources, Rounding rounding);
[[nodiscard]] std::vector<double> costs_of(const Amounts& amounts, const Resources& resources);

// {"usd":0.02,"tokens":300}
[[nodiscard]] std::string costs_json(std::span<const double> costs, const Resources& resources);
[[nodiscard]] std::string number_json(double number);

}  // namespace bursar::broker
