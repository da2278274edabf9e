// The interface of the six stages. A stage never does I/O: where something outside has to happen it says what, the
// driver does it, and the stage runs again.
//
//   for (Verdict v = stage.run(call, now, random); ; v = stage.run(call, now, random)) {
//     if (v.kind == Verdict::kGrant) call.hold = … await ledger.reserve(v.reserve) …
//     …
//   }
//
// So every stage is tested without a socket, and the same stages run in simulation and replay.
#pragma once

#include <cstdint>

#include "bursar/broker/pipeline/call.h"

namespace bursar {
class RandomStream;
}

namespace bursar::broker {

struct Verdict {
  enum Kind : std::uint8_t {
    kContinue,  // next stage
    kStop,      // call.serf, call.http or call.result says with what; the settle stage still runs
    kGrant,     // the ledger has to decide off the hot path: reserve(reserve), then deliver() and run again
    kAttempt,   // send call.outgoing_params to call.target within `timeout` (extendable to `timeout_max`), then run
                // again
    kPause,     // wait `pause`, then run again
  };
  Kind kind = kContinue;
  ledger::ReserveRequest reserve = {};
  Duration timeout{0}, timeout_max{0}, pause{0};
};

class Stage {
 public:
  virtual ~Stage() = default;
  [[nodiscard]] virtual StageName name() const = 0;
  // `now` is the time of this very step.
  [[nodiscard]] virtual Verdict run(Call& call, WallTime now, RandomStream& random) = 0;
  // The answer to kGrant, for the admit stage and for a retry of the invoke stage.
  virtual void deliver(Call&, ledger::Reservation) {}
  // A request refused before its own stage still passes settle exactly once, whatever happened (also when the driver
  // drops the call: the client went away, the process stops).
};

}  // namespace bursar::broker
