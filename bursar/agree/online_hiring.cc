#include "bursar/agree/online_hiring.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "bursar/agree/number_text.h"
#include "bursar/agree/own_laws.h"

namespace bursar::agree {
namespace {

constexpr double kLargest = 1e12;
constexpr std::uint64_t kLeastHorizon = 100, kMostHorizon = 1'000'000'000'000;
constexpr double kMostConfusion = .1;  // of one decision about which effort was taken
constexpr int kHalvings = 60;          // of the margin, before it is given up

Result<void> check_rules(const OnlineSpec& spec, const HiringShape& shape) {
  if (spec.rules.size() != shape.agents()) {
    return invalid_argument("there are " + std::to_string(shape.agents()) + " agents and strict rules for " +
                            std::to_string(spec.rules.size()));
  }
  for (std::size_t i = 0; i < shape.agents(); ++i) {
    const std::string who = "the strict rules of agent " + std::to_string(i);
    if (spec.rules[i].pay.size() != shape.efforts.size_of(i))
      return invalid_argument(who + " are " + std::to_string(spec.rules[i].pay.size()) + "; give one per effort");
    for (const auto& pay : spec.rules[i].pay) {
      if (pay.size() != shape.signals.size_of(i) * shape.states)
        return invalid_argument(who + " must have a number for every own signal and state");
      for (const double x : pay) {
        if (!(x >= 0 && x <= spec.pay_cap))
          return invalid_argument(who + " pay " + to_text(x) + "; it must be from 0 to the cap of " +
                                  to_text(spec.pay_cap));
      }
    }
  }
  return {};
}

Result<void> check_spec(const OnlineSpec& spec, const HiringShape& shape) {
  if (!(spec.pay_cap > 0 && spec.pay_cap <= kLargest))
    return invalid_argument("pay_cap is " + to_text(spec.pay_cap) + "; it must be above 0 and at most 1e12");
  if (spec.utility.empty() || spec.utility.size() % shape.states != 0)
    return invalid_argument("the utility has " + std::to_string(spec.utility.size()) + " numbers; give " +
                            std::to_string(shape.states) + ", one a state, for every action");
  if (spec.utility.size() > kMostHiringCells) return invalid_argument("there are too many actions");
  for (const double u : spec.utility) {
    if (!(std::abs(u) <= kLargest)) return invalid_argument("a utility is " + to_text(u) + "; at most 1e12 is taken");
  }
  if (spec.horizon < kLeastHorizon || spec.horizon > kMostHorizon)
    return invalid_argument("the horizon is " + std::to_string(spec.horizon) + " rounds; 100 to 10^12 are taken");
  const OnlineOptions& o = spec.options;
  if (!(o.kappa >= 0 && o.kappa <= 100) || !(o.exploration > 0 && o.exploration <= 100))
    return invalid_argument("kappa is " + to_text(o.kappa) + " and exploration " + to_text(o.exploration) +
                            "; 0 … 100 and above 0 … 100 are taken");
  if (o.robustness == Robustness::kMix && !(o.strict_margin > 0 && o.strict_margin <= spec.pay_cap))
    return invalid_argument("strict_margin is " + to_text(o.strict_margin) +
                            "; to mix with the strict rules it must be above 0 and at most the cap");
  return check_rules(spec, shape);
}

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

}  // namespace

std::string_view name_of(HiringPhase phase) {
  switch (phase) {
    case HiringPhase::kExplore: return "explore";
    case HiringPhase::kCompare: return "compare";
    case HiringPhase::kCommit: return "commit";
    case HiringPhase::kStuck: return "stuck";
  }
  return "stuck";
}

Result<OnlineHiring> OnlineHiring::make(OnlineSpec spec) {
  auto shape = shape_of(spec.efforts, spec.signals, spec.states);
  if (!shape) return tl::unexpected(shape.error());
  if (auto ok = check_spec(spec, *shape); !ok) return tl::unexpected(ok.error());
  OnlineHiring out(std::move(spec), std::move(*shape));
  if (out.exploration_rounds() >= out.spec_.horizon) {
    return invalid_argument("exploring takes about " + std::to_string(out.exploration_rounds()) + " of " +
                            std::to_string(out.spec_.horizon) +
                            " rounds; lengthen the horizon, or pay by the strict rules for good");
  }
  return out;
}

OnlineHiring::OnlineHiring(OnlineSpec spec, HiringShape shape) : spec_(std::move(spec)), shape_(std::move(shape)) {
  const auto horizon = static_cast<double>(spec_.horizon), profiles = static_cast<double>(shape_.efforts.size());
  profile_rounds_ = static_cast<std::uint64_t>(
      std::max(1.0, std::ceil(spec_.options.exploration * std::pow(horizon, 2.0 / 3) / profiles)));
  query_rounds_ = static_cast<std::uint64_t>(std::ceil(40 * std::log(horizon)));
  steps_ = static_cast<int>(std::ceil(std::log2(horizon) / 2));
  counts_.resize(shape_.cells());
  act_.resize(shape_.signals.size());
  for (std::size_t i = 0; i < shape_.agents(); ++i) searches_.emplace_back(shape_.efforts.size_of(i), steps_);
  offer_profile();
}

std::uint64_t OnlineHiring::exploration_rounds() const {
  std::uint64_t segments = 0;
  for (std::size_t i = 0; i < shape_.agents(); ++i) segments += shape_.efforts.size_of(i) - 1;
  return shape_.efforts.size() * profile_rounds_ + segments * static_cast<std::uint64_t>(steps_) * query_rounds_;
}

// ---- what is offered

void OnlineHiring::offer_profile() {
  in_part_ = 0;
  ++offer_.terms;
  offer_.efforts = shape_.efforts.digits(profile_);
  offer_.pay.clear();
  for (std::size_t i = 0; i < shape_.agents(); ++i) offer_.pay.push_back(spec_.rules[i].pay[offer_.efforts[i]]);
  look_at_counts();
}

// The best action on what this profile has shown so far; a trace of the states' frequencies decides where nothing is
// known of a report.
void OnlineHiring::look_at_counts() {
  constexpr double kTrace = 1e-3;
  std::vector<double> weight(shape_.signals.size() * shape_.states), state(shape_.states);
  for (std::size_t cell = 0; cell < counts_.size(); ++cell)
    state[cell % shape_.states] += static_cast<double>(counts_[cell]) / static_cast<double>(round_ + 1);
  for (std::size_t k = 0; k < weight.size(); ++k)
    weight[k] = static_cast<double>(counts_[shape_.cell(profile_, 0, 0) + k]) + kTrace * state[k % shape_.states];
  const HiringShape one{.efforts = ProfileSpace({1}), .signals = shape_.signals, .states = shape_.states};
  act_ = best_actions(one, weight, spec_.utility).act;
}

void OnlineHiring::offer_query() {
  const auto [from, to, share, below, above] = searches_[agent_].query();
  in_part_ = 0;
  ++offer_.terms;
  offer_.phase = HiringPhase::kCompare;
  offer_.efforts = cheapest_;
  for (std::size_t i = 0; i < shape_.agents(); ++i) offer_.pay[i] = spec_.rules[i].pay[cheapest_[i]];
  for (std::size_t k = 0; k < offer_.pay[agent_].size(); ++k) {
    const auto& rules = spec_.rules[agent_].pay;
    offer_.pay[agent_][k] = share * rules[to][k] + (1 - share) * rules[from][k];
  }
  offer_.efforts[agent_] = below;
  seen_.assign(offer_.pay[agent_].size(), 0);
  // Which of the two it will be is what is asked: act on the mean of both.
  std::vector<double> mean(shape_.signals.size() * shape_.states);
  for (const std::size_t effort : {below, above}) {
    const std::size_t b = shape_.efforts.with(shape_.efforts.index(cheapest_), agent_, effort);
    for (std::size_t k = 0; k < mean.size(); ++k) mean[k] += joint_[shape_.cell(b, 0, 0) + k];
  }
  const HiringShape one{.efforts = ProfileSpace({1}), .signals = shape_.signals, .states = shape_.states};
  act_ = best_actions(one, mean, spec_.utility).act;
}

// A draw depends on the seed and the round alone, so that a loaded state draws the same.
void OnlineHiring::offer_draw() {
  double u = RandomStream(spec_.seed).split("commit").split(round_).uniform01();
  std::size_t b = 0;
  for (std::size_t k = 0; k < mechanism_->mu.size(); ++k) {
    if (mechanism_->mu[k] == 0) continue;
    b = k;
    if (u < mechanism_->mu[k]) break;
    u -= mechanism_->mu[k];
  }
  profile_ = b;
  offer_.efforts = shape_.efforts.digits(b);
}

std::size_t OnlineHiring::act(std::span<const std::size_t> reports) const {
  const std::size_t s = shape_.signals.index(reports);
  return mechanism_ ? mechanism_->act[profile_ * shape_.signals.size() + s] : act_[s];
}

double OnlineHiring::pay(std::size_t agent, std::span<const std::size_t> reports, std::size_t theta) const {
  if (mechanism_) return mechanism_->pay[agent][shape_.cell(profile_, shape_.signals.index(reports), theta)];
  return offer_.pay[agent][reports[agent] * shape_.states + theta];
}

// ---- what is seen

Result<void> OnlineHiring::observe(std::span<const std::size_t> reports, std::size_t theta) {
  if (phase() == HiringPhase::kStuck) return fail(ErrorCode::kInfeasible, stuck_);
  if (reports.size() != shape_.agents() || theta >= shape_.states)
    return invalid_argument("there are " + std::to_string(reports.size()) + " reports and state " +
                            std::to_string(theta) + "; " + std::to_string(shape_.agents()) +
                            " reports and a state below " + std::to_string(shape_.states) + " are needed");
  for (std::size_t i = 0; i < reports.size(); ++i) {
    if (reports[i] >= shape_.signals.size_of(i))
      return invalid_argument("agent " + std::to_string(i) + " reports signal " + std::to_string(reports[i]) +
                              "; there are " + std::to_string(shape_.signals.size_of(i)));
  }
  ++round_;
  ++in_part_;
  Result<void> done;
  if (phase() == HiringPhase::kExplore) {
    ++counts_[shape_.cell(profile_, shape_.signals.index(reports), theta)];
    if (in_part_ < profile_rounds_) {
      if (std::has_single_bit(in_part_)) look_at_counts();
    } else if (++profile_ < shape_.efforts.size()) {
      offer_profile();
    } else {
      done = begin_compare();
    }
  } else if (phase() == HiringPhase::kCompare) {
    ++seen_[reports[agent_] * shape_.states + theta];
    if (in_part_ == query_rounds_) done = answer_query();
  } else {
    offer_draw();
  }
  if (!done) get_stuck(done.error());
  return done;
}

void OnlineHiring::estimate() {
  joint_.assign(counts_.size(), 0);
  laws_.clear();
  cheapest_.clear();
  for (std::size_t k = 0; k < counts_.size(); ++k)
    joint_[k] = static_cast<double>(counts_[k]) / static_cast<double>(profile_rounds_);
  for (std::size_t i = 0; i < shape_.agents(); ++i) {
    const std::size_t efforts = shape_.efforts.size_of(i), others = shape_.efforts.size() / efforts;
    auto& laws = laws_.emplace_back(efforts, std::vector<double>(shape_.signals.size_of(i) * shape_.states));
    for (std::size_t k = 0; k < joint_.size(); ++k) {
      const std::size_t theta = k % shape_.states, s = k / shape_.states % shape_.signals.size(),
                        b = k / shape_.states / shape_.signals.size();
      laws[shape_.efforts.digit(b, i)][shape_.signals.digit(s, i) * shape_.states + theta] +=
          joint_[k] / static_cast<double>(others);
    }
    std::size_t cheapest = 0;
    for (std::size_t e = 0; e < efforts; ++e) {
      if (dot(laws[e], spec_.rules[i].pay[e]) < dot(laws[cheapest], spec_.rules[i].pay[cheapest])) cheapest = e;
    }
    cheapest_.push_back(cheapest);
  }
}

namespace {

OwnLaws own_laws_of(const std::vector<std::vector<double>>& laws, double rounds) {
  std::vector<std::vector<std::uint64_t>> counts;
  for (const auto& law : laws) {
    auto& own = counts.emplace_back();
    for (const double p : law) own.push_back(static_cast<std::uint64_t>(std::llround(p * rounds)));
  }
  return OwnLaws(counts);
}

}  // namespace

Result<void> OnlineHiring::begin_compare() {
  estimate();
  for (std::size_t i = 0; i < shape_.agents(); ++i) {
    const std::size_t efforts = shape_.efforts.size_of(i);
    const OwnLaws laws = own_laws_of(
        laws_[i], static_cast<double>(profile_rounds_) * static_cast<double>(shape_.efforts.size() / efforts));
    for (std::size_t a = 0; a < efforts; ++a) {
      for (std::size_t b = a + 1; b < efforts; ++b) {
        const double confusion = laws.confusion(a, b, static_cast<double>(query_rounds_));
        if (confusion <= kMostConfusion) continue;
        return fail(ErrorCode::kInfeasible,
                    "unidentifiable: efforts " + std::to_string(a) + " and " + std::to_string(b) + " of agent " +
                        std::to_string(i) + " lead to nearly the same reports; " + std::to_string(query_rounds_) +
                        " rounds mistake one for the other with a chance of about " + to_short(confusion));
      }
    }
  }
  agent_ = 0;
  while (agent_ < shape_.agents() && searches_[agent_].done()) ++agent_;
  if (agent_ == shape_.agents()) return commit();
  offer_query();
  return {};
}

Result<void> OnlineHiring::answer_query() {
  const double behind = static_cast<double>(profile_rounds_) *
                        static_cast<double>(shape_.efforts.size() / shape_.efforts.size_of(agent_));
  const auto effort = own_laws_of(laws_[agent_], behind).likeliest(seen_);
  auto ok = effort ? searches_[agent_].answer(*effort) : Result<void>(tl::unexpected(effort.error()));
  if (!ok) return tl::unexpected(with_context("agent " + std::to_string(agent_), ok.error()));
  while (agent_ < shape_.agents() && searches_[agent_].done()) ++agent_;
  if (agent_ == shape_.agents()) return commit();
  offer_query();
  return {};
}

std::vector<double> OnlineHiring::expected_pay(std::size_t agent) const {
  std::vector<double> out;
  for (const auto& rule : spec_.rules[agent].pay) {
    for (const auto& law : laws_[agent]) out.push_back(dot(law, rule));
  }
  return out;
}

// ---- committing

Result<Mechanism> OnlineHiring::robust_mechanism(const HiringGame& game) const {
  const double horizon = std::log(static_cast<double>(spec_.horizon));
  double margin = spec_.options.kappa * spec_.pay_cap * std::sqrt(horizon / static_cast<double>(profile_rounds_));
  // Frequencies of finitely many rounds do not keep own laws apart from others' efforts: no check of that.
  MechanismOptions options{.tolerance = 2};
  if (spec_.options.robustness == Robustness::kMix) {
    options.ic_margin = -margin;
    auto mechanism = optimal_mechanism(game, options);
    const double l = spec_.options.strict_margin;
    if (mechanism) mix_with_strict_rules(*mechanism, std::min(1.0, 2 * margin / (l + margin)));
    return mechanism;
  }
  for (int k = 0; k < kHalvings; ++k, margin /= 2) {
    options.ic_margin = margin;
    auto mechanism = optimal_mechanism(game, options);
    if (mechanism || mechanism.error().code != ErrorCode::kInfeasible) return mechanism;
  }
  options.ic_margin = 0;
  return optimal_mechanism(game, options);
}

void OnlineHiring::mix_with_strict_rules(Mechanism& m, double alpha) const {
  m.value += m.expected_pay;
  m.expected_pay = 0;
  for (std::size_t cell = 0; cell < shape_.cells(); ++cell) {
    const std::size_t theta = cell % shape_.states, s = cell / shape_.states % shape_.signals.size(),
                      b = cell / shape_.states / shape_.signals.size();
    for (std::size_t i = 0; i < shape_.agents(); ++i) {
      const auto& strict = spec_.rules[i].pay[shape_.efforts.digit(b, i)];
      double& pay = m.pay[i][cell];
      pay = (1 - alpha) * pay + alpha * strict[shape_.signals.digit(s, i) * shape_.states + theta];
      m.expected_pay += m.mu[b] * joint_[cell] * pay;
    }
  }
  m.value -= m.expected_pay;
}

Result<void> OnlineHiring::commit() {
  HiringGame game{
      .prior = std::vector<double>(shape_.states), .joint = joint_, .utility = spec_.utility, .pay_cap = spec_.pay_cap};
  costs_.clear();
  for (std::size_t i = 0; i < shape_.agents(); ++i) {
    auto costs = costs_of(searches_[i].switches(), shape_.efforts.size_of(i), expected_pay(i));
    if (!costs) return tl::unexpected(with_context("agent " + std::to_string(i), costs.error()));
    game.agents.push_back({.costs = *costs, .signals = shape_.signals.size_of(i)});
    costs_.push_back(std::move(*costs));
  }
  for (std::size_t k = 0; k < joint_.size(); ++k)
    game.prior[k % shape_.states] += joint_[k] / static_cast<double>(shape_.efforts.size());
  auto mechanism = robust_mechanism(game);
  if (!mechanism) return tl::unexpected(mechanism.error());
  mechanism_ = std::move(*mechanism);
  ++offer_.terms;
  offer_.phase = HiringPhase::kCommit;
  offer_.pay.clear();
  offer_draw();
  return {};
}

void OnlineHiring::get_stuck(const Error& error) {
  stuck_ = error.message;
  ++offer_.terms;
  offer_.phase = HiringPhase::kStuck;
  // The profile that pays best under its strict rules, as far as was seen.
  const BestActions best = best_actions(shape_, joint_, spec_.utility);
  double most = 0;
  profile_ = 0;
  for (std::size_t b = 0; b < shape_.efforts.size(); ++b) {
    double value = best.worth[b];
    for (std::size_t i = 0; i < shape_.agents(); ++i) {
      const std::size_t effort = shape_.efforts.digit(b, i);
      value -= dot(laws_[i][effort], spec_.rules[i].pay[effort]);
    }
    if (b > 0 && value <= most) continue;
    most = value;
    profile_ = b;
  }
  offer_.efforts = shape_.efforts.digits(profile_);
  offer_.pay.clear();
  for (std::size_t i = 0; i < shape_.agents(); ++i) offer_.pay.push_back(spec_.rules[i].pay[offer_.efforts[i]]);
  const auto first = best.act.begin() + static_cast<std::ptrdiff_t>(profile_ * shape_.signals.size());
  act_.assign(first, first + static_cast<std::ptrdiff_t>(shape_.signals.size()));
}

}  // namespace bursar::agree
