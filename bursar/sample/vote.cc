#include "bursar/sample/vote.h"

namespace bursar::sample {

std::optional<VoteResult> majority(const Ballot& ballot, const VoteOptions& options) {
  const auto votes = [&](const AnswerGroup& group) {
    return options.weighted ? group.weight : static_cast<double>(group.count);
  };
  std::optional<VoteResult> best;
  double most = 0, total = 0;
  for (std::size_t g = 0; g < ballot.groups.size(); ++g) {
    const double now = votes(ballot.groups[g]);
    total += now;
    if (!(now > 0) || (best && now < most)) continue;
    if (best && now == most) {
      best->tied = true;
      const bool smaller = ballot.groups[g].key < ballot.groups[best->group].key;
      if (options.ties == TieRule::kSmallestKey && smaller) best->group = g;
      continue;
    }
    most = now;
    best = VoteResult{.group = g};
  }
  if (best) best->share = most / (options.weighted ? total : static_cast<double>(ballot.samples));
  return best;
}

}  // namespace bursar::sample
