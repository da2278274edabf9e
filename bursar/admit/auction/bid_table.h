// The exact value of every state (auctions left, budget left) of a campaign, and the bid that follows.
//
//   auto prices = PriceModel::from_histogram(counts);
//   auto theta = ThetaModel::average(.0044);
//   auto table = BidTable::solve(*prices, *theta, {.horizon = 1000, .budget = 1969});
//   table->bid(1000, 1969, .006);      // first auction of an episode
//   table->value(1000, 1969);          // clicks to expect of the whole episode
//
// V(0, b) = 0; for t = 1..horizon
//     V(t, b) = gamma V(t-1, b) + v1 sum_{delta <= min(b, P)} m(delta) phi(c),   phi(c) = E[(theta - c)^+],
//     c = (v0 delta + gamma (V(t-1, b) - V(t-1, b - delta))) / v1.
// With ThetaModel::average, phi(c) = (theta_avg - c)^+: the published table, whose row b = 0 stays 0. Once V(t, b) is
// within 1e-10 v1 of its ceiling (every auction that pays is bought), larger b take the ceiling.
//
// Solve O(horizon budget P) at most, about 1e9 terms a second (a distribution: 3e8); V rises with b, so that the bids
// of a row come from one sweep. Memory 4.25 bytes a state: V as doubles at every 32nd b, D as floats in between, so
// that a value is within 1e-7 of its size. bid O(log P + 32). Choose bid_net.h where a table does not fit, and bidder.h
// to play longer than its horizon. Source: systems/rtb-rl.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "bursar/admit/auction/price_model.h"
#include "bursar/admit/auction/theta_model.h"
#include "bursar/admit/auction/value_source.h"

namespace bursar::admit {

struct BidTableOptions {
  int horizon = 0;  // >= 1: auctions of an episode
  int budget = 0;   // >= 0: units of money of an episode
  BidObjective objective;
  std::size_t memory_bytes_max = 500'000'000;
  std::function<bool()> stop;  // asked once a row; true ends the solve with kCancelled. May be empty
};

class BidTable final : public ValueSource {
 public:
  static constexpr std::size_t kMemoryMax = 500'000'000;

  // Errors: kInvalidArgument for numbers out of range; kExhausted where the table would pass memory_bytes_max (the
  // message says what fits); kCancelled.
  [[nodiscard]] static Result<BidTable> solve(const PriceModel& prices, const ThetaModel& theta,
                                              const BidTableOptions& options);
  [[nodiscard]] static std::size_t memory_bytes(int horizon, int budget);

  [[nodiscard]] int horizon() const override { return horizon_; }
  [[nodiscard]] int budget() const override { return budget_; }
  [[nodiscard]] int highest_price() const override { return highest_price_; }
  [[nodiscard]] BidObjective objective() const override { return objective_; }
  void marginals_below(int t, int high, std::span<double> out) const override;
  [[nodiscard]] int bid(int t, int b, double theta) const override;

  // The same, checked. Errors: kInvalidArgument for t outside 1..horizon, b outside 0..budget, theta outside [0, 1].
  [[nodiscard]] Result<int> checked_bid(int t, int b, double theta) const;

  [[nodiscard]] double value(int t, int b) const;     // V; 0 <= t <= horizon, 0 <= b <= budget
  [[nodiscard]] double marginal(int t, int b) const;  // D; b < budget

  // The states with t <= horizon and b <= budget alone; both at most this table's.
  [[nodiscard]] BidTable corner(int horizon, int budget) const;

  // A binary file of this machine's byte order, with its sum. load: kUnavailable where it cannot be read, kCorrupt
  // where it is no table or is damaged, kExhausted past memory_bytes_max.
  [[nodiscard]] Result<void> save(const std::string& path) const;
  [[nodiscard]] static Result<BidTable> load(const std::string& path, std::size_t memory_bytes_max = kMemoryMax);
  // The same as a part of a larger file; `name` is for errors.
  void write(std::ostream& file) const;
  [[nodiscard]] static Result<BidTable> read(std::istream& file, const std::string& name,
                                             std::size_t memory_bytes_max = kMemoryMax);

 private:
  static constexpr int kAnchor = 32;
  BidTable(int horizon, int budget, int highest_price, BidObjective objective);
  void add_row(std::span<const double> values);
  [[nodiscard]] const float* row(int t) const { return marginals_.data() + std::size_t(t) * std::size_t(budget_); }
  [[nodiscard]] const double* anchors(int t) const { return anchors_.data() + std::size_t(t) * anchors_a_row(); }
  [[nodiscard]] std::size_t anchors_a_row() const { return std::size_t(budget_ / kAnchor) + 1; }

  int horizon_ = 0, budget_ = 0, highest_price_ = 0;
  BidObjective objective_;
  std::vector<float> marginals_;  // D, [horizon + 1][budget]
  std::vector<double> anchors_;   // V at b = 0, 32, 64, …, [horizon + 1][budget / 32 + 1]
};

// Writes to a file beside `path` that takes its place when all is written. kUnavailable where it cannot be written.
[[nodiscard]] Result<void> write_beside(const std::string& path, const std::function<void(std::ostream&)>& fill);

}  // namespace bursar::admit
