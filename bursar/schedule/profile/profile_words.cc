// Profiles by their words, and the table of their names.
#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>

#include "bursar/core/json.h"
#include "bursar/core/policy.h"
#include "bursar/schedule/profile/profile.h"

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

constexpr std::string_view kPolicy = "policy";  // the words are read as a policy's are
constexpr double kMost = 1e300;
constexpr std::size_t kMostSteps = 1024;

// The parameters of one profile. Every reader remembers the first thing that was wrong.
class Parameters {
 public:
  explicit Parameters(const PolicyWords& words) : words_(words) {}

  double number(std::string_view key, double preset) {
    known_.push_back(key);
    const auto* found = words_.parameters.if_contains(key);
    if (found == nullptr) return preset;
    const auto x = JsonView(*found, std::string(key)).as_double(-kMost, kMost);
    if (!x) fail_with(x.error());
    return x.value_or(preset);
  }
  std::vector<double> numbers(std::string_view key, std::vector<double> preset) {
    known_.push_back(key);
    const auto* found = words_.parameters.if_contains(key);
    if (found == nullptr) return preset;
    const JsonView list(*found, std::string(key));
    const auto size = list.array_size(kMostSteps);
    if (!size) return fail_with(size.error()), preset;
    std::vector<double> out;
    for (std::size_t i = 0; i < *size; ++i) {
      const auto x = list.element(i).and_then([](const JsonView& v) { return v.as_double(-kMost, kMost); });
      if (!x) return fail_with(x.error()), preset;
      out.push_back(*x);
    }
    return out;
  }
  std::string text(std::string_view key, std::string preset) {
    known_.push_back(key);
    const auto* found = words_.parameters.if_contains(key);
    if (found == nullptr) return preset;
    const auto x = JsonView(*found, std::string(key)).as_string(64);
    if (!x) return fail_with(x.error()), preset;
    return std::string(*x);
  }
  [[nodiscard]] bool has(std::string_view key) const { return words_.parameters.contains(key); }

  // Once everything was read: what was wrong, or a key that nobody asked for.
  [[nodiscard]] Result<void> done() const {
    if (wrong_) return tl::unexpected(*wrong_);
    for (const auto& member : words_.parameters) {
      if (std::ranges::find(known_, std::string_view(member.key())) != known_.end()) continue;
      std::string all;
      for (const auto key : known_) all += (all.empty() ? "" : ", ") + std::string(key);
      return invalid_argument("has no parameter " + json_string(member.key()) + "; it has " + all);
    }
    return {};
  }

 private:
  void fail_with(const Error& error) {
    if (!wrong_) wrong_ = error;
  }
  const PolicyWords& words_;
  std::vector<std::string_view> known_;
  std::optional<Error> wrong_;
};

Result<Profile> make_step(Parameters& read) {
  const auto at = read.numbers("at", {.5, .75}), values = read.numbers("values", {.1, .01});
  if (at.size() != values.size()) {
    return invalid_argument("at has " + std::to_string(at.size()) + " shares and values " +
                            std::to_string(values.size()) + "; give as many");
  }
  std::vector<ProfileStep> steps;
  for (std::size_t i = 0; i < at.size(); ++i) steps.push_back({.share = at[i], .value = values[i]});
  return Profile::step(std::move(steps));
}

Result<Profile> make_profile(const std::string& name, Parameters& read) {
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
  const auto read = parse_policy_words(words);
  if (!read) {
    Error error = read.error();
    if (error.message.starts_with(kPolicy)) error.message.replace(0, kPolicy.size(), "profile");
    return tl::unexpected(std::move(error));
  }
  Parameters parameters(*read);
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
