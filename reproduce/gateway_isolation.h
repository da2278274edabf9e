// H1 of systems/mcp-production: no foreign data reaches a tenant, at bounded overhead. Through the real gateway, not a
// simulation of it.
#pragma once

#include "reproduce/system.h"

namespace bursar::reproduce {

// Adds tables and bars where the gateway could be started, and otherwise the reason to `report.not_run`.
void add_isolation(const RunOptions& options, Report& report);

}  // namespace bursar::reproduce
