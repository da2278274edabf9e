#include "bursar/schedule/profile/profile.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "bursar/schedule/profile/text.h"

namespace bursar::schedule {
namespace {

constexpr int kCheckedShares = 1024;

double half_cosine(double s) { return s >= 1 ? 0 : (1 + std::cos(std::numbers::pi * s)) / 2; }

Result<void> check_phi(double phi) {
  if (std::isfinite(phi) && phi > 0) return {};
  return invalid_argument("phi: must be a positive number, is " + to_text(phi));
}

}  // namespace

// phi + (2 - phi) u, written so that nothing cancels: exact at both ends for every phi.
double mobius(double phi, double u) { return 2 * u / (phi * (1 - u) + 2 * u); }

Profile Profile::none() {
  return {[](double) { return 1.0; }, "none"};
}
Profile Profile::linear() {
  return {[](double s) { return 1 - s; }, "linear"};
}
Profile Profile::cosine() { return {half_cosine, "cosine"}; }
Profile Profile::rex() {
  return {[](double s) { return (1 - s) / (1 - s / 2); }, "rex"};
}

Result<Profile> Profile::uba(double phi) {
  if (auto ok = check_phi(phi); !ok) return tl::unexpected(ok.error());
  return Profile(
      [phi](double s) {
        if (s >= 1) return 0.0;
        const double t = std::tan(std::numbers::pi / 2 * s);
        return 1 / (1 + phi / 2 * t * t);
      },
      "uba:phi=" + to_text(phi));
}

Result<Profile> Profile::exponential(double end) {
  if (!(end > 0 && end <= 1)) {
    return invalid_argument("end: of an exponential profile must lie in (0, 1], is " + to_text(end));
  }
  return Profile([end](double s) { return std::pow(end, s); }, "exponential:end=" + to_text(end));
}

Result<Profile> Profile::step(std::vector<ProfileStep> steps) {
  if (steps.empty()) return invalid_argument("steps: a step profile needs at least one share and value");
  std::string shares, values;
  for (double last = 0; const ProfileStep& one : steps) {
    if (!(one.share > last && one.share < 1)) {
      return invalid_argument("steps: shares must increase within (0, 1), but " + to_text(one.share) + " follows " +
                              to_text(last));
    }
    if (!(one.value >= 0 && one.value <= 1)) {
      return invalid_argument("steps: the value from share " + to_text(one.share) + " on must lie in [0, 1], is " +
                              to_text(one.value));
    }
    last = one.share;
    shares += (shares.empty() ? "" : ";") + to_text(one.share);
    values += (values.empty() ? "" : ";") + to_text(one.value);
  }
  std::string name = "step:at=[" + shares + "],values=[" + values + "]";
  return Profile(
      [steps = std::move(steps)](double s) {
        const auto after = std::ranges::upper_bound(steps, s, {}, &ProfileStep::share);
        return after == steps.begin() ? 1.0 : std::prev(after)->value;
      },
      std::move(name));
}

Result<Profile> Profile::one_cycle(OneCycle cycle) {
  if (!(cycle.rise > 0 && cycle.rise < 1)) {
    return invalid_argument("rise: of a one-cycle profile must lie in (0, 1), is " + to_text(cycle.rise));
  }
  if (!(cycle.start >= 0 && cycle.start <= 1)) {
    return invalid_argument("start: of a one-cycle profile must lie in [0, 1], is " + to_text(cycle.start));
  }
  return Profile(
      [cycle](double s) {
        if (s >= cycle.rise) return half_cosine((s - cycle.rise) / (1 - cycle.rise));
        return cycle.start + (1 - cycle.start) * (1 - half_cosine(s / cycle.rise));
      },
      "one-cycle:rise=" + to_text(cycle.rise) + ",start=" + to_text(cycle.start));
}

Result<Profile> Profile::delayed(Profile profile, double share) {
  if (!(share >= 0 && share < 1)) return invalid_argument("share: a delay must lie in [0, 1), is " + to_text(share));
  std::string name = "delayed:share=" + to_text(share) + ",of=" + profile.name();
  return Profile(
      [profile = std::move(profile), share](double s) { return s < share ? 1 : profile((s - share) / (1 - share)); },
      std::move(name));
}

Result<Profile> Profile::custom(std::function<double(double)> curve, std::string name) {
  if (!curve) return invalid_argument("curve: is empty; give a function of the consumed share");
  for (int i = 0; i <= kCheckedShares; ++i) {
    const double s = static_cast<double>(i) / kCheckedShares, p = curve(s);
    if (p >= 0 && p <= 1) continue;
    return invalid_argument("curve: must lie in [0, 1], is " + to_text(p) + " at share " + to_text(s) +
                            "; scale it, and give its height as the peak of the schedule");
  }
  return Profile(std::move(curve), std::move(name));
}

Result<Profile> Profile::mobius(double phi) const {
  if (auto ok = check_phi(phi); !ok) return tl::unexpected(ok.error());
  const bool plain = name_.find(':') == std::string::npos;
  return Profile([inner = curve_, phi](double s) { return schedule::mobius(phi, inner(s)); },
                 name_ + (plain ? ":" : ",") + "mobius=" + to_text(phi));
}

Profile Profile::times(const Profile& other) const {
  return {[a = curve_, b = other.curve_](double s) { return a(s) * b(s); }, name_ + " x " + other.name_};
}

}  // namespace bursar::schedule
