#include "bursar/broker/pipeline/serf.h"

#include <algorithm>
#include <array>
#include <boost/json/value.hpp>

#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/pipeline/serf_table.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

constexpr std::size_t kMaxMessage = 300;
constexpr std::size_t kMaxUpstreamText = 500;
constexpr std::size_t kMaxName = 128;
constexpr std::size_t kMaxHints = 16;

constexpr std::array<std::string_view, 7> kCategories{"INVALID_INPUT", "RESOURCE_NOT_FOUND", "PERMISSION_DENIED",
                                                      "RATE_LIMITED",  "RESOURCE_EXHAUSTED", "UPSTREAM_FAILURE",
                                                      "INTERNAL_ERROR"};
constexpr std::array<std::string_view, 9> kActions{
    "RETRY",           "WAIT",          "FIX_INPUT",        "SWITCH_RESOURCE",
    "VERIFY_STATE",    "SKIP_OPTIONAL", "REQUEST_APPROVAL", "ANSWER_WITH_PARTIAL",
    "ESCALATE_TO_USER"};
constexpr std::array<std::string_view, 3> kOutcomes{"not_applied", "applied", "unknown"};

template <class E, std::size_t n>
std::optional<E> value_of(const std::array<std::string_view, n>& names, std::string_view name) {
  const auto it = std::ranges::find(names, name);
  if (it == names.end()) return std::nullopt;
  return static_cast<E>(it - names.begin());
}

// Control characters would let a server's text look like ours in a terminal or a log.
std::string printable(std::string_view text, std::size_t bytes) {
  std::string out;
  for (const char c : utf8_prefix(text, bytes)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  return out;
}

std::string refusal_text(const Failure& failure) {
  if (!failure.refusal || failure.refusal->account.empty()) return "";
  const ledger::Refusal& r = *failure.refusal;
  if (r.why != ledger::Refusal::Why::kLimit) return " Account " + printable(r.account, kMaxName) + ".";
  return " Account " + printable(r.account, kMaxName) + " has " +
         to_string(Amount{r.resource, std::max<std::int64_t>(r.left, 0)}) + " left of " +
         to_string(Amount{r.resource, r.limit}) + " (" + to_string(r.window) + ") and the call may need " +
         to_string(Amount{r.resource, r.asked}) + ".";
}

std::string sentence_of(const SerfRow& row, const Failure& failure) {
  std::string out;
  for (std::size_t i = 0; i < row.sentence.size(); ++i) {
    if (row.sentence[i] != '%') {
      out += row.sentence[i];
      continue;
    }
    switch (row.sentence[++i]) {
      case 't': out += failure.tool.empty() ? "the call" : printable(failure.tool, kMaxName); break;
      case 'u': out += failure.upstream.empty() ? "upstream" : printable(failure.upstream, kMaxName); break;
      case 'm': out += std::to_string(failure.timeout.count()); break;
      case 'a': out += std::to_string(failure.attempts) + (failure.attempts == 1 ? " attempt" : " attempts"); break;
      default: out += refusal_text(failure); break;
    }
  }
  if (!failure.param_hints.empty()) out += " " + printable(failure.param_hints.front(), 160) + ".";
  return std::string(utf8_prefix(out, kMaxMessage));
}

std::string action_params(const RowAction& action, const Failure& failure) {
  if (action.type == ActionType::kWait && failure.retry_after) {
    return R"({"retry_after_ms":)" + std::to_string(failure.retry_after->count()) + "}";
  }
  return "{}";
}

std::optional<BudgetContext> budget_of(const Failure& failure) {
  if (!failure.refusal || failure.refusal->why != ledger::Refusal::Why::kLimit) return std::nullopt;
  const ledger::Refusal& r = *failure.refusal;
  return BudgetContext{.resource = std::string(r.resource.name()),
                       .account = r.account,
                       .window = to_string(r.window),
                       .limit = r.limit,
                       .used = r.spent,
                       .remaining = std::max<std::int64_t>(r.left, 0)};
}

void member(std::string& out, std::string_view key, std::string_view raw) {
  if (out.back() != '{') out += ',';
  out += '"';
  out += key;
  out += "\":";
  out += raw;
}

std::string actions_json(const std::vector<SuggestedAction>& actions) {
  std::string out = "[";
  for (const SuggestedAction& action : actions) {
    if (out.size() > 1) out += ',';
    out += "{";
    member(out, "type", json_string(name_of(action.type)));
    member(out, "params", action.params.empty() ? "{}" : action.params);
    member(out, "message", json_string(action.message));
    out += '}';
  }
  return out + "]";
}

std::string context_json(const Serf& serf) {
  std::string out = "{";
  if (!serf.call_id.empty()) member(out, "call_id", json_string(serf.call_id));
  if (!serf.trace_id.empty()) member(out, "trace_id", json_string(serf.trace_id));
  member(out, "tool", json_string(serf.tool));
  member(out, "attempts", std::to_string(serf.attempts));
  member(out, "elapsed_ms", std::to_string(serf.elapsed.count()));
  if (serf.budget) {
    std::string budget = "{";
    member(budget, "resource", json_string(serf.budget->resource));
    member(budget, "account", json_string(serf.budget->account));
    member(budget, "window", json_string(serf.budget->window));
    member(budget, "limit", std::to_string(serf.budget->limit));
    member(budget, "used", std::to_string(serf.budget->used));
    member(budget, "remaining", std::to_string(serf.budget->remaining));
    member(out, "budget", budget + "}");
  }
  if (!serf.upstream_text.empty()) member(out, "upstream_text", json_string(serf.upstream_text));
  if (!serf.param_hints.empty()) {
    std::string hints = "[";
    for (const std::string& hint : serf.param_hints) hints += (hints.size() > 1 ? "," : "") + json_string(hint);
    member(out, "param_hints", hints + "]");
  }
  return out + "}";
}

}  // namespace

