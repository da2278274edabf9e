// One published system: what it decides, where it stands, and the run that shows its claim.
//
//   const System* system = find_system("mcp-production");
//   if (status_of(*system) == SystemStatus::kLive) Result<Report> report = system->reproduce({.seed = 1});
//
// The table is systems.cc, one line a system, in the order of its slugs. A system is live where the code says so: its
// reproduction is linked, and every implementation that it names is in the table of implementations.
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "bursar/core/result.h"
#include "reproduce/report.h"

namespace bursar::reproduce {

struct RunOptions {
  std::uint64_t seed = 1;  // of the first replicate; the others follow
  std::size_t seeds = 0;   // replicates; 0: the system's own number
  bool quick = false;      // seconds instead of minutes, by fewer replicates and smaller tables
  std::string programs;    // folder in which `bursar` is looked for, where a reproduction starts the real gateway
  std::function<void(std::string_view)> progress;  // called between parts; may be empty
};
using Reproduction = Result<Report> (*)(const RunOptions&);

struct System {
  std::string_view slug, title, room, shape;
  std::string_view implementations;  // names in the table of implementations, separated by spaces
  std::string_view doors;            // what a user can open today; empty: none yet
  std::string_view shows;            // what its reproduction shows
  Reproduction reproduce = nullptr;  // null: not yet
};

// A piece of the library that decides; `code` is the address of its function, so that the table cannot name what does
// not exist.
struct Implementation {
  std::string_view name, header;
  const void* code = nullptr;
};

enum class SystemStatus : std::uint8_t { kLive, kPlanned };

[[nodiscard]] std::span<const System> systems();
[[nodiscard]] std::span<const Implementation> implementations();
[[nodiscard]] const System* find_system(std::string_view slug);
[[nodiscard]] SystemStatus status_of(const System& system);
[[nodiscard]] std::string_view name_of(SystemStatus status);  // "live", "planned"

[[nodiscard]] std::string systems_text();      // for a terminal
[[nodiscard]] std::string systems_markdown();  // docs/systems.md
[[nodiscard]] boost::json::value systems_json();

// The reproductions, one file each.
[[nodiscard]] Result<Report> reproduce_agenttts(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_bandits(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_bats(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_bavt(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_bom(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_budget_guidance(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_dora(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_dp_bai(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_dual_mirror_descent(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_equitable_sampling(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_info_acquisition(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_knapsack_rl(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_mas_phase(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_mcp_production(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_mcpp(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_pets(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_philosopher(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_plan_and_budget(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_rco(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_rex(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_rtb_rl(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_scale(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_sevra(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_sft_pft_balance(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_stochastic_balance(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_uba(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_uniform_phantom(const RunOptions& options);
[[nodiscard]] Result<Report> reproduce_voi_search(const RunOptions& options);

}  // namespace bursar::reproduce
