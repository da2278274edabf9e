// The shape of a quantity over a budget: a curve p over the consumed share s of the budget, from 0 to 1.
//
//   Profile rex = Profile::rex();
//   rex(.5);                                             // .666…: two thirds of the peak are left at half the budget
//   Result<Profile> held = Profile::uba(.25);            // holds the peak long and drops late
//   Result<Profile> own = parse_profile("delayed:share=.3,of=cosine,mobius=.5");
//
//   none 1            linear 1 - s        cosine (1 + cos pi s) / 2      exponential end^s
//   rex (1 - s) / (1 - s / 2)             uba 1 / (1 + phi / 2 tan^2(pi s / 2))
//   step: a value from each share on      one-cycle: cosine from `start` up to 1 at s = rise, cosine to 0 at s = 1
// and one map that bends any of them, M_phi(u) = 2u / (phi + (2 - phi) u): M_phi(0) = 0, M_phi(1) = 1, increasing;
// phi < 2 bends up (stays high longer), phi > 2 down. linear = M_2(1 - s), rex = M_1(1 - s), uba(phi) = M_phi(cosine).
// Values lie in [0, 1]. A profile knows nothing of steps: bursar/schedule/profile/schedule.h reads it. Which one?
// rex or uba:phi=.5 where the budget is tight; bursar/schedule/profile/phi_advice.h tells phi.
// Sources: systems/rex, systems/uba. O(1) a reading.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::schedule {

struct ProfileStep {
  double share = 0, value = 0;  // p(s) = value from s = share on
};

struct OneCycle {
  double rise = .3;    // share of the rise, in (0, 1)
  double start = .04;  // p(0), in [0, 1]
};

// M_phi(u) for u in [0, 1] and phi > 0.
[[nodiscard]] double mobius(double phi, double u);

class Profile {
 public:
  static Profile none();
  static Profile linear();
  static Profile cosine();
  static Profile rex();
  // Errors, kInvalidArgument: phi or end that is not positive and finite, end > 1; shares of steps that do not increase
  // within (0, 1); values outside [0, 1]; a delay outside [0, 1); a custom curve that leaves [0, 1] at one of 1,025
  // evenly spaced shares.
  static Result<Profile> uba(double phi = .5);
  static Result<Profile> exponential(double end = .05);
  static Result<Profile> step(std::vector<ProfileStep> steps);  // 1 before the first
  static Result<Profile> one_cycle(OneCycle cycle = {});
  static Result<Profile> delayed(Profile profile, double share);  // 1 up to share, then all of `profile`
  static Result<Profile> custom(std::function<double(double)> curve, std::string name = "custom");

  // M_phi of this one.
  [[nodiscard]] Result<Profile> mobius(double phi) const;
  [[nodiscard]] Profile times(const Profile& other) const;

  // s below 0 reads as 0 and above 1 as 1; NaN for NaN. A custom curve answers for itself.
  [[nodiscard]] double operator()(double s) const { return curve_(s > 1 ? 1 : s < 0 ? 0 : s); }
  // The words that make it ("uba:phi=0.5"); of custom and composed ones, a description.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  Profile(std::function<double(double)> curve, std::string name) : curve_(std::move(curve)), name_(std::move(name)) {}

  std::function<double(double)> curve_;
  std::string name_;
};

// "NAME" or "NAME:key=value,key=value", as the command line and Python write profiles:
//   none, linear, cosine, rex · uba:phi=.5 · exponential:end=.05 · step:at=[.5;.75],values=[.1;.01] ·
//   one-cycle:rise=.3,start=.04 · delayed:share=.5,of=linear (of: a name alone)
// with the defaults shown; any of them takes mobius=PHI. Errors: kNotFound with all names, kInvalidArgument.
[[nodiscard]] Result<Profile> parse_profile(std::string_view words);

struct ProfileEntry {
  std::string_view name, about, parameters;  // parameters with their defaults, as written in words; may be empty
};
[[nodiscard]] std::span<const ProfileEntry> profiles();

}  // namespace bursar::schedule
