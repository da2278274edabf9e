#include "bursar/explore/private_best_arm/privacy_accountant.h"

#include <algorithm>
#include <cmath>

#include "bursar/allocate/solve.h"
#include "bursar/core/json.h"

namespace bursar::explore {
namespace {

constexpr double kEpsilonUnits = 1e9, kDeltaUnits = 1e18;  // in 1
constexpr double kMostEpsilon = 1e6, kMostDelta = 1;

// Rounded up, except that what only binary notation put above a whole unit stays: 0.1 is 100'000'000 units.
std::int64_t units_of(double amount, double units) {
  const double exact = amount * units, whole = std::round(exact);
  return static_cast<std::int64_t>(std::abs(exact - whole) <= 1e-15 * exact ? whole : std::ceil(exact));
}

Error corrupt(const std::string& what) {
  return {.code = ErrorCode::kCorrupt, .message = "saved accountant: " + what, .payload = {}};
}

}  // namespace

Result<PrivacyAccountant::Amount> PrivacyAccountant::count(PrivacyLoss loss) {
  if (!(loss.epsilon >= 0 && loss.epsilon <= kMostEpsilon)) {
    return invalid_argument("epsilon: is " + allocate::to_text(loss.epsilon) + "; it must be from 0 to 10^6");
  }
  if (!(loss.delta >= 0 && loss.delta <= kMostDelta)) {
    return invalid_argument("delta: is " + allocate::to_text(loss.delta) + "; it must be from 0 to 1");
  }
  return Amount{units_of(loss.epsilon, kEpsilonUnits), units_of(loss.delta, kDeltaUnits)};
}

PrivacyLoss PrivacyAccountant::loss_of(Amount amount) {
  return {static_cast<double>(amount.epsilon) / kEpsilonUnits, static_cast<double>(amount.delta) / kDeltaUnits};
}

Result<PrivacyAccountant> PrivacyAccountant::make(PrivacyLoss limit) {
  const auto counted = count(limit);
  if (!counted) return tl::unexpected(counted.error());
  if (counted->epsilon == 0) return invalid_argument("epsilon: is 0; nothing could ever be answered");
  return PrivacyAccountant(*counted);
}

Result<PrivacyHold> PrivacyAccountant::reserve(std::string_view unit, PrivacyLoss loss) {
  const auto amount = count(loss);
  if (!amount) return tl::unexpected(amount.error());
  if (unit.empty() || unit.size() > kLongestUnit || !is_utf8(unit)) {
    return invalid_argument("unit: must be a name of 1 to " + std::to_string(kLongestUnit) + " bytes of UTF-8");
  }
  if (holds_.size() >= kMostHolds) {
    return fail(ErrorCode::kExhausted, std::to_string(kMostHolds) + " holds of privacy are open; close some first");
  }
  const auto found = units_.find(unit);
  if (found == units_.end() && units_.size() >= kMostUnits) {
    return fail(ErrorCode::kExhausted, "there are " + std::to_string(kMostUnits) + " units of privacy already");
  }
  const Unit before = found == units_.end() ? Unit{} : found->second;
  // Below 10^15 and 10^18 each: sums of three stay within 64 bits.
  const bool fits = before.spent.epsilon + before.held.epsilon + amount->epsilon <= limit_.epsilon &&
                    before.spent.delta + before.held.delta + amount->delta <= limit_.delta;
  if (!fits) {
    const PrivacyLoss left = remaining(unit);
    return fail(ErrorCode::kExhausted,
                "unit '" + std::string(unit) + "' has epsilon " + allocate::to_text(left.epsilon) + " and delta " +
                    allocate::to_text(left.delta) + " left, and epsilon " + allocate::to_text(loss.epsilon) +
                    ", delta " + allocate::to_text(loss.delta) + " were asked for; ask for less, or of other people");
  }
  Unit& own = found == units_.end() ? units_[std::string(unit)] : found->second;
  own.held.epsilon += amount->epsilon;
  own.held.delta += amount->delta;
  holds_[next_] = {std::string(unit), *amount};
  return next_++;
}

Result<void> PrivacyAccountant::close(PrivacyHold hold, bool spend) {
  const auto found = holds_.find(hold);
  if (found == holds_.end()) {
    return fail(ErrorCode::kNotFound, "hold " + std::to_string(hold) + " of privacy is not open");
  }
  const auto unit = units_.find(found->second.unit);
  const Amount amount = found->second.amount;
  unit->second.held.epsilon -= amount.epsilon;
  unit->second.held.delta -= amount.delta;
  if (spend) {
    unit->second.spent.epsilon += amount.epsilon;
    unit->second.spent.delta += amount.delta;
  }
  holds_.erase(found);
  return {};
}

Result<void> PrivacyAccountant::commit(PrivacyHold hold) { return close(hold, true); }
Result<void> PrivacyAccountant::release(PrivacyHold hold) { return close(hold, false); }

PrivacyLoss PrivacyAccountant::limit() const { return loss_of(limit_); }

PrivacyLoss PrivacyAccountant::spent(std::string_view unit) const {
  const auto found = units_.find(unit);
  return found == units_.end() ? PrivacyLoss{} : loss_of(found->second.spent);
}

PrivacyLoss PrivacyAccountant::remaining(std::string_view unit) const {
  const auto found = units_.find(unit);
  if (found == units_.end()) return limit();
  const Unit& u = found->second;
  return loss_of({limit_.epsilon - u.spent.epsilon - u.held.epsilon, limit_.delta - u.spent.delta - u.held.delta});
}

PrivacyLoss PrivacyAccountant::spent_at_most() const {
  Amount most;
  for (const auto& [name, unit] : units_) {
    most.epsilon = std::max(most.epsilon, unit.spent.epsilon);
    most.delta = std::max(most.delta, unit.spent.delta);
  }
  return loss_of(most);
}

boost::json::object PrivacyAccountant::save() const {
  boost::json::object units;
  for (const auto& [name, unit] : units_) units[name] = {unit.spent.epsilon, unit.spent.delta};
  boost::json::array holds;
  for (const auto& [id, hold] : holds_) {
    holds.push_back({{"id", static_cast<std::int64_t>(id)},
                     {"unit", hold.unit},
                     {"epsilon", hold.amount.epsilon},
                     {"delta", hold.amount.delta}});
  }
  return {{"accountant", "privacy"},
          {"limit", {limit_.epsilon, limit_.delta}},
          {"next", static_cast<std::int64_t>(next_)},
          {"units", std::move(units)},
          {"holds", std::move(holds)}};
}

Result<PrivacyAccountant> PrivacyAccountant::restore(const boost::json::object& saved) {
  const boost::json::value document(saved);
  const JsonView root(document);
  const auto pair = [](const Result<JsonView>& view) -> Result<Amount> {
    if (!view) return tl::unexpected(view.error());
    const auto size = view->array_size(2);
    if (!size || *size != 2) return view->wrong("must be two numbers");
    const auto e = view->element(0)->as_int(0, static_cast<std::int64_t>(kMostEpsilon * kEpsilonUnits));
    const auto d = view->element(1)->as_int(0, static_cast<std::int64_t>(kMostDelta * kDeltaUnits));
    if (!e || !d) return tl::unexpected(e ? d.error() : e.error());
    return Amount{*e, *d};
  };
  const auto limit = pair(root.at("limit"));
  const auto next = root.int_at("next", 1);
  const auto units = root.at("units"), holds = root.at("holds");
  if (!limit || !next || !units || !holds) {
    return tl::unexpected(corrupt(!limit   ? limit.error().message
                                  : !next  ? next.error().message
                                  : !units ? units.error().message
                                           : holds.error().message));
  }
  PrivacyAccountant out(*limit);
  const auto over = [&](const Unit& u) {
    return u.spent.epsilon + u.held.epsilon > limit->epsilon || u.spent.delta + u.held.delta > limit->delta;
  };
  if (!units->value().is_object() || units->value().get_object().size() > kMostUnits) {
    return tl::unexpected(corrupt("units must be an object of at most " + std::to_string(kMostUnits)));
  }
  for (const auto& [name, amounts] : units->value().get_object()) {
    const auto spent = pair(JsonView(amounts, "$.units." + std::string(name)));
    if (!spent) return tl::unexpected(corrupt(spent.error().message));
    const Unit unit{.spent = *spent, .held = {}};
    if (name.empty() || name.size() > kLongestUnit || over(unit)) {
      return tl::unexpected(corrupt("unit '" + std::string(name) + "' has spent more than the limit, or has no name"));
    }
    out.units_[std::string(name)] = unit;
  }
  const auto count = holds->array_size(kMostHolds);
  if (!count) return tl::unexpected(corrupt(count.error().message));
  for (std::size_t i = 0; i < *count; ++i) {
    const JsonView view = *holds->element(i);
    const auto id = view.int_at("id", 1, *next - 1), e = view.int_at("epsilon", 0, limit->epsilon),
               d = view.int_at("delta", 0, limit->delta);
    const auto name = view.string_at("unit");
    if (!id || !e || !d || !name) return tl::unexpected(corrupt("hold " + std::to_string(i) + " is not complete"));
    const auto unit = out.units_.find(*name);
    if (unit == out.units_.end()) return tl::unexpected(corrupt("hold " + std::to_string(i) + " is of no unit"));
    unit->second.held.epsilon += *e;
    unit->second.held.delta += *d;
    const bool fresh = out.holds_.try_emplace(static_cast<PrivacyHold>(*id), Hold{std::string(*name), {*e, *d}}).second;
    if (!fresh || over(unit->second)) {
      return tl::unexpected(corrupt("hold " + std::to_string(i) + " stands twice, or exceeds the limit"));
    }
  }
  out.next_ = static_cast<PrivacyHold>(*next);
  return out;
}

}  // namespace bursar::explore
