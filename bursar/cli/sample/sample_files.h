// The files of `bursar sample`: JSON lines, a question or a candidate each.
//
//   {"id":"q1","answers":["12","7","12"],"rewards":[.9,.2,.8],"weights":[1,1,1],"gold":"12"}
//   {"text":"Add 3 to both sides.","score":.8,"embedding":[…]}
//
// Errors: kUnavailable for a file that cannot be read; kInvalidArgument with file, line and field.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bursar/core/result.h"
#include "bursar/sample/answers.h"

namespace bursar::cli {

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
