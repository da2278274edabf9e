// What a timeout rule must know about latencies: learned from traffic (latency_store.h), or known (the simulator's
// laws).
//
//   Duration median = model.quantile({"files", "read"}, 0.5);
//   double p_finish = model.cdf({"files", "read"}, 2s);
#pragma once

#include <compare>
#include <string>

#include "bursar/core/clock.h"

namespace bursar::schedule {

struct ToolId {
  std::string upstream, tool;
  auto operator<=>(const ToolId&) const = default;
};

class LatencyModel {
 public:
  virtual ~LatencyModel() = default;
  [[nodiscard]] virtual Duration quantile(const ToolId& tool, double p) const = 0;  // 0 < p < 1
  [[nodiscard]] virtual double cdf(const ToolId& tool, Duration t) const = 0;
  [[nodiscard]] virtual bool knows(const ToolId& tool) const = 0;  // false: the answers above are a guess

 protected:
  LatencyModel() = default;
  LatencyModel(const LatencyModel&) = default;
  LatencyModel& operator=(const LatencyModel&) = default;
};

}  // namespace bursar::schedule
