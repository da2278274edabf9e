// A price source: what one more unit of each resource is worth now. The idea in the middle of this room.
//
//   class Fixed : public PriceSource { … };                              // static prices, say
//   std::span<const double> mu = source.prices({.remaining = left, .decided = t});
//   // the policy takes the option with the best  reward - mu . cost,  or nothing where that is not above 0
//   source.learn({.intended = costs_of_the_best, .reward = reward_of_the_best});
//
// Dual mirror descent, static prices, the prices of a linear program, value tables of auctions and the prices of
// matchings are sources; PricedPolicy (priced_policy.h) turns any of them into a Policy of core/policy.h.
// Source: systems/dual-mirror-descent.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <span>
#include <string_view>

#include "bursar/core/policy.h"

namespace bursar::admit {

// What is known when a request arrives, before it is looked at.
struct PriceQuestion {
  std::span<const double> remaining;  // [resources], budget less used and held
  std::uint64_t decided = 0;          // requests before this one
  double time_s = 0;                  // of the request
};

// What a request would have taken, whether or not the budget reached (step 4 of the sheet).
struct PriceLesson {
  std::span<const double> intended;   // [resources], zeros for nothing
  double reward = 0;                  // of the intended option
  std::span<const double> remaining;  // [resources], after the decision
  double time_s = 0;
};

class PriceSource {
 public:
  PriceSource() = default;
  PriceSource(const PriceSource&) = delete;
  PriceSource& operator=(const PriceSource&) = delete;
  virtual ~PriceSource() = default;

  // The request itself, before its prices are asked; for sources that keep a sample of requests.
  virtual void look(const Request& /*request*/) {}
  // [resources], >= 0, reward per unit of the resource; valid until the next call. Changes nothing that save() shows.
  [[nodiscard]] virtual std::span<const double> prices(const PriceQuestion& question) = 0;
  // The prices of the last question, or before the first the ones to begin with.
  [[nodiscard]] virtual std::span<const double> current() const = 0;
  // Called once a request, after its decision.
  virtual void learn(const PriceLesson& lesson) = 0;
  // An outcome differed from its estimate by this much (actual - estimate, per resource), some requests later.
  virtual void correct(std::span<const double> difference) = 0;

  // Requests past the end that the source knows of by itself (a period by the clock).
  [[nodiscard]] virtual bool past_end() const { return false; }

  // State of the source alone; a source of the same parameters loads it. kCorrupt for what does not fit.
  [[nodiscard]] virtual boost::json::object save() const = 0;
  [[nodiscard]] virtual Result<void> load(const boost::json::object& saved) = 0;
};

}  // namespace bursar::admit
