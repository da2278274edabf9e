// Profiles by their words, and the table of their names.
#include <array>

#include "bursar/core/json.h"
#include "bursar/schedule/profile/profile.h"
#include "bursar/schedule/profile/words.h"

namespace bursar::schedule {
namespace {

constexpr std::array kProfiles{
    ProfileEntry{.name = "none", .about = "the peak throughout", .parameters = ""},
    ProfileEntry{.name = "linear", .about = "1 - s", .parameters = ""},
    ProfileEntry{.name = "cosine", .about = "(1 + cos pi s) / 2", .parameters = ""},
    ProfileEntry{.name = "rex", .about = "(1 - s) / (1 - s / 2): above linear, for tight budgets", .parameters = ""},
    ProfileEntry{
        .name = "uba", .about = "cosine bent by phi: a small one holds and drops late", .parameters = "phi=.5"},
    ProfileEntry{.name = "exponential", .about = "end^s", .parameters = "end=.05"},
    ProfileEntry{.name = "step", .about = "a value from each share on", .parameters = "at=[.5;.75],values=[.1;.01]"},
    ProfileEntry{.name = "one-cycle",
                 .about = "cosine up from `start` over the share `rise`, then cosine to 0",
                 .parameters = "rise=.3,start=.04"},
    ProfileEntry{
        .name = "delayed", .about = "the peak up to a share, then another profile", .parameters = "share=.5,of=linear"},
};

Result<Profile> make_step(WordParameters& read) {
  const auto at = read.numbers("at", {.5, .75}), values = read.numbers("values", {.1, .01});
  if (at.size() != values.size()) {
    return invalid_argument("at has " + std::to_string(at.size()) + " shares and values " +
                            std::to_string(values.size()) + "; give as many");
  }
  std::vector<ProfileStep> steps;
  for (std::size_t i = 0; i < at.size(); ++i) steps.push_back({.share = at[i], .value = values[i]});
  return Profile::step(std::move(steps));
}

Result<Profile> make_profile(const std::string& name, WordParameters& read) {
  if (name == "none") return Profile::none();
  if (name == "linear") return Profile::linear();
  if (name == "cosine") return Profile::cosine();
  if (name == "rex") return Profile::rex();
  if (name == "uba") return Profile::uba(read.number("phi", .5));
  if (name == "exponential") return Profile::exponential(read.number("end", .05));
  if (name == "step") return make_step(read);
  if (name == "one-cycle") {
    const double rise = read.number("rise", .3), start = read.number("start", .04);
    return Profile::one_cycle({.rise = rise, .start = start});
  }
  if (name == "delayed") {
    const double share = read.number("share", .5);
    const std::string of = read.text("of", "linear");
    if (of.find(':') != std::string::npos || of == "delayed")
      return invalid_argument("of: must be the name of a profile that is not delayed itself, is " + json_string(of));
    return parse_profile(of).and_then([&](Profile p) { return Profile::delayed(std::move(p), share); });
  }
  std::string all;
  for (const ProfileEntry& entry : profiles()) all += (all.empty() ? "" : ", ") + std::string(entry.name);
  return fail(ErrorCode::kNotFound, "there is no such profile; there are " + all);
}

}  // namespace

std::span<const ProfileEntry> profiles() { return kProfiles; }

Result<Profile> parse_profile(std::string_view words) {
  const auto read = parse_words("profile", words);
  if (!read) return tl::unexpected(read.error());
  WordParameters parameters(*read);
  auto made = make_profile(read->name, parameters);
  const double phi = parameters.number("mobius", 1);
  if (made || made.error().code != ErrorCode::kNotFound) {
    if (auto ok = parameters.done(); !ok) made = tl::unexpected(ok.error());
  }
  if (made && parameters.has("mobius")) made = made->mobius(phi);
  if (!made) return tl::unexpected(with_context("profile " + json_string(read->name), made.error()));
  return made;
}

}  // namespace bursar::schedule
