#include "bursar/explore/off_policy.h"

#include <cmath>
#include <string>

namespace bursar::explore {
namespace {

Result<void> check(std::span<const LoggedStep> log) {
  if (log.empty()) return invalid_argument("log: is empty");
  for (std::size_t t = 0; t < log.size(); ++t) {
    const auto wrong = [&](const char* what) {
      return invalid_argument("log: step " + std::to_string(t) + ": " + what);
    };
    const LoggedStep& s = log[t];
    if (!(s.propensity > 0 && s.propensity <= 1)) return wrong("propensity must be above 0 and at most 1");
    if (!(s.target >= 0 && s.target <= 1)) return wrong("target must be from 0 to 1");
    if (!std::isfinite(s.reward) || !std::isfinite(s.model_logged) || !std::isfinite(s.model_target)) {
      return wrong("reward and model must be finite numbers");
    }
  }
  return {};
}

double effective(std::span<const LoggedStep> log) {
  double sum = 0, squares = 0;
  for (const LoggedStep& s : log) {
    const double w = s.target / s.propensity;
    sum += w;
    squares += w * w;
  }
  return squares > 0 ? sum * sum / squares : 0;
}

// The mean of value(step), and its standard error.
template <class Value>
Result<Estimate> averaged(std::span<const LoggedStep> log, Value value) {
  if (auto ok = check(log); !ok) return tl::unexpected(ok.error());
  const auto n = static_cast<double>(log.size());
  Estimate out{.effective = effective(log)};
  for (const LoggedStep& s : log) out.mean += value(s) / n;
  double squares = 0;
  for (const LoggedStep& s : log) squares += (value(s) - out.mean) * (value(s) - out.mean);
  out.standard_error = std::sqrt(squares / std::max(n - 1, 1.0) / n);
  return out;
}

}  // namespace

Result<Estimate> ips(std::span<const LoggedStep> log) {
  return averaged(log, [](const LoggedStep& s) { return s.reward * s.target / s.propensity; });
}

Result<Estimate> self_normalised(std::span<const LoggedStep> log) {
  if (auto ok = check(log); !ok) return tl::unexpected(ok.error());
  double weights = 0, sum = 0, squares = 0;
  for (const LoggedStep& s : log) {
    weights += s.target / s.propensity;
    sum += s.reward * s.target / s.propensity;
  }
  if (weights == 0) return fail(ErrorCode::kInfeasible, "log: the new policy never does what was done");
  Estimate out{.mean = sum / weights, .effective = effective(log)};
  for (const LoggedStep& s : log) {
    const double w = s.target / s.propensity;
    squares += w * w * (s.reward - out.mean) * (s.reward - out.mean);
  }
  out.standard_error = std::sqrt(squares) / weights;
  return out;
}

Result<Estimate> doubly_robust(std::span<const LoggedStep> log) {
  return averaged(
      log, [](const LoggedStep& s) { return s.model_target + s.target / s.propensity * (s.reward - s.model_logged); });
}

}  // namespace bursar::explore
