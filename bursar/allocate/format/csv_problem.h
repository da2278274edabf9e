// A problem as a table of comma-separated values, one row an option; read in one pass, however long it is.
//
//   customer,offer,profit,usd,group          item,option,value,cost
//   ada,none,0,0,north                       a,0,0,0
//   ada,mail,3.5,0.8,north                   a,1,3.5,0.8
//
//   CsvColumns columns{.item = "customer", .option = "offer", .value = "profit", .costs = {"usd"}};
//   auto stated = read_problem_csv(source, columns);
//
// The first row names the columns. The rows of an item stand together. Columns:
//   item       the item's name
//   option     the option's name, distinct within its item; without the column options are numbered from 0
//   value      what the option is worth; or `loss`, and the least sum is sought
//   cost       what it costs; several resources: cost.usd, cost.hours, …
//   group      the item's group           \ the same in
//   minimum    least cost of the item     / all rows of it
//   forbidden  0 or 1 (false, true): must not be taken
// Other columns are left out of account, and a note says so. Memory beside the problem: the buffer of a row, and 8 … 16
// bytes an item where item names do not count up from 0.
// Errors (kInvalidArgument) name line, column and value: rows of another length than the first, an item or option that
// stands twice, numbers that are none, not finite, or negative where they are a cost; kExhausted past a limit.
#pragma once

#include "bursar/allocate/format/source.h"
#include "bursar/allocate/format/stated_problem.h"

namespace bursar::allocate {

struct CsvColumns {  // empty: the names above
  std::string item, option, value, group, minimum, forbidden;
  std::vector<std::string> costs;  // each is a resource of that name
  bool minimise = false;           // `value` names a column of losses
};

[[nodiscard]] Result<StatedProblem> read_problem_csv(ByteSource source, const CsvColumns& columns = {},
                                                     const ReadLimits& limits = {});

// Rows of group and cap, with that heading.
[[nodiscard]] Result<std::vector<NamedAmount>> read_caps_csv(ByteSource source);

}  // namespace bursar::allocate
