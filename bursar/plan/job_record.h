// What a finished job tells those who learn from jobs: its calls, what its strategy noted, and what it answered.
//
//   beliefs.observe(record_of("job-7", setup, executor.journal(), executor.result().answer));
//
// Read from the journal alone, so that a stored trace teaches what the job itself would have taught.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bursar/core/result.h"
#include "bursar/plan/job/action.h"
#include "bursar/plan/job/script.h"

namespace bursar::plan {

struct JobRecord {
  struct Call {
    std::uint64_t action = 0;
    std::string purpose, model;   // model: as it was asked for; empty for a tool
    std::int64_t max_tokens = 0;  // that it was allowed
    ActionEnd end = ActionEnd::kDone;
    bool cut = false;  // it ended at its limit
    std::string text;
    std::int64_t tokens = 0;  // of the completion
    Duration took{0};
    [[nodiscard]] bool ok() const { return end == ActionEnd::kDone; }
  };
  std::string id, strategy, model, question;  // strategy: what `auto` chose, where it did
  std::vector<Call> calls;                    // in the order of the actions
  boost::json::object notes;                  // of notes of one name, the last
  std::string answer;                         // what the job's answer says, without its reasoning
};

// Errors: kCorrupt for what is no journal.
[[nodiscard]] Result<JobRecord> record_of(std::string id, const JobSetup& setup, const boost::json::array& journal,
                                          const std::optional<Answer>& answer);

}  // namespace bursar::plan
