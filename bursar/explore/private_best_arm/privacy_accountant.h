// Keeps what each unit of privacy has lost, and refuses what would overspend it.
//
//   auto accountant = PrivacyAccountant::make({.epsilon = 1.0, .delta = 1e-6});   // what any one unit may lose
//   auto hold = accountant->reserve("visitors of May", {.epsilon = .5});
//   if (!hold) return report(hold.error());      // kExhausted: names what is left
//   … when the first answer that depends on their data leaves:
//   accountant->commit(*hold);                   // or release(*hold), where nothing left
//
// A unit is a set of people (or rewards, or rows) whose data are used together; units must be disjoint. What happens to
// one unit adds up (basic composition: epsilons and deltas are summed), and disjoint units do not add up: the loss of
// the whole is the largest of any unit. Amounts are counted in whole nano-epsilons and 10^-18 of delta, charges rounded
// up, so that no sum drifts. Where one person stands behind up to w rewards, divide by w before adding noise
// (`user_weight` of private_best_arm.h); the charge here is what that person loses.
// Every call O(log units). Not thread-safe. Source: systems/dp-bai (resource `epsilon`); Dwork, Roth 2014, 3.5.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "bursar/core/result.h"

namespace bursar::explore {

struct PrivacyLoss {
  double epsilon = 0;  // >= 0, at most 10^6
  double delta = 0;    // 0 … 1
};

using PrivacyHold = std::uint64_t;

class PrivacyAccountant {
 public:
  static constexpr std::size_t kMostUnits = 1 << 20, kLongestUnit = 200, kMostHolds = 1 << 16;

  // `limit` is that of every unit. Errors: kInvalidArgument for amounts out of range and an epsilon of 0.
  [[nodiscard]] static Result<PrivacyAccountant> make(PrivacyLoss limit);

  // Sets `loss` aside for the unit. Errors, state unchanged: kExhausted where what was spent and is held would exceed
  // the limit, and past kMostUnits units or kMostHolds holds; kInvalidArgument for amounts out of range and for a unit
  // without a name, or with one of more than kLongestUnit bytes.
  [[nodiscard]] Result<PrivacyHold> reserve(std::string_view unit, PrivacyLoss loss);
  // kNotFound for a hold that is not open. What was committed never comes back.
  [[nodiscard]] Result<void> commit(PrivacyHold hold);
  [[nodiscard]] Result<void> release(PrivacyHold hold);

  [[nodiscard]] PrivacyLoss limit() const;
  [[nodiscard]] PrivacyLoss spent(std::string_view unit) const;
  [[nodiscard]] PrivacyLoss remaining(std::string_view unit) const;  // the limit less what was spent and is held
  [[nodiscard]] PrivacyLoss spent_at_most() const;                   // of any unit: the loss of the whole
  [[nodiscard]] std::size_t open_holds() const { return holds_.size(); }

  // The whole state. restore: kCorrupt for what contradicts itself, such as a unit above the limit.
  [[nodiscard]] boost::json::object save() const;
  [[nodiscard]] static Result<PrivacyAccountant> restore(const boost::json::object& saved);

 private:
  struct Amount {  // of loss, counted
    std::int64_t epsilon = 0, delta = 0;
  };
  struct Unit {
    Amount spent, held;
  };
  struct Hold {
    std::string unit;
    Amount amount;
  };
  explicit PrivacyAccountant(Amount limit) : limit_(limit) {}
  static Result<Amount> count(PrivacyLoss loss);
  static PrivacyLoss loss_of(Amount amount);
  Result<void> close(PrivacyHold hold, bool spend);

  Amount limit_;
  std::map<std::string, Unit, std::less<>> units_;
  std::map<PrivacyHold, Hold> holds_;
  PrivacyHold next_ = 1;
};

}  // namespace bursar::explore
