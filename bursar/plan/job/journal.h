// What a job decided and saw, as JSON: its trace for people, its state for resume(), its proof for replay.
//
//   {"step": {"at_us": 1200, "share": .8, "why": {…}, "actions": [{"id": 1, "purpose": "sample", "digest": "9f…"}]}}
//   {"seen": {"action": 1, "end": "done", "text": "…", "prompt_tokens": 9, "completion_tokens": 48, "cost": "57
//   tokens"}}
//
// A digest is of the whole action: a replay that would send other bytes is told from one that would not.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>

#include "bursar/core/result.h"
#include "bursar/plan/job/controller.h"

namespace bursar::plan {

[[nodiscard]] std::string_view name_of(ActionEnd end);      // "done", "refused", "failed", "cancelled"
[[nodiscard]] std::string digest_of(const Action& action);  // 16 hex digits; not against forgery

[[nodiscard]] boost::json::object step_entry(const Step& step, double share, Duration at);
[[nodiscard]] boost::json::object seen_entry(const Observation& seen);

// Errors: kCorrupt naming the member.
[[nodiscard]] Result<Observation> read_seen(const boost::json::object& seen);
[[nodiscard]] Result<Duration> time_of(const boost::json::object& step);
// kCorrupt where the step asks for other actions than its entry.
[[nodiscard]] Result<void> same_actions(const boost::json::object& entry, const Step& step);

// The journal with texts cut to so many bytes, for people.
[[nodiscard]] boost::json::array shortened(const boost::json::array& journal, std::size_t text_bytes);

}  // namespace bursar::plan
