// The streams of systems/dual-mirror-descent: simulator A and its relatives, and the adversary of simulator B.
//
//   const Stream stream = draw_stream(World::kPeriodic, 10'000, random);
//   const double earned = *run_stream("dual-mirror-descent:mirror=entropy", stream);
//   const double best = *hindsight(stream);        // the linear program in hindsight
#pragma once

#include <span>
#include <string>
#include <vector>

#include "bursar/admit/request_sample.h"
#include "bursar/core/random.h"

namespace bursar::reproduce {

struct Stream {
  std::size_t width = 1;               // options a request
  std::vector<double> budget;          // [resources]
  std::vector<double> rewards, costs;  // [requests x width], [requests x width x resources]

  [[nodiscard]] std::size_t size() const { return rewards.size() / width; }
  [[nodiscard]] Request at(std::size_t t) const;
};

enum class World : std::uint8_t {
  kSteady,       // i.i.d.
  kShortPeriod,  // rewards x (1 + .6 sin), period 50
  kLongPeriod,   // period T / 4
  kErgodic,      // rewards x .4, 1 or 1.6, redrawn with probability .02
  kCorrupted2,   // 2% of the requests in a row, at T / 3: reward U[1, 1.1], consumption 1
  kCorrupted10,
  kDrift,  // rewards x .3 … 1.7
};

[[nodiscard]] Stream draw_stream(World world, std::size_t requests, RandomStream random);

// Simulator B: unit consumption of one resource, `blocks` blocks of constant value growing by half each, and nothing
// after block `stop` (1 … blocks).
[[nodiscard]] Stream adversary(double rho, std::size_t blocks, std::size_t stop, std::size_t requests);

// Reward of the policy over the whole stream, its outcomes observed at once and as expected. `finish`, where given,
// gets the prices at the end.
[[nodiscard]] Result<double> run_stream(const std::string& policy, const Stream& stream,
                                        std::vector<double>* finish = nullptr);

// The same where costs are only estimated, each off by up to a half either way and held at twice the estimate, and the
// real ones are told `delay` requests later, or never.
inline constexpr std::size_t kNeverTold = SIZE_MAX;
[[nodiscard]] Result<double> run_estimated(const std::string& policy, const Stream& stream, std::size_t delay,
                                           RandomStream random);

// Value of the linear program in hindsight, and the prices of the first `share` of the stream.
[[nodiscard]] Result<double> hindsight(const Stream& stream);
[[nodiscard]] Result<std::vector<double>> early_prices(const Stream& stream, double share);

// "static-prices:prices=[…]".
[[nodiscard]] std::string static_policy(std::span<const double> prices);

}  // namespace bursar::reproduce
