#include "bursar/schedule/profile/sampling.h"

#include <algorithm>

#include "bursar/schedule/profile/text.h"

namespace bursar::schedule {

Result<Sampling> Sampling::every(std::int64_t steps) {
  if (steps < 1) return invalid_argument("every: must be at least 1 step, is " + std::to_string(steps));
  Sampling out;
  out.steps_ = steps;
  return out;
}

Result<Sampling> Sampling::at(std::vector<double> shares) {
  if (!shares.empty() && shares.front() == 0) shares.erase(shares.begin());
  for (double last = 0; const double share : shares) {
    if (!(share > last && share < 1)) {
      return invalid_argument("at: shares must increase within [0, 1), but " + to_text(share) + " follows " +
                              to_text(last));
    }
    last = share;
  }
  Sampling out;
  out.shares_ = std::move(shares);
  out.listed_ = true;
  return out;
}

double Sampling::last_share(double s) const {
  if (!listed_) return s;
  const auto after = std::ranges::upper_bound(shares_, s);
  return after == shares_.begin() ? 0 : *std::prev(after);
}

}  // namespace bursar::schedule
