// A log of JSON objects, one request a line.
//
//   {"time_s": 3.5, "options": [{"name": "small", "reward": 0.6, "cost": {"usd": 0.002, "ms": 300}},
//                               {"name": "large", "reward": 0.8, "cost": {"usd": 0.02, "ms": 900},
//                                "hold": {"usd": 0.04, "ms": 2000}, "actual": {"usd": 0.021}, "actual_reward": 1}]}
//   {"value": 0.3, "price": 0.12}
//
// The second form is an auction; a log holds one of the two. cost, hold and actual are objects of resources, or a
// number where there is one resource; one that is not named is not used. Resources are those of LogOptions, or of the
// first line. A hold that is missing is the cost, and so are an actual cost and an actual reward. Keys: id (ignored),
// time_s, options, context (numbers), value, price, actual_reward; any other is an error unless it is named in
// `ignore`, and so is a key that stands twice. Blank lines are skipped. Memory: one line and its tree.
#pragma once

#include "bursar/admit/log/log_reader.h"

namespace bursar::admit {

[[nodiscard]] Result<std::unique_ptr<LogReader>> open_jsonl_log(allocate::ByteSource source, const LogOptions& options);

}  // namespace bursar::admit
