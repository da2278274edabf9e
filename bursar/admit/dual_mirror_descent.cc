#include "bursar/admit/dual_mirror_descent.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "bursar/core/saved_numbers.h"

namespace bursar::admit {
namespace {

constexpr double kEntropyStart = .3, kEntropyFloor = 1e-9;  // scaled
constexpr double kLargestOfAllowance = 5;                   // a learned scale, in allowances
constexpr double kFewestRequests = 100;                     // that a step by the clock is planned for

Result<void> check_length(std::string_view name, const std::vector<double>& x, std::size_t resources, double above) {
  if (!x.empty() && x.size() != resources) {
    return invalid_argument(std::string(name) + ": has " + std::to_string(x.size()) + " numbers for " +
                            std::to_string(resources) + " resources");
  }
  for (const double v : x) {
    if (!std::isfinite(v) || v < above || (above == 0 && v < 0)) {
      return invalid_argument(std::string(name) + ": is " + std::to_string(v) + "; every number must be finite and " +
                              (above > 0 ? "above 0" : "at least 0"));
    }
  }
  return {};
}

constexpr double kSmallest = std::numeric_limits<double>::min();

}  // namespace

double learned_cost_scale(double largest, double allowance) { return std::clamp(largest, allowance, 5 * allowance); }

void mirror_step(Mirror mirror, std::span<double> prices, std::span<const double> gradient, double eta,
                 std::span<const double> weights) {
  for (std::size_t j = 0; j < prices.size(); ++j) {
    if (mirror == Mirror::kEntropy) {
      prices[j] *= std::exp(-eta * gradient[j]);
    } else {
      const double s = mirror == Mirror::kWeighted ? weights[j] : 1;
      prices[j] = std::max(0.0, prices[j] - eta * s * gradient[j]);
    }
  }
}

Result<std::unique_ptr<DualMirrorDescent>> DualMirrorDescent::make(Plan plan, MirrorConfig config) {
  const std::size_t m = plan.budget.size();
  if (m == 0) return invalid_argument("budget: has no resource");
  for (const auto& [name, numbers, above] : {std::tuple{"budget", &plan.budget, kSmallest},
                                             {"initial_prices", &config.initial_prices, 0.0},
                                             {"cost_scale", &config.cost_scale, kSmallest},
                                             {"weights", &config.weights, kSmallest}}) {
    if (auto ok = check_length(name, *numbers, m, above); !ok) return tl::unexpected(ok.error());
  }
  const bool by_clock = config.pace == Pace::kReceding && config.period_s > 0;
  if (plan.horizon == 0 && config.pace != Pace::kDoubling && !by_clock) {
    return invalid_argument(
        "horizon: must be at least 1 request; where it is not known, set pace to doubling, or to receding with "
        "period_s");
  }
  if (config.mirror == Mirror::kEntropy &&
      std::ranges::any_of(config.initial_prices, [](double p) { return p == 0; })) {
    return invalid_argument("initial_prices: a price of 0 stays 0 under the entropy mirror; give every one above 0");
  }
  if (!std::isfinite(config.step) || config.step < 0 || !std::isfinite(config.reward_scale) ||
      config.reward_scale < 0) {
    return invalid_argument("step and reward_scale must be finite and at least 0");
  }
  return std::unique_ptr<DualMirrorDescent>(new DualMirrorDescent(std::move(plan), std::move(config)));
}

DualMirrorDescent::DualMirrorDescent(Plan plan, MirrorConfig config)
    : plan_(std::move(plan)), config_(std::move(config)), reward_scale_(config_.reward_scale) {
  const std::size_t m = plan_.budget.size();
  if (config_.step == 0) config_.step = config_.mirror == Mirror::kEntropy ? 3 : 1;
  if (config_.first_epoch == 0) config_.first_epoch = 1;
  mu_ = config_.initial_prices;
  mu_.resize(m, 0);
  cost_scale_ = config_.cost_scale;
  cost_scale_.resize(m, 0);
  allowance_.resize(m);
  factor_.resize(m);
  floor_.resize(m);
  cap_.resize(m);
  const double requests = static_cast<double>(std::max<std::uint64_t>(plan_.horizon, 1));
  for (std::size_t j = 0; j < m; ++j) allowance_[j] = plan_.budget[j] / requests;
  eta_ = config_.step / std::sqrt(requests);
  for (std::size_t j = 0; j < m; ++j) {
    if (config_.mirror == Mirror::kEntropy && config_.initial_prices.empty() && reward_scale_ > 0 && cost_scale_[j] > 0)
      mu_[j] = kEntropyStart * reward_scale_ / cost_scale_[j];
  }
  set_factors();
}

// What every scale, step or base allowance enters only through.
void DualMirrorDescent::set_factors() {
  for (std::size_t j = 0; j < mu_.size(); ++j) {
    const double b = cost_scale_[j], f = reward_scale_;
    factor_[j] = floor_[j] = 0;
    cap_[j] = std::numeric_limits<double>::max();
    if (b == 0 || f == 0) continue;
    switch (config_.mirror) {
      case Mirror::kEntropy:
        factor_[j] = eta_ / b;
        floor_[j] = kEntropyFloor * f / b;
        break;
      case Mirror::kEuclidean: factor_[j] = eta_ * f / (b * b); break;
      case Mirror::kWeighted: {
        const double rho = plan_.horizon > 0 ? plan_.budget[j] / static_cast<double>(plan_.horizon) : allowance_[j];
        factor_[j] = eta_ * f / (b * b) * (config_.weights.empty() ? b / std::max(rho, b * 1e-6) : config_.weights[j]);
        break;
      }
    }
    if (!config_.clip || plan_.horizon == 0) continue;
    const double rho = plan_.budget[j] / static_cast<double>(plan_.horizon);
    const double start = config_.initial_prices.empty() ? 0 : config_.initial_prices[j];
    cap_[j] = std::max(f / rho + f / b, start);
  }
}

std::span<const double> DualMirrorDescent::prices(const PriceQuestion& question) {
  if (config_.pace != Pace::kFixed) pace(question);
  return mu_;
}

void DualMirrorDescent::pace(const PriceQuestion& q) {
  if (config_.pace == Pace::kDoubling) {
    if (q.decided < epoch_end_) return;
    const double length = static_cast<double>(config_.first_epoch) * std::exp2(static_cast<double>(epoch_));
    ++epoch_;
    epoch_end_ += static_cast<std::uint64_t>(length);
    eta_ = config_.step / std::sqrt(length);
    if (plan_.horizon == 0) {
      for (std::size_t j = 0; j < mu_.size(); ++j)
        allowance_[j] = std::max(q.remaining[j], plan_.budget[j] * 1e-9) / (2 * length);
    }
    set_factors();
    return;
  }
  double left = 1;
  if (config_.period_s > 0) {
    if (q.decided == 0) first_time_s_ = q.time_s;
    const double passed = q.time_s - first_time_s_, to_come = config_.period_s - passed;
    past_end_ = to_come <= 0;
    const double so_far = static_cast<double>(q.decided) + 1;
    // At the rate so far; before anything can be said of it, as if few requests were to come.
    left = std::max(1.0, passed > 0 ? so_far * to_come / passed : kFewestRequests);
    eta_ = config_.step / std::sqrt(std::max(kFewestRequests, so_far + left));
  } else if (q.decided < plan_.horizon) {
    left = static_cast<double>(plan_.horizon - q.decided);
  }
  for (std::size_t j = 0; j < mu_.size(); ++j) allowance_[j] = std::max(0.0, q.remaining[j]) / left;
  if (config_.period_s > 0) set_factors();
}

void DualMirrorDescent::see_scale(const PriceLesson& lesson) {
  bool grown = false, above = false;
  if (lesson.reward > reward_scale_) {
    above = config_.reward_scale > 0;
    if (!above) reward_scale_ = lesson.reward, grown = true;
  }
  for (std::size_t j = 0; j < mu_.size(); ++j) {
    if (lesson.intended[j] <= cost_scale_[j]) continue;
    if (!config_.cost_scale.empty()) {
      above = true;
      continue;
    }
    const double rho = plan_.horizon > 0 ? plan_.budget[j] / static_cast<double>(plan_.horizon) : allowance_[j];
    const double scale = learned_cost_scale(lesson.intended[j], rho);
    if (scale > cost_scale_[j]) cost_scale_[j] = scale, grown = true;
  }
  if (above) ++above_scale_;
  if (!grown) return;
  // An entropy price begins when both of its scales are known.
  for (std::size_t j = 0; j < mu_.size(); ++j) {
    if (config_.mirror == Mirror::kEntropy && mu_[j] == 0 && cost_scale_[j] > 0)
      mu_[j] = kEntropyStart * reward_scale_ / cost_scale_[j];
  }
  set_factors();
}

void DualMirrorDescent::move(std::size_t j, double gradient) {
  const double by = factor_[j] * gradient;
  const double to = config_.mirror == Mirror::kEntropy ? mu_[j] * std::exp(-by) : mu_[j] - by;
  mu_[j] = std::clamp(to, floor_[j], cap_[j]);
}

void DualMirrorDescent::learn(const PriceLesson& lesson) {
  ++lessons_;
  see_scale(lesson);
  for (std::size_t j = 0; j < mu_.size(); ++j) move(j, allowance_[j] - lesson.intended[j]);
}

void DualMirrorDescent::correct(std::span<const double> difference) {
  for (std::size_t j = 0; j < mu_.size(); ++j) {
    if (difference[j] != 0) move(j, -difference[j]);
  }
}

boost::json::object DualMirrorDescent::save() const {
  return {{"prices", saved_numbers(mu_)},
          {"allowance", saved_numbers(allowance_)},
          {"reward_scale", reward_scale_},
          {"cost_scale", saved_numbers(cost_scale_)},
          {"eta", eta_},
          {"lessons", lessons_},
          {"above_scale", above_scale_},
          {"epoch", epoch_},
          {"epoch_end", epoch_end_},
          {"first_time_s", first_time_s_},
          {"past_end", past_end_}};
}

Result<void> DualMirrorDescent::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  const std::size_t m = mu_.size();
  auto mu = from.numbers("prices", m), allowance = from.numbers("allowance", m), scale = from.numbers("cost_scale", m);
  const double reward_scale = from.number("reward_scale"), eta = from.number("eta"),
               first = from.signed_number("first_time_s");
  const std::uint64_t lessons = from.count("lessons"), above = from.count("above_scale"), epoch = from.count("epoch"),
                      epoch_end = from.count("epoch_end");
  const bool past_end = from.flag("past_end");
  if (auto ok = from.check(); !ok) return ok;
  mu_ = std::move(mu);
  allowance_ = std::move(allowance);
  cost_scale_ = std::move(scale);
  reward_scale_ = reward_scale;
  eta_ = eta;
  first_time_s_ = first;
  lessons_ = lessons;
  above_scale_ = above;
  epoch_ = epoch;
  epoch_end_ = epoch_end;
  past_end_ = past_end;
  set_factors();
  return {};
}

}  // namespace bursar::admit
