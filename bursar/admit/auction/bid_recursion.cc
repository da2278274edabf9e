#include "bursar/admit/auction/bid_recursion.h"

#include <algorithm>
#include <cmath>

namespace bursar::admit {

BidRecursion::BidRecursion(const PriceModel& prices, const ThetaModel& theta, const BidObjective& objective, int budget)
    : prices_(prices), theta_(theta), objective_(objective) {
  const int highest = prices.highest();
  falling_.resize(highest + 1);
  for (int price = 0; price <= highest; ++price) falling_[highest - price] = prices.chance(price);
  now_ = next_ = Eigen::VectorXd::Zero(budget + 1);
  for (int price = 0; price <= highest; ++price) {
    ceiling_step_ += prices.chance(price) * objective.v1 * theta.excess(objective.v0 * price / objective.v1);
  }
}

// sum_{delta <= bid} m(delta) [v1 theta_avg - v0 delta + gamma (V(b - delta) - V(b))], its terms gathered.
double BidRecursion::worth_of_average(int b, int bid) const {
  const double later = falling_.segment(prices_.highest() - bid, bid + 1).dot(now_.segment(b - bid, bid + 1));
  return prices_.chance_up_to(bid) * (objective_.v1 * theta_.mean() - objective_.gamma * now_[b]) -
         objective_.v0 * prices_.spend_up_to(bid) + objective_.gamma * later;
}

double BidRecursion::worth_of_distribution(int b) const {
  const int limit = std::min(b, prices_.highest());
  const double money = objective_.v0 / objective_.v1, time = objective_.gamma / objective_.v1;
  double worth = 0;
  for (int price = 0; price <= limit; ++price) {
    const double c = money * price + time * (now_[b] - now_[b - price]);
    if (c >= theta_.largest()) break;  // dearer prices need still better predictions
    worth += prices_.chance(price) * theta_.excess(c);
  }
  return objective_.v1 * worth;
}

void BidRecursion::step() {
  const int budget = static_cast<int>(now_.size()) - 1;
  const bool average = !theta_.is_distribution();
  const double worth = objective_.v1 * theta_.mean(), close = 1e-10 * objective_.v1;
  ceiling_ = objective_.gamma * ceiling_ + ceiling_step_;
  int lost = -1;  // the largest budget after this auction that is not worth reaching from b
  for (int b = average ? 1 : 0; b <= budget; ++b) {
    next_[b] = objective_.gamma * now_[b];
    if (average) {
      const auto pays = [&](int left) {
        return objective_.gamma * (now_[left] - now_[b]) + worth - objective_.v0 * (b - left) >= 0;
      };
      while (lost + 1 < b && !pays(lost + 1)) ++lost;
      next_[b] += worth_of_average(b, std::min(prices_.highest(), b - lost - 1));
    } else {
      next_[b] += worth_of_distribution(b);
    }
    if (std::abs(next_[b] - ceiling_) < close) {
      next_.tail(budget - b).setConstant(ceiling_);
      break;
    }
  }
  std::swap(now_, next_);
}

}  // namespace bursar::admit
