#include "bursar/explore/experiment/experiment.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "bursar/allocate/solve.h"
#include "bursar/core/json.h"

namespace bursar::explore {
namespace {

using allocate::to_text;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

bool fixed_samples(ExperimentMethod method) {
  return method == ExperimentMethod::kHalving || method == ExperimentMethod::kPrivate;
}

Result<void> check_arms(const std::vector<std::string>& arms) {
  if (arms.size() < 2 || arms.size() > Experiment::kMostArms) {
    return invalid_argument("arms: are " + std::to_string(arms.size()) + "; an experiment compares 2 to " +
                            std::to_string(Experiment::kMostArms));
  }
  std::set<std::string_view> seen;
  for (const std::string& name : arms) {
    if (name.empty() || name.size() > Experiment::kLongestName || !is_utf8(name)) {
      return invalid_argument("arms: every one needs a name of 1 to 200 bytes of UTF-8");
    }
    if (!seen.insert(name).second) return invalid_argument("arms: '" + name + "' stands twice");
  }
  return {};
}

Result<void> check_money(const ExperimentDesign& d) {
  if (!d.money) {
    return d.prices.empty() ? Result<void>{} : invalid_argument("prices: were given without a limit of money");
  }
  if (d.money->units < 0) return invalid_argument("money: is " + to_string(*d.money) + "; it must not be negative");
  if (d.prices.size() != d.arms.size()) {
    return invalid_argument("prices: are " + std::to_string(d.prices.size()) + " for " + std::to_string(d.arms.size()) +
                            " arms; every arm needs one where money is limited");
  }
  const std::int64_t dearest = std::ranges::max(d.prices);
  if (std::ranges::min(d.prices) < 0) return invalid_argument("prices: must not be negative");
  if (!fixed_samples(d.method) || dearest == 0) return {};
  const auto samples = static_cast<std::int64_t>(std::min<std::uint64_t>(d.samples, INT64_MAX));
  if (samples <= d.money->units / dearest) return {};
  return fail(ErrorCode::kInfeasible, "money: " + to_string(*d.money) + " pays " +
                                          std::to_string(d.money->units / dearest) +
                                          " samples of the dearest arm and the method may ask for " +
                                          std::to_string(samples) + "; lower samples or raise the money");
}

Result<void> check(const ExperimentDesign& d) {
  if (auto ok = check_arms(d.arms); !ok) return ok;
  if (!(d.high > d.low) || !(std::abs(d.low) <= 1e12) || !(std::abs(d.high) <= 1e12)) {
    return invalid_argument("range: rewards are from " + to_text(d.low) + " to " + to_text(d.high) +
                            "; low must be below high, and both at most 10^12 in size");
  }
  if (fixed_samples(d.method) && d.samples == 0) {
    return invalid_argument("samples: must be given for the method " + std::string(name_of(d.method)));
  }
  if (!fixed_samples(d.method) && !(d.tolerance >= 0 && d.tolerance <= d.high - d.low)) {
    return invalid_argument("tolerance: is " + to_text(d.tolerance) + "; it must be from 0 to high - low");
  }
  if (d.method != ExperimentMethod::kPrivate && !d.features.empty()) {
    return invalid_argument("features: are read by the private method alone");
  }
  return check_money(d);
}

// One-sided quantiles of a mean of n rewards and of its Laplace noise, both at 97.5%: together an interval of 90%.
double private_radius(const NoiseOptions& noise, std::uint64_t n) {
  const double sampling = std::sqrt(std::log(40.0) / (2 * static_cast<double>(n))), scale = noise_scale(noise, n);
  const double added = noise.noise == PrivateNoise::kLaplace    ? scale * std::log(20.0)
                       : noise.noise == PrivateNoise::kGaussian ? scale * 1.96
                                                                : 0;
  return sampling + added;
}

}  // namespace

std::string_view name_of(ExperimentMethod method) {
  switch (method) {
    case ExperimentMethod::kHalving: return "halving";
    case ExperimentMethod::kLucb: return "lucb";
    case ExperimentMethod::kElimination: return "elimination";
    case ExperimentMethod::kPrivate: return "private";
  }
  return "?";
}

Result<Experiment> Experiment::make(ExperimentDesign design) {
  if (auto ok = check(design); !ok) return tl::unexpected(ok.error());
  const std::size_t arms = design.arms.size();
  switch (design.method) {
    case ExperimentMethod::kHalving: {
      auto made = SequentialHalving::make({.arms = arms, .budget = design.samples});
      if (!made) return tl::unexpected(made.error());
      return Experiment(std::move(design), *std::move(made));
    }
    case ExperimentMethod::kLucb:
    case ExperimentMethod::kElimination: {
      auto made = FixedConfidence::make(
          {.arms = arms,
           .delta = design.delta,
           .epsilon = design.tolerance / (design.high - design.low),
           .rule = design.method == ExperimentMethod::kLucb ? ConfidenceRule::kLucb : ConfidenceRule::kElimination});
      if (!made) return tl::unexpected(made.error());
      return Experiment(std::move(design), *std::move(made));
    }
    case ExperimentMethod::kPrivate: break;
  }
  auto made = PrivateBestArm::make({.arms = arms, .dimension = design.dimension, .values = design.features},
                                   {.samples = design.samples,
                                    .schedule = design.schedule,
                                    .noise = design.noise,
                                    .clip = design.clip,
                                    .seed = design.seed});
  if (!made) return tl::unexpected(made.error());
  return Experiment(std::move(design), *std::move(made));
}

Experiment::Experiment(ExperimentDesign design, Method method)
    : design_(std::move(design)), method_(std::move(method)), counts_(design_.arms.size(), 0) {}
Experiment::Experiment(Experiment&&) noexcept = default;
Experiment& Experiment::operator=(Experiment&&) noexcept = default;
Experiment::~Experiment() = default;

std::int64_t Experiment::money_left() const { return design_.money ? design_.money->units - spent_ : INT64_MAX; }

bool Experiment::finished() const {
  if (const auto* search = std::get_if<PrivateBestArm>(&method_)) return search->done();
  if (const auto* halving = std::get_if<Halving>(&method_)) return (*halving)->verdict().stopped;
  if (design_.samples > 0 && samples_ >= design_.samples) return true;
  return std::get<Confident>(method_)->verdict().stopped;
}

std::vector<Pull> Experiment::next(std::uint64_t count) const {
  if (finished()) return {};
  count = std::min(count, kMostAtOnce);
  std::map<std::size_t, std::uint64_t> wanted;
  std::int64_t money = money_left();
  const auto take = [&](std::size_t arm) {
    const std::int64_t price = design_.prices.empty() ? 0 : design_.prices[arm];
    if (price > money) return false;
    money -= price;
    ++wanted[arm];
    return true;
  };
  if (const auto* search = std::get_if<PrivateBestArm>(&method_)) {
    // In turns, so that a few samples are of many arms.
    std::vector<Pull> batch = search->next_batch();
    for (std::uint64_t taken = 0, before = 1; taken < count && taken != before;) {
      before = taken;
      for (Pull& pull : batch) {
        if (taken == count || pull.count == 0 || !take(pull.arm)) continue;
        --pull.count, ++taken;
      }
    }
  } else {
    // A copy is asked, for asking marks what is under way.
    const auto ask = [&](auto& copy) {
      for (std::uint64_t taken = 0; taken < count; ++taken) {
        const auto arm = copy->next();
        if (!arm || !take(*arm)) break;
      }
    };
    std::visit(Overloaded{[&](const Halving& h) {
                            auto copy = SequentialHalving::make({h->arms(), design_.samples});
                            if (copy && (*copy)->load(h->save())) ask(*copy);
                          },
                          [&](const Confident& c) {
                            auto copy = FixedConfidence::make({c->arms(), design_.delta, design_.tolerance / scale(),
                                                               design_.method == ExperimentMethod::kLucb
                                                                   ? ConfidenceRule::kLucb
                                                                   : ConfidenceRule::kElimination});
                            if (design_.samples > 0)
                              count = std::min(count, design_.samples - std::min(design_.samples, samples_));
                            if (copy && (*copy)->load(c->save())) ask(*copy);
                          },
                          [](const PrivateBestArm&) {}},
               method_);
  }
  std::vector<Pull> out;
  for (const auto& [arm, n] : wanted) out.push_back({arm, n});
  return out;
}

Result<bool> Experiment::record(std::size_t arm, double reward, std::string_view id) {
  if (arm >= design_.arms.size()) return invalid_argument("arm: there is no arm " + std::to_string(arm));
  if (id.size() > kLongestId || !is_utf8(id)) return invalid_argument("id: must be at most 200 bytes of UTF-8");
  if (!id.empty()) {
    if (const auto found = ids_.find(std::string(id)); found != ids_.end()) {
      if (found->second.arm == arm && found->second.reward == reward) return false;
      return fail(ErrorCode::kAlreadyExists, "id '" + std::string(id) + "' was recorded with arm '" +
                                                 design_.arms[found->second.arm] + "' and another reward or arm");
    }
    if (ids_.size() >= kMostIds) return fail(ErrorCode::kExhausted, "ids: there are 10'000'000 already");
  }
  auto* search = std::get_if<PrivateBestArm>(&method_);
  const bool cuts = search != nullptr && design_.clip;
  if (std::isnan(reward) || (!cuts && !(reward >= design_.low && reward <= design_.high))) {
    return invalid_argument("reward: is " + to_text(reward) + "; it must be from " + to_text(design_.low) + " to " +
                            to_text(design_.high));
  }
  const double scaled = std::clamp((reward - design_.low) / scale(), 0.0, 1.0);
  const Result<void> learned =
      std::visit(Overloaded{[&](PrivateBestArm& s) { return s.report({{arm, 1, scaled}}); },
                            [&](auto& learner) { return learner->record(static_cast<Arm>(arm), scaled); }},
                 method_);
  if (!learned) {
    return tl::unexpected(with_context("arm '" + design_.arms[arm] + "'", learned.error()));
  }
  if (!id.empty()) ids_[std::string(id)] = {static_cast<std::uint32_t>(arm), reward};
  ++counts_[arm];
  ++samples_;
  if (!design_.prices.empty() && __builtin_add_overflow(spent_, design_.prices[arm], &spent_)) spent_ = INT64_MAX;
  return true;
}

void Experiment::describe_private(const PrivateBestArm& search, ExperimentStatus& out) const {
  out.interval = "90% each, sampling and noise together, of arms that were sampled in the phase";
  out.phase = search.phases().size();
  out.phases = search.plan().phases();
  out.privacy = search.spent();
  for (ArmStatus& arm : out.arms) arm.active = false;
  for (const std::size_t arm : search.active()) out.arms[arm].active = true;
  for (const PrivatePhase& phase : search.phases()) {
    const double radius = private_radius(design_.noise, phase.pulls) * scale();
    for (std::size_t i = 0; i < phase.arms.size(); ++i) {
      ArmStatus& arm = out.arms[phase.arms[i]];
      arm.mean = design_.low + scale() * phase.means[i];
      const bool sampled = std::ranges::binary_search(phase.pulled, phase.arms[i]);
      arm.low = *arm.mean - (sampled ? radius : 0);
      arm.high = *arm.mean + (sampled ? radius : 0);
    }
  }
}

ExperimentStatus Experiment::status() const {
  ExperimentStatus out{.arms = std::vector<ArmStatus>(design_.arms.size()),
                       .samples = samples_,
                       .money_spent = spent_,
                       .finished = finished()};
  for (std::size_t a = 0; a < counts_.size(); ++a) out.arms[a].count = counts_[a];
  if (const auto* search = std::get_if<PrivateBestArm>(&method_)) {
    describe_private(*search, out);
    return out;
  }
  const auto fill = [&](const auto& learner) {
    const std::vector<Belief> beliefs = learner->beliefs();
    for (std::size_t a = 0; a < beliefs.size(); ++a) {
      if (beliefs[a].pulls == 0) continue;
      out.arms[a].mean = design_.low + scale() * beliefs[a].mean;
      out.arms[a].low = design_.low + scale() * beliefs[a].low;
      out.arms[a].high = design_.low + scale() * beliefs[a].high;
    }
  };
  if (const auto* halving = std::get_if<Halving>(&method_)) {
    fill(*halving);
    out.interval = "95% for all arms together, at one moment that was chosen beforehand";
    for (ArmStatus& arm : out.arms) arm.active = false;
    for (const Arm a : (*halving)->left()) out.arms[a].active = true;
  } else {
    fill(std::get<Confident>(method_));
    out.interval = to_text(100 * (1 - design_.delta)) + "% for all arms and all times together";
  }
  return out;
}

Result<ExperimentDecision> Experiment::decide() const {
  if (samples_ == 0) return fail(ErrorCode::kUnavailable, "nothing was recorded yet; `next` says what to sample");
  ExperimentDecision out{.finished = finished()};
  if (const auto* search = std::get_if<PrivateBestArm>(&method_)) {
    if (search->phases().empty()) {
      return fail(ErrorCode::kUnavailable, "the first phase has not ended: no private mean was released yet");
    }
    const PrivatePhase& last = search->phases().back();
    const auto best = std::ranges::max_element(last.means) - last.means.begin();
    out.arm = out.finished ? search->answer()->arm : last.arms[static_cast<std::size_t>(best)];
    const PrivacyLoss spent = search->spent();
    out.guarantee = design_.noise.noise == PrivateNoise::kNone
                        ? "no privacy was asked for"
                        : "no single reward moves the chance of this answer by more than a factor e^" +
                              to_text(spent.epsilon) + (spent.delta > 0 ? ", but for " + to_text(spent.delta) : "");
    if (design_.noise.user_weight > 1) out.guarantee += ", nor do the rewards of one person";
    out.guarantee += design_.schedule == EliminationSchedule::kPaper
                         ? "; it errs with a chance that falls exponentially in the samples, by gaps that are not known"
                         : "; how often it errs is not promised";
    return out;
  }
  const Verdict verdict = std::visit(Overloaded{[](const PrivateBestArm&) { return Verdict{}; },
                                                [](const auto& learner) { return learner->verdict(); }},
                                     method_);
  out.arm = verdict.arm;
  out.tolerance = verdict.epsilon * scale();
  out.error = verdict.error;
  out.guaranteed = verdict.guaranteed && verdict.stopped;
  if (out.guaranteed) {
    out.guarantee = "with probability " + to_text(1 - verdict.error) + " no arm is better" +
                    (out.tolerance > 0 ? " by more than " + to_text(out.tolerance) : "");
  } else if (std::holds_alternative<Halving>(method_) && verdict.stopped && verdict.error < .5) {
    out.guarantee = "estimated from the gaps as measured, another arm is better with a chance of at most " +
                    to_text(std::round(verdict.error * 1e4) / 1e4);
  } else if (std::holds_alternative<Halving>(method_) && verdict.stopped) {
    out.error = 1;
    out.guarantee = "none: at gaps like the measured ones the bound of the method says nothing for so few samples; " +
                    std::string("the intervals of status say how far apart they are");
  } else {
    out.error = 1;
    out.guarantee = "none: the samples so far do not tell it from its rivals";
  }
  return out;
}

PrivacyLoss Experiment::privacy_cost() const {
  const auto* search = std::get_if<PrivateBestArm>(&method_);
  return search != nullptr ? search->cost() : PrivacyLoss{};
}

PrivacyLoss Experiment::privacy_spent() const {
  const auto* search = std::get_if<PrivateBestArm>(&method_);
  return search != nullptr ? search->spent() : PrivacyLoss{};
}

}  // namespace bursar::explore
