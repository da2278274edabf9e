// The three models that are simulated, and what sets them apart. None of these numbers was measured on a real model.
//
//   profile_of("sim-large").skill;   // 1.6; any other name: that of sim-medium
//
//   P(right) = 1 / (1 + exp(-(skill + 6 (1/2 - difficulty) + mood / 2)))     mood: standard normal, of the question
//   tokens of reasoning = verbosity (40 + 160 difficulty) exp(.35 z - .061)  z: standard normal
//   P(right | a share s < 1 of these tokens) = P(right) s^0.6
#pragma once

#include <array>
#include <string_view>

namespace bursar::simulate {

struct Profile {
  std::string_view name;
  double skill;           // logits
  double verbosity;       // relative length of the reasoning
  double first_token_ms;  // latency: the first token, and each after it; both times a log-normal draw
  double token_ms;
  double input_usd, output_usd;  // of a million tokens, for whoever configures prices
};

inline constexpr std::array<Profile, 3> kProfiles = {{
    {"sim-small", -.4, 1.0, 40, 2, .10, .40},
    {"sim-medium", .5, 1.2, 80, 4, .50, 2.0},
    {"sim-large", 1.6, 1.5, 150, 8, 2.5, 10},
}};

[[nodiscard]] constexpr const Profile& profile_of(std::string_view model) {
  for (const Profile& profile : kProfiles) {
    if (profile.name == model) return profile;
  }
  return kProfiles[1];
}

}  // namespace bursar::simulate
