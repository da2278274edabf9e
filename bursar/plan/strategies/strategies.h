// Every strategy that a job can be given, by the name under which it is asked for.
//
//   const StrategyEntry* entry = *strategy_named("pets");
//   auto controller = make_job(*entry, {.question = "…", .model = "openai/gpt-4o-mini", .seed = 7});
//   Executor executor(std::move(*controller), {.purse = …}, effects);
//
// One file a strategy beside this one; docs/strategies.md says which is for what.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "bursar/core/policy.h"
#include "bursar/plan/job/script.h"

namespace bursar::plan {

struct StrategyEntry {
  std::string_view name, slug, about;  // slug: the sheet that it comes from
  std::span<const PolicyParameter> parameters = {};
  bool searches = false;  // it needs a tool
  Script (*script)(Job& job) = nullptr;
  Result<std::unique_ptr<Controller>> (*make)(JobSetup setup) = nullptr;  // in place of a script
};

[[nodiscard]] std::span<const StrategyEntry> strategies();
// kNotFound lists them.
[[nodiscard]] Result<const StrategyEntry*> strategy_named(std::string_view name);

// An object or array that is given for a text parameter counts as its JSON text.
// Checks the parameters against the entry and fills its defaults in. Errors: kInvalidArgument naming the parameter, or
// what the setup lacks: a question, a tool.
[[nodiscard]] Result<std::unique_ptr<Controller>> make_job(const StrategyEntry& entry, JobSetup setup);

}  // namespace bursar::plan
