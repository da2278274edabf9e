#include "bursar/broker/models/model_pace.h"

#include <algorithm>

#include "bursar/broker/models/model_run.h"

namespace bursar::broker {

ModelRun::Refused ModelRun::pace(WallTime /*now*/) {
  if (policy_.empty() || !services_.pace) return std::nullopt;
  std::vector<double> values;
  std::vector<Amounts> worst;
  std::vector<std::size_t> places;
  for (const Candidate& candidate : candidates_) {
    values.push_back(candidate.value);
    places.push_back(candidate.place);
    Amounts& cost = worst.emplace_back(worst_case(candidate.price, call_.request.prompt_tokens_max,
                                                  call_.request.answers * output_max_ + call_.request.extra_output));
    (void)cost.add({kMs, candidate.endpoint->config.timeout.count()});
  }
  auto answer = services_.pace({.policy = policy_,
                                .caller = call_.principal.subject,
                                .values = values,
                                .worst = worst,
                                .places = places,
                                .targets = targets_});
  if (!answer) return Why{.cause = Cause::kInternal, .hint = answer.error().message};
  if (!answer->lead) return Why{.cause = Cause::kRateLimited, .hint = answer->why, .wait = answer->wait};
  ticket_ = std::move(answer->ticket);
  decision_ = ticket_->decision();
  const auto lead = candidates_.begin() + static_cast<std::ptrdiff_t>(*answer->lead);
  std::rotate(candidates_.begin(), lead, lead + 1);
  return std::nullopt;
}

}  // namespace bursar::broker