std::string_view name_of(Category category) { return kCategories.at(static_cast<std::size_t>(category)); }
std::string_view name_of(ActionType action) { return kActions.at(static_cast<std::size_t>(action)); }
std::string_view name_of(Outcome outcome) { return kOutcomes.at(static_cast<std::size_t>(outcome)); }

Serf classify(const Failure& failure) {
  const SerfRow& row = row_of(failure);
  Serf serf{.category = row.category, .code = std::string(row.code)};
  // A tool that only reads cannot have applied anything, and a request that stayed here neither.
  const bool nothing_applied = !failure.sent || failure.read_only;
  serf.outcome = nothing_applied ? Outcome::kNotApplied : row.outcome;
  const bool repeatable = failure.idempotent || serf.outcome == Outcome::kNotApplied;
  serf.retryable = row.retry == Retry::kAlways || (row.retry == Retry::kIfIdempotent && repeatable);
  if (failure.retry_after && failure.retry_after->count() >= 0) serf.retry_after = failure.retry_after;
  serf.message = sentence_of(row, failure);
  for (const RowAction& action : row.actions) {
    const bool fits = action.type == ActionType::kRetry ? serf.retryable
                      : action.type == ActionType::kVerifyState
                          ? serf.outcome == Outcome::kUnknown && !failure.idempotent
                      : action.type == ActionType::kSkipOptional ? failure.optional_step
                                                                 : true;
    if (fits) serf.actions.push_back({action.type, action_params(action, failure), std::string(action.message)});
  }
  serf.call_id = failure.call_id;
  serf.trace_id = failure.trace_id;
  serf.tool = printable(failure.tool, kMaxName);
  serf.attempts = std::max(failure.attempts, 0);
  serf.elapsed = std::max(failure.elapsed, milliseconds{0});
  serf.budget = budget_of(failure);
  serf.upstream_text = printable(failure.upstream_text, kMaxUpstreamText);
  for (const std::string& hint : failure.param_hints) {
    if (serf.param_hints.size() < kMaxHints) serf.param_hints.push_back(printable(hint, kMaxMessage));
  }
  return serf;
}

std::string Serf::to_json() const {
  std::string out = "{";
  member(out, "version", "1");
  member(out, "category", json_string(name_of(category)));
  member(out, "code", json_string(code));
  member(out, "message", json_string(message));
  member(out, "retryable", retryable ? "true" : "false");
  member(out, "retry_after_ms", retry_after ? std::to_string(retry_after->count()) : "null");
  member(out, "outcome", json_string(name_of(outcome)));
  member(out, "suggested_actions", actions_json(actions));
  member(out, "context", context_json(*this));
  return out + "}";
}

