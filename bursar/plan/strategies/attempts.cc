#include "bursar/plan/strategies/attempts.h"

#include <algorithm>

#include "bursar/plan/strategies/prompts.h"

namespace bursar::plan {

Attempt attempt_of(std::string_view question, const FirstAnswer& first) {
  Attempt out = estimate_request(question);
  out.base_tokens = std::max<std::int64_t>(first.tokens, 0);
  out.done = first.cut ? DoneReason::kLength : DoneReason::kStop;
  out.finalizer_used = labelled(first.reply, "Answer").empty() && !first.reply.contains("\\boxed{");
  return out;
}

}  // namespace bursar::plan
