// Saving and restoring PrivateBestArm. Everything that follows from the rest is computed anew, and what is stored must
// fit to it.
#include <algorithm>
#include <optional>
#include <string>

#include "bursar/core/json.h"
#include "bursar/explore/private_best_arm/private_best_arm.h"

namespace bursar::explore {
namespace {

namespace json = boost::json;

tl::unexpected<Error> corrupt(const std::string& what) {
  return fail(ErrorCode::kCorrupt, "saved private-best-arm: " + what);
}

// Signed, as a reader of the text gets them: state that never was text reads the same.
std::int64_t whole(std::uint64_t number) { return static_cast<std::int64_t>(number); }

json::array array_of(const std::vector<double>& numbers) { return json::array(numbers.begin(), numbers.end()); }
json::array array_of(const std::vector<std::size_t>& numbers) {
  json::array out;
  for (const std::size_t n : numbers) out.push_back(whole(n));
  return out;
}

// Reads fields one after another and keeps the first complaint.
class Fields {
 public:
  explicit Fields(JsonView view) : view_(std::move(view)) {}

  std::uint64_t count(std::string_view key) { return keep(view_.int_at(key, 0)).value_or(0); }
  double number(std::string_view key) { return keep(view_.double_at(key, -1e60, 1e60)).value_or(0); }
  bool flag(std::string_view key) { return keep(view_.bool_at(key)).value_or(false); }
  std::string text(std::string_view key) { return std::string(keep(view_.string_at(key, 64)).value_or("")); }

  template <class T>
  std::vector<T> numbers(std::string_view key, std::size_t at_most) {
    std::vector<T> out;
    const auto array = keep(view_.at(key));
    const auto size = array.and_then([&](const JsonView& a) { return keep(a.array_size(at_most)); });
    for (std::size_t i = 0; i < size.value_or(0); ++i) {
      const JsonView element = *array->element(i);
      if constexpr (std::is_floating_point_v<T>)
        out.push_back(keep(element.as_double(-1e300, 1e300)).value_or(0));
      else
        out.push_back(static_cast<T>(keep(element.as_int(0)).value_or(0)));
    }
    return out;
  }

  [[nodiscard]] const std::optional<Error>& wrong() const { return wrong_; }

 private:
  template <class T>
  Result<T> keep(Result<T> got) {
    if (!got && !wrong_) wrong_ = got.error();
    return got;
  }
  JsonView view_;
  std::optional<Error> wrong_;
};

std::optional<std::uint64_t> seed_of(const std::string& text) {
  if (text.empty() || text.size() > 20 || text.find_first_not_of("0123456789") != std::string::npos) return {};
  std::uint64_t seed = 0;
  for (const char c : text) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (seed > (UINT64_MAX - digit) / 10) return {};
    seed = seed * 10 + digit;
  }
  return seed;
}

bool ascends(const std::vector<std::size_t>& arms, std::size_t below) {
  for (std::size_t i = 0; i < arms.size(); ++i) {
    if (arms[i] >= below || (i > 0 && arms[i] <= arms[i - 1])) return false;
  }
  return true;
}

}  // namespace

json::object PrivateBestArm::save() const {
  json::array phases;
  for (const PrivatePhase& p : released_) {
    phases.push_back({{"pulls", whole(p.pulls)},
                      {"arms", array_of(p.arms)},
                      {"means", array_of(p.means)},
                      {"pulled", array_of(p.pulled)}});
  }
  const NoiseOptions& noise = options_.noise;
  return {{"search", "private-best-arm"},
          {"arms", whole(features_.arms)},
          {"dimension", whole(features_.dimension)},
          {"features", array_of(features_.values)},
          {"samples", whole(options_.samples)},
          {"schedule", options_.schedule == EliminationSchedule::kPaper ? "paper" : "halving"},
          {"noise", name_of(noise.noise)},
          {"epsilon", noise.epsilon},
          {"delta", noise.delta},
          {"user_weight", noise.user_weight},
          {"clip", options_.clip},
          {"seed", std::to_string(options_.seed)},
          {"active", array_of(active_)},
          {"counts", array_of(counts_)},
          {"sums", array_of(sums_)},
          {"phases", std::move(phases)}};
}

