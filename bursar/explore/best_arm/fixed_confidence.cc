#include <algorithm>
#include <cmath>
#include <numbers>

#include "bursar/core/saved_numbers.h"
#include "bursar/explore/best_arm/best_arm.h"
#include "bursar/explore/learner_checks.h"

namespace bursar::explore {

FixedConfidence::FixedConfidence(const FixedConfidenceOptions& options) : options_(options), table_(options.arms) {}

Result<std::unique_ptr<FixedConfidence>> FixedConfidence::make(const FixedConfidenceOptions& options) {
  if (auto ok = check_arms(options.arms); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_between("delta", options.delta, 1e-12, 1 - 1e-12); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_between("epsilon", options.epsilon, 0, 1); !ok) return tl::unexpected(ok.error());
  return std::unique_ptr<FixedConfidence>(new FixedConfidence(options));
}

double FixedConfidence::radius(Arm arm) const {
  const double n = table_.pulls(arm), k = static_cast<double>(table_.arms());
  if (n == 0) return 1;
  const double inside = options_.rule == ConfidenceRule::kLucb
                            ? 5 * k * std::pow(std::max(samples_, 1.0), 4) / (4 * options_.delta)
                            : std::numbers::pi * std::numbers::pi * k * n * n / (3 * options_.delta);
  return std::min(1.0, std::sqrt(std::log(inside) / (2 * n)));
}

FixedConfidence::Rivals FixedConfidence::rivals() const {
  Rivals out;
  for (Arm a = 1; a < table_.arms(); ++a) {
    if (table_.mean(a) > table_.mean(out.best)) out.best = a;
  }
  double top = -1;
  for (Arm a = 0; a < table_.arms(); ++a) {
    const double upper = table_.mean(a) + radius(a);
    if (a != out.best && upper > top) top = upper, out.rival = a;
  }
  out.gap = top - (table_.mean(out.best) - radius(out.best));
  return out;
}

bool FixedConfidence::stopped() const {
  if (table_.arms() == 1) return true;
  for (Arm a = 0; a < table_.arms(); ++a) {
    if (table_.pulls(a) == 0) return false;
  }
  return rivals().gap <= options_.epsilon;
}

// The arm with fewest picks among those whose upper bound reaches the highest lower one.
std::optional<Arm> FixedConfidence::in_turn() const {
  double floor = -1;
  for (Arm a = 0; a < table_.arms(); ++a) floor = std::max(floor, table_.mean(a) - radius(a));
  std::optional<Arm> out;
  for (Arm a = 0; a < table_.arms(); ++a) {
    if (table_.mean(a) + radius(a) < floor) continue;
    if (!out || table_.picks(a) < table_.picks(*out)) out = a;
  }
  return out;
}

std::optional<Arm> FixedConfidence::next() {
  if (stopped()) return std::nullopt;
  std::optional<Arm> out = table_.least({});
  if (table_.picks(*out) > 0) {
    if (options_.rule == ConfidenceRule::kElimination) {
      out = in_turn();
    } else {
      const Rivals now = rivals();
      out = table_.picks(now.rival) < table_.picks(now.best) ? now.rival : now.best;
    }
  }
  table_.pick(*out);
  return out;
}

Result<void> FixedConfidence::record(Arm arm, double reward) {
  if (arm >= table_.arms()) return invalid_argument("arm: there is no arm " + std::to_string(arm));
  if (auto ok = check_between("reward", reward, 0, 1); !ok) return ok;
  if (table_.picks(arm) <= table_.pulls(arm)) table_.pick(arm);
  table_.learn(arm, reward);
  ++samples_;
  return {};
}

Verdict FixedConfidence::verdict() const {
  const Rivals now = rivals();
  const bool done = stopped();
  return {.arm = now.best,
          .stopped = done,
          .error = done ? options_.delta : 1,
          .epsilon = options_.epsilon,
          .guaranteed = done,
          .samples = samples_};
}

Result<Pick> FixedConfidence::pick(const Question& question, RandomStream& /*random*/) {
  Pick out{.arm = next()};
  if (out.arm && !question.open(*out.arm)) {
    table_.forget(*out.arm);
    out.arm.reset();
  }
  return out;
}

Result<void> FixedConfidence::update(const Pick& pick, const Feedback& feedback, RandomStream& /*random*/) {
  return record(*pick.arm, feedback.reward);
}

void FixedConfidence::forget(const Pick& pick) {
  if (table_.picks(*pick.arm) > table_.pulls(*pick.arm)) table_.forget(*pick.arm);
}

std::vector<Belief> FixedConfidence::beliefs() const {
  std::vector<Belief> out = table_.beliefs(0);
  for (Arm a = 0; a < out.size(); ++a) {
    out[a].low = std::max(0.0, out[a].mean - radius(a));
    out[a].high = std::min(1.0, out[a].mean + radius(a));
  }
  return out;
}

boost::json::object FixedConfidence::save() const {
  boost::json::object out = table_.save();
  out["samples"] = samples_;
  return out;
}

Result<void> FixedConfidence::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  const double samples = from.number("samples");
  if (auto ok = from.check(); !ok) return ok;
  if (auto ok = table_.load(saved); !ok) return ok;
  samples_ = samples;
  return {};
}

}  // namespace bursar::explore
