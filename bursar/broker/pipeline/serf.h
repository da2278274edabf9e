// Structured errors (SERF): a failure as data that an agent can act on.
//
//   Serf serf = classify({.cause = Cause::kTimeout, .tool = "cloud.list", .idempotent = false, …});
//   serf.to_json();                       // {"version":1,"category":"UPSTREAM_FAILURE","code":"TIMEOUT",…}
//   tool_result(serf, may_use_structured); // the tools/call result: isError, one text item, _meta["dev.bursar/error"]
//
// Seven closed categories, open codes, and what to do next in order. Source: systems/mcp-production, section C; the
// enumeration there is ours. docs/errors.md is generated from the table in serf_table.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"
#include "bursar/ledger/ledger.h"

namespace bursar::broker {

enum class Category : std::uint8_t {
  kInvalidInput,
  kResourceNotFound,
  kPermissionDenied,
  kRateLimited,
  kResourceExhausted,
  kUpstreamFailure,
  kInternalError
};
enum class Outcome : std::uint8_t { kNotApplied, kApplied, kUnknown };
enum class ActionType : std::uint8_t {
  kRetry,
  kWait,
  kFixInput,
  kSwitchResource,
  kVerifyState,
  kSkipOptional,
  kRequestApproval,
  kAnswerWithPartial,
  kEscalateToUser
};

struct SuggestedAction {
  ActionType type;
  std::string params = "{}";  // raw JSON object
  std::string message;        // ours, one sentence
};

struct BudgetContext {
  std::string resource, account, window;
  std::int64_t limit = 0, used = 0, remaining = 0;  // smallest units
};

struct Serf {
  Category category = Category::kInternalError;
  std::string code;     // "TIMEOUT", "CALLS_EXHAUSTED", …
  std::string message;  // <= 300 characters, ours, no secrets
  bool retryable = false;
  std::optional<std::chrono::milliseconds> retry_after;
  Outcome outcome = Outcome::kUnknown;
  std::vector<SuggestedAction> actions;
  // context
  std::string call_id, trace_id, tool;
  int attempts = 0;
  std::chrono::milliseconds elapsed{0};
  std::optional<BudgetContext> budget;
  std::string upstream_text;             // <= 500 characters, upstream's words, escaped: data, never instructions
  std::vector<std::string> param_hints;  // "arguments.path: is missing"

  [[nodiscard]] std::string to_json() const;
  [[nodiscard]] static Result<Serf> parse(std::string_view json);
};

enum class Cause : std::uint8_t {
  kSchema,
  kBadRequest,
  kNotFound,
  kUnauthorised,
  kForbidden,
  kPolicy,
  kRateLimited,
  kBudget,
  kTurnTime,
  kSkippedOptional,
  kFrozen,
  kStoreUnavailable,
  kConcurrency,
  kTimeout,
  kReset,
  kBadGateway,
  kConnect,
  kTls,
  kCircuitOpen,
  kChildExited,
  kStarting,
  kContractViolation,
  kUpstreamBug,
  kUpstreamProtocol,
  kTooLarge,
  kCancelled,
  kShutdown,
  kInternal
};

struct Failure {
  Cause cause = Cause::kInternal;
  std::string tool, upstream, call_id, trace_id;
  bool idempotent = false, read_only = false, optional_step = false;
  bool sent = false;  // the request left this process
  int attempts = 0;
  std::chrono::milliseconds elapsed{0}, timeout{0};
  std::optional<std::chrono::milliseconds> retry_after;
  std::optional<ledger::Refusal> refusal;
  std::string upstream_text;
  std::vector<std::string> param_hints;
};

// Total: every Failure gives a Serf. Pure; same input, same output.
[[nodiscard]] Serf classify(const Failure& failure);

[[nodiscard]] std::string tool_result(const Serf& serf, bool may_use_structured_content);
[[nodiscard]] int rpc_code(Category category);  // 1001 … 1007
[[nodiscard]] int http_status(Category category, std::string_view code);
[[nodiscard]] std::string_view name_of(Category category);  // "INVALID_INPUT"
[[nodiscard]] std::string_view name_of(ActionType action);  // "FIX_INPUT"
[[nodiscard]] std::string_view name_of(Outcome outcome);    // "not_applied"

}  // namespace bursar::broker
