// A recorded stream under a policy: what it would have earned and spent, and what the best in hindsight was.
//
//   auto run = ReplayRun::make("greedy", {.name = "greedy"}, policies(), {.budget = {1000}, .horizon = rows});
//   Hindsight hindsight({1000}, sampled.prices);
//   for (each request of the log) { auto ok = run->step(request); hindsight.add(request); }
//   const ReplayResult result = run->finish();         // result.reward <= hindsight.bound()
//
// The policy sees expected rewards and costs; what is counted are the log's actual ones, told to the policy `delay`
// requests later. An auction is won where the bid reaches the price, which is then paid. Memory: `points` and `delay`.
// Source: systems/dual-mirror-descent.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bursar/admit/argmax.h"
#include "bursar/admit/log/log_reader.h"
#include "bursar/admit/request_sample.h"
#include "bursar/core/random.h"

namespace bursar::admit {

struct ReplayOptions {
  std::vector<double> budget;               // [resources]
  std::vector<std::string> resource_names;  // [resources] or empty
  std::uint64_t horizon = 0;                // requests, as told to the policy; 0: not known
  std::uint64_t episode = 0;                // > 0: the policy and its budget begin anew after so many requests
  AuctionGoal goal = AuctionGoal::kUtility;
  std::uint64_t delay = 0;   // requests between a decision and its outcome
  std::size_t points = 120;  // of the curves: this many at least, twice as many at most
};

struct ReplayPoint {
  std::uint64_t requests = 0;  // done
  double reward = 0;
  std::vector<double> spent, prices;  // [resources]
};

struct ReplayResult {
  std::string label;
  std::uint64_t requests = 0, taken = 0;  // taken: options taken, auctions won
  std::uint64_t short_of_budget = 0;      // the best did not fit
  std::uint64_t past_horizon = 0;
  std::optional<std::uint64_t> first_short;  // request, from 0
  double reward = 0;
  std::vector<double> spent, prices;  // [resources], at the end
  std::vector<double> overspent;      // [resources]: real costs above the holds, beyond the budget
  std::vector<ReplayPoint> points;
};

class ReplayRun {
 public:
  // Errors: those of the table and of the policy.
  [[nodiscard]] static Result<ReplayRun> make(std::string label, PolicyWords words, PolicyTable table,
                                              ReplayOptions options);

  [[nodiscard]] Result<void> step(const LoggedRequest& request);
  [[nodiscard]] Result<ReplayResult> finish();

 private:
  struct Late {
    std::uint64_t due = 0;  // requests
    DecisionId id = 0;
    bool refused = false;
    std::vector<double> costs;
  };

  ReplayRun(const PolicyEntry& entry, ReplayOptions options) : entry_(&entry), options_(std::move(options)) {}
  [[nodiscard]] Result<void> renew();
  [[nodiscard]] Result<void> settle_option(const LoggedRequest& request, const Decision& decision);
  [[nodiscard]] Result<void> settle_auction(const LoggedRequest& request, const Decision& decision);
  [[nodiscard]] Result<void> tell(DecisionId id, std::span<const double> costs, bool refused);
  [[nodiscard]] Result<void> tell_due(std::uint64_t now);
  void add_point();
  void note_point();
  void end_episode();

  const PolicyEntry* entry_;
  ReplayOptions options_;
  boost::json::object parameters_;
  std::unique_ptr<Policy> policy_;
  std::deque<Late> late_;
  ReplayResult result_;
  std::uint64_t in_episode_ = 0, stride_ = 1;  // stride: a power of two
  std::vector<double> scratch_;
};

// What a logged request really offered: its actual rewards and costs; an auction is an option at its price. The views
// are of the request and of `room`, which holds the numbers of an auction.
[[nodiscard]] Request in_hindsight(const LoggedRequest& request, AuctionGoal goal, std::size_t resources,
                                   std::vector<double>& room);

// A uniform sample of a log of any length, and its dual prices.
class ReservoirSample {
 public:
  // At most `requests` of them, and fewer where they hold more than `numbers` rewards and costs in all.
  ReservoirSample(std::size_t resources, AuctionGoal goal, std::size_t requests = 20'000,
                  std::size_t numbers = 4'000'000);

  void add(const LoggedRequest& request);
  [[nodiscard]] std::uint64_t seen() const { return seen_; }
  [[nodiscard]] bool complete() const { return seen_ == sample_.size(); }
  // Of the whole log's budget; where the sample is not complete, `bound` is scaled to the log and only an estimate.
  [[nodiscard]] Result<DualPrices> prices(std::span<const double> budget) const;
  [[nodiscard]] const RequestSample& sample() const { return sample_; }

 private:
  std::size_t resources_;
  AuctionGoal goal_;
  std::size_t most_, most_numbers_;
  RandomStream random_{1};
  RequestSample sample_;
  std::uint64_t seen_ = 0;
  std::vector<double> room_;
};

// sum_t D_t at fixed prices: an upper bound on what any policy earns, whatever the prices (weak duality).
class Hindsight {
 public:
  Hindsight(std::vector<double> prices, AuctionGoal goal) : prices_(std::move(prices)), goal_(goal) {}

  void add(const LoggedRequest& request) {
    sum_ += dual_part(in_hindsight(request, goal_, prices_.size(), room_), prices_);
  }
  [[nodiscard]] double bound(std::span<const double> budget) const { return sum_ - net_worth(0, budget, prices_); }

 private:
  std::vector<double> prices_;
  AuctionGoal goal_;
  double sum_ = 0;
  std::vector<double> room_;
};

}  // namespace bursar::admit
