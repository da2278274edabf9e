// What must fit together in the configuration about models: names, addresses, routes, prices.
#pragma once

#include "bursar/broker/config/identity_check.h"

namespace bursar::broker {

void check_models(const Config& config, const ReportProblem& wrong);

}  // namespace bursar::broker
