// What each tool's latency is, learned with censoring, so that no timeout spiral can start.
//
//   LatencyStore store;
//   store.record({"files", "read"}, 120ms, /*censored=*/false);
//   Duration t = store.quantile({"files", "read"}, 0.95);
//
// Per tool the last 200 pairs (value, censored) and their Kaplan-Meier estimate, refreshed every 5 records. Where S never
// falls far enough: 1.6 x the largest observation, at most 20 s. With fewer than 20 observations of a tool the pooled
// window of its upstream answers, and 2 s where that too knows nothing. Source: systems/mcp-production, section B.
// Thread-safe. record O(1) amortised (O(200 log 200) at a refresh), quantile O(log 200).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/clock.h"
#include "bursar/core/result.h"

namespace bursar::schedule {

struct ToolId {
  std::string upstream, tool;
  auto operator<=>(const ToolId&) const = default;
};

class LatencyStore {
 public:
  LatencyStore();
  ~LatencyStore();
  LatencyStore(LatencyStore&&) noexcept;
  LatencyStore& operator=(LatencyStore&&) noexcept;

  void record(const ToolId& tool, Duration latency, bool censored);
  [[nodiscard]] Duration quantile(const ToolId& tool, double p) const;  // 0 < p < 1
  [[nodiscard]] double cdf(const ToolId& tool, Duration t) const;
  [[nodiscard]] std::size_t observations(const ToolId& tool) const;  // of the tool itself, at most 200
  [[nodiscard]] std::vector<ToolId> tools() const;

  // State as a JSON object; load refuses (kInvalidArgument) what save cannot have written. At most 10,000 tools are kept;
  // the least recently used goes first.
  [[nodiscard]] std::string save() const;
  [[nodiscard]] static Result<LatencyStore> load(std::string_view json);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bursar::schedule
