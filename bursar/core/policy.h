// The second shape of decision: requests arrive one at a time and each answer is final. The contract, and its names.
//
//   const PolicyEntry* entry = find_policy(admit::policies(), "dual-mirror-descent");
//   auto policy = make_policy(*entry, {.budget = {1e6, 40.0}, .horizon = 20'000});
//   auto decision = (*policy)->decide({.rewards = worth, .costs = estimates});   // [options], [options x resources]
//   if (decision->option) run(*decision->option);                                // none: do nothing
//   auto ok = (*policy)->observe(decision->id, {.costs = what_it_cost});         // at once, late, or never
//   std::string saved = to_json((*policy)->save());                              // exact to the last bit
//
// A policy is sans-I/O and deterministic: time comes with the request, and randomness from the parameter `seed` and the
// count of decisions (RandomStream(seed).split(n)), so that save() needs no state of an engine. It keeps its own count
// of what remains; a caller with a ledger passes the purse along as well, and the smaller counts. Doing nothing is
// always an option, costs nothing, is worth 0 and has no place in the arrays. Not thread-safe: one caller at a time.
// Units: costs and budgets in the caller's units per resource, rewards in any one unit; prices in reward per unit.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"

namespace bursar {

using DecisionId = std::uint64_t;

// Views of the caller's arrays, read during the call only. All numbers finite, costs and holds >= 0.
//   - enumerated options: rewards [K] and costs [K x m];
//   - an auction: rewards [1] (what winning is worth) and no costs: the decision is a bid in resource 0;
//   - learned rewards (bandits): no rewards; the policy knows its arms.
struct Request {
  std::span<const double> rewards = {};  // [options]
  std::span<const double> costs = {};    // [options x resources], row-major: what each is expected to use
  std::span<const double> holds = {};    // as costs: the most that each can use; empty: costs are exact
  std::span<const double> purse = {};    // [resources]: what the payer may still spend; empty: ask the policy's count
  std::span<const double> context = {};  // features, or the type of the request; as the policy's entry says
  double time_s = 0;                     // for policies that pace by the clock; must not fall
};

enum class DecisionReason : std::uint8_t {
  kBest,         // the option has the best reward less price x cost
  kNothingPays,  // no option is worth its price
  kBudget,       // the best option (`intended`) does not fit into what remains
  kChance,       // drawn at random, by a policy that explores or rounds
  kReserved,     // kept for better requests by a rule other than a price
};
[[nodiscard]] std::string_view name_of(DecisionReason reason);  // "best", "nothing_pays", …

struct Decision {
  DecisionId id = 0;                    // 0, 1, 2, … in the order of decide()
  std::optional<std::size_t> option;    // absent: do nothing
  std::optional<std::size_t> intended;  // what it would have taken with budget left; prices learn from this one
  double bid = 0;                       // auctions: the highest price at which to take it; 0 in other requests
  double wanted_bid = 0;                // auctions: the bid with budget left
  DecisionReason reason = DecisionReason::kNothingPays;
  bool past_horizon = false;  // more requests came than were planned for; the remaining budget is used up as it is
};

struct Outcome {
  std::span<const double> costs = {};  // [resources]: what it really used; empty: as expected (auctions: nothing)
  std::optional<double> reward;        // what it was worth; absent: as expected, or not known
  // A budget was short, somebody else's or, for wanted_bid > bid, this one: nothing was used, but `costs` was wanted.
  bool refused = false;
};

class Policy {
 public:
  Policy() = default;
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;
  virtual ~Policy() = default;

  // Holds the hold of the option it takes until the outcome is observed. Errors: kInvalidArgument for arrays of the
  // wrong length, numbers that are not finite, negative costs, and requests of a form the policy cannot decide; the
  // state is then unchanged.
  [[nodiscard]] virtual Result<Decision> decide(const Request& request) = 0;

  // Once for each decision that took an option, or wanted to bid, in any order. Costs above the hold are counted in
  // full, and are the only way in which remaining() falls below zero. Errors, state unchanged: kNotFound for an id that
  // is not open (never given, observed before, or counted at its hold because too many were open); kInvalidArgument.
  [[nodiscard]] virtual Result<void> observe(DecisionId id, const Outcome& outcome) = 0;

  // [resources]; valid until the next call. Policies without prices give zeros.
  [[nodiscard]] virtual std::span<const double> prices() const = 0;
  // [resources]: the budget less what was used and what is held.
  [[nodiscard]] virtual std::span<const double> remaining() const = 0;
  [[nodiscard]] virtual std::uint64_t decided() const = 0;  // requests so far

  // The whole state, {"policy": name, …}: restore_policy(table, save()) goes on as this one would.
  [[nodiscard]] virtual boost::json::object save() const = 0;
};

struct PolicySetup {
  std::vector<double> budget;               // [resources], each > 0
  std::vector<std::string> resource_names;  // [resources] or empty
  std::uint64_t horizon = 0;                // requests that the budget must last; 0: not known
  boost::json::object parameters;           // by name; those that are missing have their defaults
};

enum class ParameterKind : std::uint8_t { kNumber, kInteger, kFlag, kText, kNumbers };

struct PolicyParameter {
  std::string_view name, about;
  ParameterKind kind = ParameterKind::kNumber;
  std::string_view preset;  // its default as JSON ("0.5", "true", "\"euclidean\"", "[]"); empty: it must be given
  double low = -std::numeric_limits<double>::infinity();  // numbers, integers, and each of several numbers
  double high = std::numeric_limits<double>::infinity();
  std::span<const std::string_view> choices = {};  // texts; empty: any
};

// One line of a room's table. The same name and parameters on the command line, in HTTP and in the configuration.
struct PolicyEntry {
  std::string_view name, slug, room, about;  // slug: the sheet that it comes from
  std::span<const PolicyParameter> parameters = {};
  // Called with parameters that are complete and within their ranges, and with a budget of positive finite numbers.
  Result<std::unique_ptr<Policy>> (*make)(const PolicySetup& setup) = nullptr;
  // Called with what save() gave. kCorrupt where it contradicts itself.
  Result<std::unique_ptr<Policy>> (*restore)(const boost::json::object& saved) = nullptr;
};
using PolicyTable = std::span<const PolicyEntry>;

[[nodiscard]] const PolicyEntry* find_policy(PolicyTable table, std::string_view name);
// kNotFound names the nearest entries, or lists them all.
[[nodiscard]] Result<const PolicyEntry*> policy_named(PolicyTable table, std::string_view name);

// Checks the setup against the entry (unknown and missing parameters, kinds, ranges; budget), fills defaults and makes.
[[nodiscard]] Result<std::unique_ptr<Policy>> make_policy(const PolicyEntry& entry, PolicySetup setup);
[[nodiscard]] Result<std::unique_ptr<Policy>> restore_policy(PolicyTable table, const boost::json::value& saved);
[[nodiscard]] Result<boost::json::object> complete_parameters(const PolicyEntry& entry,
                                                              const boost::json::object& given);

// "NAME" or "NAME:key=value,key=value": numbers, true/false, [1;2;3], and otherwise text. Parameters are not checked.
struct PolicyWords {
  std::string name;
  boost::json::object parameters;
};
[[nodiscard]] Result<PolicyWords> parse_policy_words(std::string_view text);

}  // namespace bursar
