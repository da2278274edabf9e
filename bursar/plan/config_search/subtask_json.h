// Subtasks and configurations as JSON: in pipeline files, saved searches and on an evaluation script's input.
//
//   {"name":"answer","prompt_tokens":256,"generation_tokens":64,"max_samples":100,
//    "models":[{"name":"m8","parameters":8e9,"price_in":0.1,"price_out":0.4,"latency_ms":900}, …]}
//   {"stages":[{"name":"answer","model":"m8","samples":12}, …]}
//
// Errors: kInvalidArgument with the place ("$.stages[1].models[0].parameters: …").
#pragma once

#include <boost/json/object.hpp>

#include "bursar/core/json.h"
#include "bursar/plan/config_search/config_space.h"

namespace bursar::plan {

[[nodiscard]] boost::json::object to_json_object(const ChainStage& subtask);
// Reads the keys above, and leaves others to the caller.
[[nodiscard]] Result<ChainStage> subtask_of(const JsonView& view);

[[nodiscard]] boost::json::object to_json_object(const ConfigSpace& space, const Configuration& configuration);
// In any order of stages, each exactly once; models by their names. Not checked against the budget.
[[nodiscard]] Result<Configuration> configuration_of(const ConfigSpace& space, const JsonView& view);

}  // namespace bursar::plan
