// What must fit together in the configuration about strategies.
#pragma once

#include "bursar/broker/config/identity_check.h"

namespace bursar::broker {

void check_strategies(const Config& config, const ReportProblem& wrong);

}  // namespace bursar::broker
