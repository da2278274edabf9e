// How one reply of the simulated model goes out: at once or token by token, in its own time, and with what goes wrong.
//
//   answer_call({.exchange = exchange, .reply = reply, .asked = asked, …});
//
// All on the exchange's reactor. What was computed until the answer came whole, broke, or lost its reader is in the
// UsageTable when that happened.
#pragma once

#include <memory>
#include <string>

#include "bursar/broker/http/server.h"
#include "bursar/cli/sim_model/completion_json.h"
#include "bursar/cli/sim_model/faults.h"
#include "bursar/cli/sim_model/usage_table.h"

namespace bursar::cli {

struct Answering {
  std::shared_ptr<broker::Exchange> exchange;
  CompletionRequest asked;
  simulate::ChatReply reply;
  AnswerLabels labels;
  std::shared_ptr<UsageTable::Call> call;
  FaultDraw fault;           // none that is a status
  double latency_scale = 0;  // of the latency that the model drew; 0: at once
};
void answer_call(Answering answering);

}  // namespace bursar::cli
