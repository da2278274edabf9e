#include "bursar/schedule/profile/plateau.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "bursar/core/json.h"
#include "bursar/schedule/profile/text.h"

namespace bursar::schedule {
namespace {

constexpr double kMost = std::numeric_limits<double>::max();

Result<void> check(const PlateauOptions& o) {
  if (!(o.rate > 0 && o.rate <= kMost)) {
    return invalid_argument("rate: must be a positive number, is " + to_text(o.rate));
  }
  if (!(o.factor > 0 && o.factor < 1)) return invalid_argument("factor: must lie in (0, 1), is " + to_text(o.factor));
  if (o.patience < 1) {
    return invalid_argument("patience: must be at least 1 evaluation, is " + std::to_string(o.patience));
  }
  if (o.cooldown < 0) {
    return invalid_argument("cooldown: must be at least 0 evaluations, is " + std::to_string(o.cooldown));
  }
  if (!(o.threshold >= 0 && o.threshold < 1)) {
    return invalid_argument("threshold: must lie in [0, 1), is " + to_text(o.threshold));
  }
  if (!(o.floor >= 0 && o.floor <= o.rate)) {
    return invalid_argument("floor: must be from 0 to the rate " + to_text(o.rate) + ", is " + to_text(o.floor));
  }
  return {};
}

}  // namespace

Result<Plateau> Plateau::create(const PlateauOptions& options) {
  if (auto ok = check(options); !ok) return tl::unexpected(ok.error());
  return Plateau(options);
}

bool Plateau::improves(double measured) const {
  if (!std::isfinite(measured)) return false;
  if (!best_) return true;
  const double margin = options_.threshold * std::abs(*best_);
  return options_.larger_is_better ? measured > *best_ + margin : measured < *best_ - margin;
}

Result<double> Plateau::report(double measured) {
  if (std::isnan(measured)) return invalid_argument("measured: is not a number; leave such an evaluation out");
  if (improves(measured)) {
    best_ = measured;
    bad_ = 0;
  } else {
    ++bad_;
  }
  if (cooling_ > 0) {
    --cooling_;
    bad_ = 0;
  }
  if (bad_ >= options_.patience) {
    rate_ = std::max(options_.floor, rate_ * options_.factor);
    cooling_ = options_.cooldown;
    bad_ = 0;
  }
  return rate_;
}

boost::json::object Plateau::save() const {
  boost::json::object out{{"initial_rate", options_.rate},
                          {"factor", options_.factor},
                          {"patience", options_.patience},
                          {"cooldown", options_.cooldown},
                          {"threshold", options_.threshold},
                          {"floor", options_.floor},
                          {"larger_is_better", options_.larger_is_better},
                          {"rate", rate_},
                          {"bad", bad_},
                          {"cooling", cooling_}};
  if (best_) out["best"] = *best_;
  return out;
}

Result<Plateau> Plateau::restore(const boost::json::object& saved) {
  const boost::json::value value(saved);
  const JsonView root(value);
  std::optional<Error> wrong;
  const auto number = [&](std::string_view key) {
    const auto x = root.double_at(key, -kMost, kMost);
    if (!x && !wrong) wrong = x.error();
    return x.value_or(0);
  };
  const auto whole = [&](std::string_view key) {
    const auto x = root.int_at(key, 0);
    if (!x && !wrong) wrong = x.error();
    return x.value_or(0);
  };
  PlateauOptions options{.rate = number("initial_rate"),
                         .factor = number("factor"),
                         .patience = whole("patience"),
                         .cooldown = whole("cooldown"),
                         .threshold = number("threshold"),
                         .floor = number("floor")};
  const auto larger = root.bool_at("larger_is_better");
  if (!larger && !wrong) wrong = larger.error();
  options.larger_is_better = larger.value_or(false);
  Plateau out(options);
  out.rate_ = number("rate"), out.bad_ = whole("bad"), out.cooling_ = whole("cooling");
  if (saved.contains("best")) out.best_ = number("best");
  if (!wrong) {
    if (auto ok = check(options); !ok) wrong = ok.error();
  }
  if (wrong) return fail(ErrorCode::kCorrupt, "saved plateau: " + wrong->message);
  const bool holds = out.rate_ >= options.floor && out.rate_ <= options.rate && out.bad_ < options.patience &&
                     out.cooling_ <= options.cooldown;
  if (!holds) return fail(ErrorCode::kCorrupt, "saved plateau: its rate or its counts are outside of its options");
  return out;
}

}  // namespace bursar::schedule
