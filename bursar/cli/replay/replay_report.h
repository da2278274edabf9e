// What a replay says: a comparison for a terminal, a document for programs, and a picture.
#pragma once

#include <string>
#include <vector>

#include "bursar/admit/replay.h"

namespace bursar::cli {

enum class BoundKind : std::uint8_t {
  kLinearProgram,  // the optimum of the relaxation itself
  kDual,           // a Lagrangian dual over the whole log: a bound, perhaps not the least
  kEstimate,       // scaled from a sample of a log that could be read only once: no bound
  kNone,
};
[[nodiscard]] std::string_view name_of(BoundKind kind);  // "linear_program", …

struct ReplayBound {
  BoundKind kind = BoundKind::kNone;
  double value = 0;
  std::vector<double> prices;  // [resources]
};

struct ReplayReport {
  std::string log;
  std::uint64_t requests = 0;
  std::uint64_t horizon = 0, episode = 0, delay = 0;  // as told to the policies
  std::vector<std::string> resources;
  std::vector<double> budget;
  ReplayBound bound;
  std::vector<admit::ReplayResult> policies;
};

[[nodiscard]] std::string to_text(const ReplayReport& report);
[[nodiscard]] std::string to_json_text(const ReplayReport& report);
// SVG 1.1 without scripts or fonts to fetch: reward, the share of each budget that is spent, and prices, over requests.
[[nodiscard]] std::string to_svg(const ReplayReport& report);

}  // namespace bursar::cli
