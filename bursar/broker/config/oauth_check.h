// What loading cannot see about `oauth` of an upstream: which fields need and exclude each other, and that no secret of
// ours goes to a server that a stranger chose.
#pragma once

#include "bursar/broker/config/identity_check.h"

namespace bursar::broker {

void check_oauth(const UpstreamConfig& upstream, std::size_t index, const ReportProblem& wrong);

}  // namespace bursar::broker
