// The agent's Idempotency-Key: a model call that was paid is not paid again because it was asked for again.
//
//   Once once = begin_once(shared.idempotency, principal, request, now);
//   if (once.instead) return exchange->answer(*once.instead);       // what was answered then, or why not
//   … the call, with once.claim …
//   keep_answer(*once.claim, response, receipt, now);               // where it is answered as a whole
//   keep_streamed(*once.claim, now);                                // where a stream begins
//   keep_lost(*once.claim, receipt, now);                           // at its end, answered or not
//
// The same key of the same principal with the same body, within IdempotencyTable::kKeptFor: the answer that was given,
// with `idempotent-replayed: true`, and free; 409 while the first call still runs, and where its answer was streamed,
// got lost on its way, or is longer than kLongest. Another body or path: 409. What cost neither tokens nor money is not
// kept, so that trying again helps. Nothing is kept over a restart.
#pragma once

#include <memory>
#include <optional>

#include "bursar/broker/http/server.h"
#include "bursar/broker/identity/principal.h"
#include "bursar/broker/pipeline/idempotency.h"
#include "bursar/ledger/ledger.h"

namespace bursar::broker {

struct Once {
  static constexpr std::size_t kLongest = 1 << 20;   // of an answer that is kept
  std::optional<HttpResponse> instead = {};          // the call is not made
  std::shared_ptr<IdempotencyTable::Claim> claim{};  // null where the agent named no key
};

[[nodiscard]] Once begin_once(IdempotencyTable& table, const Principal& principal, const HttpRequest& request,
                              WallTime now);

void keep_answer(IdempotencyTable::Claim& claim, const HttpResponse& response,
                 const std::optional<ledger::Receipt>& receipt, WallTime now);
void keep_streamed(IdempotencyTable::Claim& claim, WallTime now);
void keep_lost(IdempotencyTable::Claim& claim, const std::optional<ledger::Receipt>& receipt, WallTime now);

}  // namespace bursar::broker
