#include "bursar/allocate/budget_price.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "bursar/allocate/solve.h"

namespace bursar::allocate {
namespace {

constexpr double kLowestPrice = 1e-290;

class Search {
 public:
  Search(const std::function<double(double)>& demand, double budget, const PriceOptions& options)
      : demand_(demand), budget_(budget), options_(options) {}

  Result<Price> run() {
    const double free = probe(0);
    if (std::isnan(free)) return not_a_number(0);
    if (free <= budget_) return Price{0, free, 0, free, probes_};
    below_ = 0;
    demand_below_ = free;
    price_ = options_.first;
    if (auto ok = bracket(); !ok) return tl::unexpected(ok.error());
    for (int step = 1; price_ - below_ > options_.tolerance * price_ && price_ > kLowestPrice; ++step) {
      const double between = step % 3 == 0 ? middle() : falsi();
      if (between <= below_ || between >= price_) break;
      const double d = probe(between);
      if (std::isnan(d)) return not_a_number(between);
      (d <= budget_ ? price_ : below_) = between;
      (d <= budget_ ? demand_at_ : demand_below_) = d;
    }
    return Price{price_, demand_at_, below_, demand_below_, probes_};
  }

 private:
  double probe(double price) {
    ++probes_;
    return demand_(price);
  }

  // Grows or shrinks the price until (below_, price_] holds the answer and below_ > 0, or the price is as good as 0.
  Result<void> bracket() {
    double factor = 16;
    demand_at_ = probe(price_);
    if (std::isnan(demand_at_)) return not_a_number(price_);
    while (demand_at_ > budget_) {
      below_ = price_;
      demand_below_ = demand_at_;
      price_ *= factor;
      factor = std::min(factor * factor, 1e16);
      if (price_ > options_.highest) {
        return fail(ErrorCode::kInfeasible, "even at a price of " + to_text(below_) + " the demand is " +
                                                to_text(demand_at_) + ": " + to_text(demand_at_ - budget_) +
                                                " above the budget of " + to_text(budget_) +
                                                "; raise the budget or lower what must be bought");
      }
      demand_at_ = probe(price_);
      if (std::isnan(demand_at_)) return not_a_number(price_);
    }
    while (below_ == 0 && price_ > kLowestPrice) {
      const double lower = price_ / factor;
      factor = std::min(factor * factor, 1e16);
      const double d = probe(lower);
      if (std::isnan(d)) return not_a_number(lower);
      (d <= budget_ ? price_ : below_) = lower;
      (d <= budget_ ? demand_at_ : demand_below_) = d;
    }
    return {};
  }

  [[nodiscard]] double middle() const { return below_ * std::sqrt(price_ / below_); }

  [[nodiscard]] double falsi() const {
    const double above = std::log(demand_below_ / budget_), under = std::log(demand_at_ / budget_);
    if (!std::isfinite(above) || !std::isfinite(under) || above - under <= 0) return middle();
    // Kept off both ends: a step in the demand would hold it at one.
    const double share = std::clamp(above / (above - under), 0.02, 0.98);
    return below_ * std::pow(price_ / below_, share);
  }

  static tl::unexpected<Error> not_a_number(double price) {
    return invalid_argument("demand at price " + to_text(price) + " is not a number");
  }

  const std::function<double(double)>& demand_;
  const double budget_;
  const PriceOptions& options_;
  double below_ = 0, demand_below_ = 0, price_ = 0, demand_at_ = 0;
  int probes_ = 0;
};

}  // namespace

Result<Price> budget_price(const std::function<double(double)>& demand, double budget, const PriceOptions& options) {
  if (std::isnan(budget)) return invalid_argument("budget is nan");
  if (!(options.first > 0) || !std::isfinite(options.first) || !(options.tolerance > 0) ||
      !(options.highest > options.first)) {
    return invalid_argument("first is " + to_text(options.first) + ", tolerance " + to_text(options.tolerance) +
                            ", highest " + to_text(options.highest) +
                            "; they must satisfy 0 < first < highest and tolerance > 0");
  }
  return Search(demand, budget, options).run();
}

}  // namespace bursar::allocate