Result<PrivateBestArm> PrivateBestArm::restore(const json::object& saved) {
  const json::value document(saved);
  const JsonView root(document);
  Fields f(root);
  if (f.text("search") != "private-best-arm") return corrupt("is of another kind");
  ArmFeatures features{.arms = f.count("arms"), .dimension = f.count("dimension"), .values = {}};
  features.values = f.numbers<double>("features", kMostValues);
  PrivateBestArmOptions options{.samples = f.count("samples")};
  const std::string schedule = f.text("schedule"), noise = f.text("noise");
  options.schedule = schedule == "paper" ? EliminationSchedule::kPaper : EliminationSchedule::kHalving;
  bool known = schedule == "paper" || schedule == "halving", kind = false;
  for (const auto each : {PrivateNoise::kLaplace, PrivateNoise::kGaussian, PrivateNoise::kNone}) {
    if (noise == name_of(each)) options.noise.noise = each, kind = true;
  }
  options.noise.epsilon = f.number("epsilon");
  options.noise.delta = f.number("delta");
  options.noise.user_weight = f.number("user_weight");
  options.clip = f.flag("clip");
  const auto seed = seed_of(f.text("seed"));
  const auto active = f.numbers<std::size_t>("active", kMostArms);
  const auto counts = f.numbers<std::uint64_t>("counts", kMostArms);
  const auto sums = f.numbers<double>("sums", kMostArms);
  if (f.wrong()) return corrupt(f.wrong()->message);
  known = known && kind && seed.has_value();
  if (!known) return corrupt("schedule, noise or seed is not one of ours");
  options.seed = *seed;
  auto out = make(std::move(features), options);
  if (!out) return corrupt(out.error().message);

  const auto phases = root.at("phases");
  const auto number = phases ? phases->array_size(out->plan_.phases()) : Result<std::size_t>(0);
  if (!phases || !number) return corrupt("phases must be an array of at most as many as there are");
  for (std::size_t p = 0; p < *number; ++p) {
    Fields each(*phases->element(p));
    PrivatePhase phase{.pulls = each.count("pulls"), .arms = {}, .means = {}, .pulled = {}};
    phase.arms = each.numbers<std::size_t>("arms", kMostArms);
    phase.means = each.numbers<double>("means", kMostArms);
    phase.pulled = each.numbers<std::size_t>("pulled", kMostArms);
    const bool fits = !each.wrong() && phase.arms.size() == out->plan_.survivors[p] &&
                      phase.means.size() == phase.arms.size() && ascends(phase.arms, out->features_.arms) &&
                      !phase.pulled.empty() && ascends(phase.pulled, out->features_.arms) &&
                      phase.pulls == out->plan_.pulls(phase.pulled.size());
    if (!fits) return corrupt("phase " + std::to_string(p) + " does not fit to the arms and samples");
    out->used_ += phase.pulls * phase.pulled.size();
    out->released_.push_back(std::move(phase));
  }
  out->phase_ = *number;
  if (active.size() != out->plan_.survivors[out->phase_] || !ascends(active, out->features_.arms)) {
    return corrupt("active arms do not fit to the phase");
  }
  out->active_ = active;
  if (auto ok = out->begin_phase(); !ok) return corrupt(ok.error().message);
  if (counts.size() != out->pulled_.size() || sums.size() != counts.size()) return corrupt("counts do not fit");
  std::vector<ArmSum> given;
  for (std::size_t j = 0; j < counts.size(); ++j) {
    if (counts[j] > 0) given.push_back({out->pulled_[j], counts[j], sums[j]});
  }
  // A phase ends with its last reward: it cannot be saved when it is full.
  out->options_.clip = false;
  const bool full = std::ranges::all_of(counts, [&](std::uint64_t c) { return c == out->pulls_; });
  if ((full && !counts.empty()) || !out->report(given)) return corrupt("sums of rewards do not fit to their counts");
  out->options_.clip = options.clip;
  return out;
}

}  // namespace bursar::explore
