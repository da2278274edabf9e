// A job as JSON: beside its journal, all that a replay or a resumption needs.
//
//   {"setup": {"strategy": "pets", "question": "…", "messages": [["user", "…"]], "model": "…", "seed": 7, …},
//    "limits": {"purse": "5k tokens", "time_us": 20000000, "parallel": 8, "actions": 128}, "journal": […]}
//
//   auto job = restore_job(*saved);
//   Executor executor(*make_job(**strategy_named(job->setup.strategy), job->setup), job->limits, effects);
//   auto same = executor.resume(job->journal, now);
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "bursar/core/result.h"
#include "bursar/plan/job/executor.h"
#include "bursar/plan/job/script.h"

namespace bursar::plan {

struct SavedJob {
  JobSetup setup;
  JobLimits limits;
  boost::json::array journal;
};

[[nodiscard]] boost::json::object save_job(const JobSetup& setup, const JobLimits& limits,
                                           const boost::json::array& journal);
// Errors: kCorrupt naming the member.
[[nodiscard]] Result<SavedJob> restore_job(const boost::json::object& saved);

}  // namespace bursar::plan
