// The table of failures: what each cause is called, whether a retry helps, and what to do next. Everything else about
// SERF is derived from it: classify(), next_action() and docs/errors.md.
//
//   const SerfRow& row = row_of(failure);
//   limit_of(serf.category, serf.code, ActionType::kWait);   // how often that action may be tried
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "bursar/broker/pipeline/serf.h"

namespace bursar::broker {

enum class Retry : std::uint8_t { kNever, kAlways, kIfIdempotent };

struct RowAction {
  ActionType type;
  int limit = 1;             // times that next_action() takes it for one failure
  std::string_view message;  // one sentence to the agent
  // kRetry of a row whose outcome is unknown is offered only for idempotent tools, kVerifyState only for the others,
  // kSkipOptional only for optional steps.
};

struct SerfRow {
  Cause cause;
  std::string_view variant;  // tells rows of one cause apart; empty for the only one
  Category category;
  std::string_view code;
  Retry retry = Retry::kNever;
  Outcome outcome = Outcome::kNotApplied;  // of a request that was sent; what was never sent is not applied
  std::string_view when;                   // for the page: what happened
  std::string_view sentence;  // of the message; %t tool, %u upstream, %m granted ms, %a attempts, %r what a budget said
  std::span<const RowAction> actions;
};

[[nodiscard]] std::span<const SerfRow> serf_rows();
[[nodiscard]] const SerfRow& row_of(const Failure& failure);  // total
[[nodiscard]] const SerfRow* find_row(Category category, std::string_view code);
// 0 where the row does not have the action; a code that is unknown (of another broker) counts as its category's first
// row.
[[nodiscard]] int limit_of(Category category, std::string_view code, ActionType action);

// docs/errors.md, generated; a test holds the file and this function together.
[[nodiscard]] std::string errors_markdown();

}  // namespace bursar::broker
