// A model call as one request to a policy: its targets are the options, their worst cases the costs.
//
//   Result<PaceAnswer> answer = pace_with(keep_alive, decider, question, now);
//
// An unpriced target cannot be chosen where the policy spreads usd. Not now: where the budget is used up, until the
// window ends; otherwise a few seconds, for prices fall while nothing is taken.
#pragma once

#include "bursar/broker/decide_door/decider.h"
#include "bursar/broker/models/model_pace.h"

namespace bursar::broker {

// `owner` keeps the decider alive for the ticket.
[[nodiscard]] Result<PaceAnswer> pace_with(std::shared_ptr<void> owner, Decider& decider, const PaceQuestion& question,
                                           WallTime now);

}  // namespace bursar::broker
