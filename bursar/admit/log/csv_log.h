// A log as a table: one row an option, the rows of a request one after the other.
//
//   request,time_s,option,reward,cost.usd,cost.ms,hold.usd,hold.ms,actual.usd,actual.ms,actual_reward
//   17,3.5,small,.6,.002,300,.004,900,.0018,310,1
//   17,3.5,large,.8,.02,900,.04,2000,.021,870,1
//
// Without a column `request` every row is a request of its own. Needed: reward and at least one cost; a lone resource
// may be called cost (hold, actual). Names of options are for people. An auction has value and price instead, the
// highest bid of the others:  time_s,value,price. Columns context.NAME are features of the request, taken from its
// first row. Every number is finite, and at least 0 but for context and actual_reward. An unknown column is an error
// unless it is named in `ignore`. Memory: one request.
#pragma once

#include "bursar/admit/log/log_reader.h"

namespace bursar::admit {

[[nodiscard]] Result<std::unique_ptr<LogReader>> open_csv_log(allocate::ByteSource source, const LogOptions& options);

}  // namespace bursar::admit
