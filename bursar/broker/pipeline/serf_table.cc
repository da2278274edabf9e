#include "bursar/broker/pipeline/serf_table.h"

#include <algorithm>
#include <array>

namespace bursar::broker {
namespace {

using enum ActionType;

constexpr std::string_view kGiveUpText = "Tell the user what happened; trying again will not help.";
constexpr std::string_view kPartialText = "Answer with what you have so far and say what is missing.";
constexpr std::string_view kVerifyText = "Read back whether the call took effect before you call it again.";

constexpr RowAction kFix[] = {{kFixInput, 2, "Correct the named arguments and call again."},
                              {kEscalateToUser, 1, kGiveUpText}};
constexpr RowAction kFixOnce[] = {{kFixInput, 1, "Use a new idempotency key for a different call."},
                                  {kEscalateToUser, 1, kGiveUpText}};
constexpr RowAction kSwitch[] = {{kSwitchResource, 1, "List what exists and use another name."},
                                 {kEscalateToUser, 1, kGiveUpText}};
constexpr RowAction kEscalate[] = {{kEscalateToUser, 1, kGiveUpText}};
constexpr RowAction kApprove[] = {{kRequestApproval, 1, "Ask the user to have this tool allowed."},
                                  {kEscalateToUser, 1, kGiveUpText}};
constexpr RowAction kWaitTwice[] = {{kWait, 2, "Wait for retry_after_ms, then call again."},
                                    {kAnswerWithPartial, 1, kPartialText}};
constexpr RowAction kSpent[] = {{kSkipOptional, 1, "Continue without this step."},
                                {kAnswerWithPartial, 1, kPartialText},
                                {kRequestApproval, 1, "Ask the user for a larger budget."}};
constexpr RowAction kSkip[] = {{kSkipOptional, 1, "Continue without this step."},
                               {kAnswerWithPartial, 1, kPartialText}};
constexpr RowAction kUncertain[] = {{kRetry, 2, "Call again after a short pause; the tool may be repeated safely."},
                                    {kSkipOptional, 1, "Continue without this step."},
                                    {kVerifyState, 1, kVerifyText},
                                    {kEscalateToUser, 1, kGiveUpText}};
constexpr RowAction kUnreached[] = {{kRetry, 2, "Call again after a short pause; nothing was applied."},
                                    {kSkipOptional, 1, "Continue without this step."},
                                    {kSwitchResource, 1, "Use another tool or server for this step."},
                                    {kEscalateToUser, 1, kGiveUpText}};
constexpr RowAction kComeBack[] = {{kWait, 2, "Wait for retry_after_ms, then call again."},
                                   {kSkipOptional, 1, "Continue without this step."},
                                   {kSwitchResource, 1, "Use another tool or server for this step."},
                                   {kEscalateToUser, 1, kGiveUpText}};
constexpr RowAction kBroken[] = {
    {kRetry, 1, "Call once more; the tool may be repeated safely."},
    {kVerifyState, 1, kVerifyText},
    {kEscalateToUser, 1, "Tell the user that this tool is broken; its operator has to look."}};
constexpr RowAction kOurs[] = {
    {kWait, 2, "Wait a moment, then call again; nothing was applied."},
    {kEscalateToUser, 1, "Tell the user that the gateway has a fault; its operator has to look."}};
constexpr RowAction kTooMuch[] = {{kFixInput, 2, "Ask for less: a page, a range or a filter."},
                                  {kEscalateToUser, 1, kGiveUpText}};
constexpr RowAction kStopped[] = {{kVerifyState, 1, kVerifyText}};

constexpr auto kNot = Outcome::kNotApplied;
constexpr auto kUnknown = Outcome::kUnknown;
constexpr auto kApplied = Outcome::kApplied;
using enum Category;
using enum Retry;

constexpr SerfRow kRows[] = {
    {Cause::kSchema, "", kInvalidInput, "SCHEMA_MISMATCH", kNever, kNot,
     "the arguments do not fit the tool's inputSchema", "The arguments of %t do not fit its schema.", kFix},
    {Cause::kBadRequest, "", kInvalidInput, "BAD_REQUEST", kNever, kNot,
     "the server answered 400 or 422, or a bursar key in `_meta` is wrong",
     "The request for %t was refused as malformed.", kFix},
    {Cause::kTooLarge, "", kInvalidInput, "REQUEST_TOO_LARGE", kNever, kNot, "the request is larger than a limit",
     "The request for %t is too large.", kFix},
    {Cause::kBudget, "conflict", kInvalidInput, "IDEMPOTENCY_CONFLICT", kNever, kNot,
     "the idempotency key stands for another call already",
     "The idempotency key of this call of %t was used for another call.", kFixOnce},
    {Cause::kNotFound, "", kResourceNotFound, "NOT_FOUND", kNever, kNot,
     "the name or id is unknown, or the server answered 404", "What %t was asked for does not exist.", kSwitch},
    {Cause::kPolicy, "", kPermissionDenied, "POLICY", kNever, kNot, "the gateway's policy denies it",
     "Policy does not allow %t.", kApprove},
    {Cause::kUnauthorised, "", kPermissionDenied, "UPSTREAM_UNAUTHORISED", kNever, kNot,
     "the server answered 401: the gateway's credential for it is missing or wrong",
     "The server %u did not accept the gateway's credential.", kEscalate},
    {Cause::kForbidden, "", kPermissionDenied, "FORBIDDEN", kNever, kNot, "the server answered 403",
     "The server %u does not permit this use of %t.", kApprove},
    {Cause::kFrozen, "", kPermissionDenied, "ACCOUNT_FROZEN", kNever, kNot, "an account of the path is frozen",
     "The account that pays for %t is frozen.%r", kEscalate},
    {Cause::kBudget, "unknown account", kPermissionDenied, "ACCOUNT_UNKNOWN", kNever, kNot,
     "the paying account does not exist", "The account that should pay for %t does not exist.%r", kEscalate},
    {Cause::kRateLimited, "", kRateLimited, "RATE_LIMITED", kAlways, kNot,
     "a token bucket is empty, or the server answered 429", "%t is called too often at the moment.", kWaitTwice},
    {Cause::kConcurrency, "", kRateLimited, "CONCURRENCY", kAlways, kNot,
     "too many calls at once, or the same idempotency key is in flight",
     "Too many calls are running at once to start %t.", kWaitTwice},
    {Cause::kBudget, "refills", kRateLimited, "BUDGET_REFILLS", kAlways, kNot,
     "a budget is used up and refills within a minute", "The budget for %t refills soon.%r", kWaitTwice},
    {Cause::kBudget, "usd", kResourceExhausted, "MONEY_EXHAUSTED", kNever, kNot, "a money limit cannot pay the call",
     "The money budget cannot pay %t.%r", kSpent},
    {Cause::kBudget, "calls", kResourceExhausted, "CALLS_EXHAUSTED", kNever, kNot, "no calls are left",
     "No calls are left for %t.%r", kSpent},
    {Cause::kBudget, "ms", kResourceExhausted, "TIME_EXHAUSTED", kNever, kNot,
     "a budget of milliseconds cannot pay the call", "The time budget cannot pay %t.%r", kSpent},
    {Cause::kBudget, "tokens", kResourceExhausted, "TOKENS_EXHAUSTED", kNever, kNot,
     "a token limit cannot pay the call", "The token budget cannot pay %t.%r", kSpent},
    {Cause::kBudget, "", kResourceExhausted, "QUOTA_EXHAUSTED", kNever, kNot, "any other limit cannot pay the call",
     "A budget cannot pay %t.%r", kSpent},
    {Cause::kTurnTime, "", kResourceExhausted, "TURN_TIME_EXHAUSTED", kNever, kNot,
     "the turn has too little time left for this call to end", "Too little time is left in this turn to call %t.",
     kSpent},
    {Cause::kSkippedOptional, "", kResourceExhausted, "OPTIONAL_SKIPPED", kNever, kNot,
     "an optional step was left out so that the mandatory ones have their time",
     "The optional step %t was skipped to save time for the steps that matter.", kSkip},
    {Cause::kTimeout, "", kUpstreamFailure, "TIMEOUT", kIfIdempotent, kUnknown, "no answer within the granted time",
     "%t did not answer within %m ms (%a).", kUncertain},
    {Cause::kReset, "", kUpstreamFailure, "UNAVAILABLE", kIfIdempotent, kUnknown,
     "the connection broke before the answer", "The connection to %u broke while %t ran (%a).", kUncertain},
    {Cause::kBadGateway, "", kUpstreamFailure, "BAD_GATEWAY", kIfIdempotent, kUnknown,
     "the server answered 502, 503 or 504", "The server %u could not serve %t (%a).", kUncertain},
    {Cause::kChildExited, "", kUpstreamFailure, "CHILD_EXITED", kIfIdempotent, kUnknown,
     "the server's process ended before the answer", "The process of %u ended while %t ran (%a).", kUncertain},
    {Cause::kConnect, "", kUpstreamFailure, "CONNECT", kAlways, kNot, "the server cannot be reached",
     "The server %u cannot be reached (%a).", kUnreached},
    {Cause::kTls, "", kUpstreamFailure, "TLS", kAlways, kNot, "no trusted TLS connection to the server",
     "No trusted connection to the server %u (%a).", kUnreached},
    {Cause::kCircuitOpen, "", kUpstreamFailure, "CIRCUIT_OPEN", kAlways, kNot,
     "the server failed 5 times in a row and is left alone for 30 s",
     "The server %u failed repeatedly and is left alone for a while.", kComeBack},
    {Cause::kStarting, "", kUpstreamFailure, "STARTING", kAlways, kNot, "the server is still starting",
     "The server %u is still starting.", kComeBack},
    {Cause::kShutdown, "", kUpstreamFailure, "SHUTTING_DOWN", kIfIdempotent, kUnknown, "the gateway is shutting down",
     "The gateway is shutting down.", kUncertain},
    {Cause::kCancelled, "", kUpstreamFailure, "CANCELLED", kNever, kUnknown, "the agent gave the call up",
     "The call of %t was given up.", kStopped},
    {Cause::kContractViolation, "", kInternalError, "CONTRACT_VIOLATION", kIfIdempotent, kUnknown,
     "the result does not fit the tool's outputSchema",
     "The result of %t does not fit the schema that %u declares for it.", kBroken},
    {Cause::kUpstreamBug, "", kInternalError, "UPSTREAM_BUG", kIfIdempotent, kUnknown, "the server answered 500",
     "The server %u failed inside %t.", kBroken},
    {Cause::kUpstreamProtocol, "", kInternalError, "UPSTREAM_PROTOCOL", kIfIdempotent, kUnknown,
     "the answer is no valid protocol message", "The server %u answered %t with something that is no valid message.",
     kBroken},
    {Cause::kTooLarge, "result", kInternalError, "RESULT_TOO_LARGE", kNever, kApplied,
     "the result is larger than a limit and cannot be cut short",
     "The result of %t is larger than the gateway passes on.", kTooMuch},
    {Cause::kStoreUnavailable, "", kInternalError, "LEDGER_UNAVAILABLE", kAlways, kNot,
     "the budget or audit store does not answer; nothing is spent unrecorded",
     "The gateway cannot record what %t would spend, so it was not called.", kOurs},
    {Cause::kInternal, "", kInternalError, "INTERNAL", kNever, kUnknown, "a fault of the gateway",
     "The gateway failed while it handled %t.", kBroken},
};

std::string_view variant_of(const Failure& failure) {
  if (failure.cause == Cause::kTooLarge) return failure.sent ? "result" : "";
  if (failure.cause != Cause::kBudget || !failure.refusal) return "";
  const ledger::Refusal& refusal = *failure.refusal;
  // Soon: an agent that waits so long is better off than one that gives up. What exceeds the limit itself never fits.
  constexpr std::chrono::milliseconds kSoon = std::chrono::minutes{1};
  if (failure.retry_after && *failure.retry_after <= kSoon && refusal.asked <= refusal.limit) return "refills";
  if (refusal.resource == kUsd) return "usd";
  if (refusal.resource == kCalls) return "calls";
  if (refusal.resource == kMs) return "ms";
  if (refusal.resource == kTokens) return "tokens";
  return "";
}

// A refusal of the ledger may be something else than an empty budget.
std::pair<Cause, std::string_view> key_of(const Failure& failure) {
  if (failure.cause == Cause::kBudget && failure.refusal) {
    using Why = ledger::Refusal::Why;
    switch (failure.refusal->why) {
      case Why::kLimit: break;
      case Why::kFrozen: return {Cause::kFrozen, ""};
      case Why::kUnknownAccount: return {Cause::kBudget, "unknown account"};
      case Why::kStoreUnavailable: return {Cause::kStoreUnavailable, ""};
      case Why::kKeyConflict: return {Cause::kBudget, "conflict"};
      case Why::kInvalid: return {Cause::kInternal, ""};
    }
  }
  return {failure.cause, variant_of(failure)};
}

std::string escape_cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string actions_cell(const SerfRow& row) {
  std::string out;
  for (const RowAction& action : row.actions) {
    if (!out.empty()) out += ", ";
    out += name_of(action.type);
    if (action.limit > 1) out += " (" + std::to_string(action.limit) + " times)";
  }
  return out;
}

}  // namespace

std::span<const SerfRow> serf_rows() { return kRows; }

const SerfRow& row_of(const Failure& failure) {
  const auto [cause, variant] = key_of(failure);
  const auto fits = [&](const SerfRow& row) { return row.cause == cause && row.variant == variant; };
  if (const auto* row = std::ranges::find_if(kRows, fits); row != std::end(kRows)) return *row;
  return *std::ranges::find(kRows, Cause::kInternal, &SerfRow::cause);
}

const SerfRow* find_row(Category category, std::string_view code) {
  const auto fits = [&](const SerfRow& row) { return row.category == category && row.code == code; };
  const auto* row = std::ranges::find_if(kRows, fits);
  return row == std::end(kRows) ? nullptr : row;
}

int limit_of(Category category, std::string_view code, ActionType action) {
  const SerfRow* row = find_row(category, code);
  if (row == nullptr) row = std::ranges::find(kRows, category, &SerfRow::category);
  const auto at = std::ranges::find(row->actions, action, &RowAction::type);
  return at == row->actions.end() ? 0 : at->limit;
}

std::string errors_markdown() {
  std::string out =
      "# Errors\n\n"
      "Generated from the table in `bursar/broker/pipeline/serf_table.cc`; edit it there.\n\n"
      "Whatever goes wrong between an agent and a tool comes back as one object that says what happened, whether the "
      "call took\n"
      "effect, and what to do next. A tool call answers with a result whose `isError` is true, with one text item (the "
      "message and\n"
      "the object) and the object under `_meta[\"dev.bursar/error\"]`; it is in `structuredContent` too where the tool "
      "declares no\n"
      "`outputSchema`. Other methods answer with a JSON-RPC error that carries the object in `data`. What the server "
      "itself answers\n"
      "(its own errors, a result with `isError`) is passed on untouched.\n\n"
      "| category | JSON-RPC code | HTTP status |\n| --- | --- | --- |\n";
  constexpr std::array kAll{kInvalidInput,      kResourceNotFound, kPermissionDenied, kRateLimited,
                            kResourceExhausted, kUpstreamFailure,  kInternalError};
  for (const Category category : kAll) {
    out += "| " + std::string(name_of(category)) + " | " + std::to_string(rpc_code(category)) + " | " +
           std::to_string(http_status(category, ""));
    if (category == kUpstreamFailure) out += " (504 for TIMEOUT)";
    out += " |\n";
  }
  out +=
      "\n`outcome` is `not_applied` for a request that never left the gateway, whatever the table says. `retryable` is "
      "false once the\n"
      "gateway has tried again itself.\n\n"
      "| category | code | when | retryable | outcome | what to do, in order |\n| --- | --- | --- | --- | --- | --- "
      "|\n";
  for (const SerfRow& row : kRows) {
    constexpr std::array kRetryText{"no", "yes", "if idempotent or not sent"};
    out += "| " + std::string(name_of(row.category)) + " | `" + std::string(row.code) + "` | " + escape_cell(row.when) +
           " | " + kRetryText.at(static_cast<std::size_t>(row.retry)) + " | " + std::string(name_of(row.outcome)) +
           " | " + actions_cell(row) + " |\n";
  }
  out +=
      "\nRETRY after an unknown outcome is offered for idempotent tools only, VERIFY_STATE for the others, "
      "SKIP_OPTIONAL for\n"
      "optional steps.\n";
  return out;
}

}  // namespace bursar::broker
