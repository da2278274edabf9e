// A workflow from a file of JSON or YAML, for the verbs that plan, simulate and run it.
//
//   auto file = read_workflow_file("essay.yaml");      // "-": JSON or YAML on standard input
//   file->workflow;
//
// YAML is read under the limits of the gateway's configuration; texts in quotes stay texts. Errors: kUnavailable where
// it cannot be read, and those of plan::read_workflow with the file's name.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "bursar/core/result.h"
#include "bursar/plan/workflow/workflow_file.h"

namespace bursar::cli {

[[nodiscard]] Result<plan::WorkflowFile> read_workflow_file(const std::string& path);

// What a YAML document says, as JSON: null, true and false, numbers and texts. Errors: kInvalidArgument with the line.
[[nodiscard]] Result<boost::json::value> json_of_yaml(std::string_view text, std::string_view file_name);

}  // namespace bursar::cli
