// The files of `bursar sample`: JSON lines, a question or a candidate each.
//
//   {"id":"q1","answers":["12","7","12"],"rewards":[.9,.2,.8],"weights":[1,1,1],"gold":"12"}
//   {"text":"Add 3 to both sides.","score":.8,"embedding":[…]}
//
// Errors: kUnavailable for a file that cannot be read; kInvalidArgument with file, line and field.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bursar/core/json.h"
#include "bursar/core/result.h"
#include "bursar/sample/answers.h"

namespace bursar::cli {

// Calls for each line that is not blank, with its number from 1; ends at the first error. "-": standard input.
using OnJsonLine = std::function<Result<void>(const JsonView&, std::size_t)>;
[[nodiscard]] Result<void> each_json_line(const std::string& path, const OnJsonLine& on_line);

struct AnsweredQuestion {
  std::string id;  // the line's number where the file gives none
  std::vector<sample::Trace> traces;
  std::optional<std::string> gold;  // as it stands
};
[[nodiscard]] Result<std::vector<AnsweredQuestion>> read_questions(const std::string& path);  // "-": standard input

struct TextCandidate {
  std::string text;
  double score = 0;
  std::vector<float> embedding;  // empty: none was given
};
[[nodiscard]] Result<std::vector<TextCandidate>> read_candidates(const std::string& path);

}  // namespace bursar::cli
