// systems/mcpp on a chain of three subtasks whose optimum is known exactly; a part of mcpp.cc's report.
#pragma once

#include "reproduce/system.h"

namespace bursar::reproduce {

void show_chain(const RunOptions& options, Report& report);

}  // namespace bursar::reproduce
