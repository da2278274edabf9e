// The verbs of `bursar tts`; for this program alone.
#pragma once

#include <cstdint>
#include <string>

#include "bursar/cli/tts/tts_command.h"
#include "bursar/core/result.h"

namespace bursar::cli {

struct SearchWords {
  std::string pipeline, state, run, ask;
  std::int64_t trials = 50, batch = 10, examples = 50, again = 3;
  double timeout_s = 3600;
  std::uint64_t seed = 1;
};
[[nodiscard]] Result<void> tts_search(const SearchWords& words, TtsOutput output);

struct ResumeWords {
  std::string state, run;
  std::int64_t trials = 0;  // 0: as many as before
};
[[nodiscard]] Result<void> tts_resume(const ResumeWords& words, TtsOutput output);

struct ExplainWords {
  std::string state, output;
  bool json = false;
};
[[nodiscard]] Result<void> tts_explain(const ExplainWords& words, TtsOutput output);

}  // namespace bursar::cli
