#include "bursar/plan/job/action.h"

#include <algorithm>

namespace bursar::plan {

bool Purse::limits(Resource resource) const {
  return std::ranges::any_of(limit.items(), [&](const Amount& amount) { return amount.resource == resource; });
}

std::optional<std::int64_t> Purse::left(Resource resource) const {
  if (!limits(resource)) return std::nullopt;
  return std::max<std::int64_t>(limit[resource] - spent[resource] - held[resource], 0);
}

double Purse::share() const {
  double least = 1;
  for (const Amount& amount : limit.items()) {
    const double whole = static_cast<double>(amount.units);
    least = std::min(least, whole > 0 ? static_cast<double>(*left(amount.resource)) / whole : 0);
  }
  if (time && time_left) {
    const double whole = static_cast<double>(time->count());
    least = std::min(least, whole > 0 ? static_cast<double>(std::max<std::int64_t>(time_left->count(), 0)) / whole : 0);
  }
  return least;
}

}  // namespace bursar::plan
