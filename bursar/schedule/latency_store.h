// What each tool's latency is, learned with censoring, so that no timeout spiral can start.
//
//   LatencyStore store;
//   store.record({"files", "read"}, 120ms, /*censored=*/false);
//   Duration t = store.quantile({"files", "read"}, 0.95);
//
// Per tool the last 200 pairs (value, censored) and their Kaplan-Meier estimate, refreshed every 5 records and by every
// censored one. Where S never falls far enough: 1.6 x the largest observation, at most 20 s. With fewer than 20
// observations of a tool the pooled window of its upstream answers, and 2 s where that too has fewer than 20. Source:
// systems/mcp-production, section B. Thread-safe. record O(1) amortised (O(200 log 200) at a refresh), quantile O(log
// 200) on an estimate that is published whole: readers wait for no refresh.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/clock.h"
#include "bursar/core/result.h"
#include "bursar/schedule/latency_model.h"

namespace bursar::schedule {

class LatencyStore final : public LatencyModel {
 public:
  static constexpr std::size_t kWindow = 200;
  static constexpr std::size_t kMaxTools = 10'000;
  static constexpr std::size_t kMaxNameBytes = 256;

  LatencyStore();
  ~LatencyStore() override;
  LatencyStore(LatencyStore&&) noexcept;
  LatencyStore& operator=(LatencyStore&&) noexcept;

  // censored: the call was cut off at `latency`. Latencies count as 1 us … 24 h. Names of more than 256 bytes or that
  // are no UTF-8 are not learned.
  void record(const ToolId& tool, Duration latency, bool censored);
  [[nodiscard]] Duration quantile(const ToolId& tool, double p) const override;  // 0 < p < 1
  [[nodiscard]] double cdf(const ToolId& tool, Duration t) const override;       // unknown: 0 before 2 s, then .95
  [[nodiscard]] bool knows(const ToolId& tool) const override;       // 20 observations of it or of its upstream
  [[nodiscard]] std::size_t observations(const ToolId& tool) const;  // of the tool itself, at most 200
  [[nodiscard]] std::vector<ToolId> tools() const;                   // in order of ToolId

  // State as a JSON object; a loaded store answers and goes on exactly as the saved one. load refuses
  // (kInvalidArgument) what save cannot have written. At most 10,000 tools are kept; those least recently recorded go
  // first.
  [[nodiscard]] std::string save() const;
  [[nodiscard]] static Result<LatencyStore> load(std::string_view json);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bursar::schedule
