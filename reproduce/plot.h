// Draws the plotted tables of a report as one SVG: a panel a table, lines where the conditions are numbers and bars
// where they are names, with intervals over seeds and the sheet's figures as hollow rings.
//
//   std::ofstream("out.svg") << to_svg(report);
//
// Self-contained SVG 1.1: no script, no style sheet, no font to fetch. O(cells).
#pragma once

#include <string>

#include "reproduce/report.h"

namespace bursar::reproduce {

[[nodiscard]] std::string to_svg(const Report& report);

}  // namespace bursar::reproduce