namespace {

constexpr std::int64_t kMaxMs = 1'000'000'000'000;
constexpr std::size_t kMaxActions = 16;
constexpr std::size_t kMaxText = 4096;

template <class E, std::size_t n>
Result<E> enum_at(const JsonView& object, std::string_view key, const std::array<std::string_view, n>& names) {
  const auto name = object.string_at(key, kMaxName);
  if (!name) return tl::unexpected(name.error());
  if (const auto value = value_of<E>(names, *name)) return *value;
  return object.at(key)->wrong("is no known value");
}

Result<std::string> text_or(const JsonView& object, std::string_view key, std::size_t bytes) {
  const auto found = object.find(key);
  if (!found) return tl::unexpected(found.error());
  if (!*found) return std::string{};
  return (**found).as_string(bytes).map([](std::string_view text) { return std::string(text); });
}

Result<std::vector<SuggestedAction>> actions_of(const JsonView& list) {
  const auto size = list.array_size(kMaxActions);
  if (!size) return tl::unexpected(size.error());
  std::vector<SuggestedAction> out;
  for (std::size_t i = 0; i < *size; ++i) {
    const JsonView item = *list.element(i);
    const auto type = enum_at<ActionType>(item, "type", kActions);
    if (!type) return tl::unexpected(type.error());
    const auto message = text_or(item, "message", kMaxText);
    if (!message) return tl::unexpected(message.error());
    const auto params = item.find("params");
    if (!params) return tl::unexpected(params.error());
    if (*params && !(*params)->value().is_object()) return (*params)->wrong("must be an object");
    out.push_back({*type, *params ? bursar::to_json((*params)->value()) : "{}", *message});
  }
  return out;
}

Result<std::optional<BudgetContext>> budget_from(const JsonView& context) {
  const auto found = context.find("budget");
  if (!found) return tl::unexpected(found.error());
  if (!*found) return std::optional<BudgetContext>{};
  BudgetContext out;
  for (auto [key, slot] : {std::pair{"resource", &out.resource}, {"account", &out.account}, {"window", &out.window}}) {
    auto text = text_or(**found, key, kMaxText);
    if (!text) return tl::unexpected(text.error());
    *slot = std::move(*text);
  }
  for (auto [key, slot] : {std::pair{"limit", &out.limit}, {"used", &out.used}, {"remaining", &out.remaining}}) {
    const auto number = (*found)->int_at(key);
    if (!number) return tl::unexpected(number.error());
    *slot = *number;
  }
  return out;
}

Result<void> read_context(const JsonView& context, Serf& serf) {
  for (auto [key, slot] : {std::pair{"call_id", &serf.call_id},
                           {"trace_id", &serf.trace_id},
                           {"tool", &serf.tool},
                           {"upstream_text", &serf.upstream_text}}) {
    auto text = text_or(context, key, kMaxText);
    if (!text) return tl::unexpected(text.error());
    *slot = std::move(*text);
  }
  const auto attempts = context.int_at("attempts", 0, 1'000'000);
  if (!attempts) return tl::unexpected(attempts.error());
  const auto elapsed = context.int_at("elapsed_ms", 0, kMaxMs);
  if (!elapsed) return tl::unexpected(elapsed.error());
  serf.attempts = static_cast<int>(*attempts);
  serf.elapsed = milliseconds{*elapsed};
  auto budget = budget_from(context);
  if (!budget) return tl::unexpected(budget.error());
  serf.budget = std::move(*budget);
  const auto hints = context.find("param_hints");
  if (!hints) return tl::unexpected(hints.error());
  if (!*hints) return {};
  const auto size = (*hints)->array_size(kMaxHints);
  if (!size) return tl::unexpected(size.error());
  for (std::size_t i = 0; i < *size; ++i) {
    const auto hint = (*hints)->element(i)->as_string(kMaxText);
    if (!hint) return tl::unexpected(hint.error());
    serf.param_hints.emplace_back(*hint);
  }
  return {};
}

}  // namespace

Result<Serf> Serf::parse(std::string_view text) {
  const auto document = parse_json(text, {.max_bytes = 64 << 10, .max_depth = 16});
  if (!document) return tl::unexpected(document.error());
  const JsonView root(*document);
  if (const auto version = root.int_at("version", 1, 1); !version) return tl::unexpected(version.error());
  Serf serf;
  const auto category = enum_at<Category>(root, "category", kCategories);
  if (!category) return tl::unexpected(category.error());
  serf.category = *category;
  const auto outcome = enum_at<Outcome>(root, "outcome", kOutcomes);
  if (!outcome) return tl::unexpected(outcome.error());
  serf.outcome = *outcome;
  for (auto [key, slot] : {std::pair{"code", &serf.code}, {"message", &serf.message}}) {
    const auto value = root.string_at(key, kMaxText);
    if (!value) return tl::unexpected(value.error());
    *slot = std::string(*value);
  }
  const auto retryable = root.bool_at("retryable");
  if (!retryable) return tl::unexpected(retryable.error());
  serf.retryable = *retryable;
  const auto after = root.find("retry_after_ms");
  if (!after) return tl::unexpected(after.error());
  if (*after && !(*after)->value().is_null()) {
    const auto ms = (*after)->as_int(0, kMaxMs);
    if (!ms) return tl::unexpected(ms.error());
    serf.retry_after = milliseconds{*ms};
  }
  auto actions = root.at("suggested_actions").and_then(actions_of);
  if (!actions) return tl::unexpected(actions.error());
  serf.actions = std::move(*actions);
  const auto context = root.at("context");
  if (!context) return tl::unexpected(context.error());
  if (auto ok = read_context(*context, serf); !ok) return tl::unexpected(ok.error());
  return serf;
}

std::string tool_result(const Serf& serf, bool may_use_structured_content) {
  const std::string object = serf.to_json();
  std::string out = R"({"content":[{"type":"text","text":)";
  append_json_string(out, serf.message + " " + object);
  out += R"(}],"isError":true)";
  if (may_use_structured_content) out += R"(,"structuredContent":)" + object;
  return out + R"(,"_meta":{"dev.bursar/error":)" + object + "}}";
}

int rpc_code(Category category) { return 1001 + static_cast<int>(category); }

int http_status(Category category, std::string_view code) {
  switch (category) {
    case Category::kInvalidInput: return 400;
    case Category::kResourceNotFound: return 404;
    case Category::kPermissionDenied: return 403;
    case Category::kRateLimited: return 429;
    case Category::kResourceExhausted: return 402;
    case Category::kUpstreamFailure: return code == "TIMEOUT" ? 504 : 502;
    case Category::kInternalError: return 500;
  }
  return 500;
}

}  // namespace bursar::broker
