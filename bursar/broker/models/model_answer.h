// What agents get to see beside the upstream's own words: refusals in OpenAI's shape, and budgets in headers.
//
//   exchange.answer(refusal_of(serf, refusal, who));
//   exchange.answer({.status = 200, .headers = budget_headers({.account = "acme/ada", .cost = paid, .left = left}),
//   …});
//
//   x-bursar-account: acme/ada          x-bursar-cost: 0.0012 usd, 57 tokens, 1 calls, 350 ms
//   x-bursar-left-usd: 1.25             (a stream's head says x-bursar-reserved; its cost is a comment before its end)
//
// The openai SDKs obey x-should-retry before all else: it is false on every refusal but those that pass by themselves
// soon, which come with retry-after. {"error":{"message","type","param","code","bursar":{account, resource, window,
// limit, left, asked, refills_at, recovery: the SERF of docs/errors.md}}}
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bursar/broker/http/server.h"
#include "bursar/broker/pipeline/serf.h"
#include "bursar/core/amount.h"

namespace bursar::broker {

struct BudgetNote {
  std::string account;
  std::string decision = {};  // by which the reward of the answer can be told
  Amounts cost = {}, left = {};
  bool reserved = false;  // `cost` is what is held so far
};
[[nodiscard]] HttpHeaders budget_headers(const BudgetNote& note);
[[nodiscard]] std::string cost_text(const Amounts& cost);  // "0 usd" where it is nothing

// `param`: the member of the request that is wrong, or empty.
[[nodiscard]] HttpResponse refusal_of(const Serf& serf, const std::optional<ledger::Refusal>& refusal,
                                      const BudgetNote& note, std::string_view param = {});
// The same error as an event of a stream that had begun.
[[nodiscard]] std::string refusal_event(const Serf& serf);
// A refusal before anybody knows who asks or what for: 400, 401, 403, 404, 405.
[[nodiscard]] HttpResponse plain_refusal(int status, std::string_view code, std::string_view message,
                                         std::string_view param = {});

}  // namespace bursar::broker
