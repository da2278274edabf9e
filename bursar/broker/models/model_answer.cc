#include "bursar/broker/models/model_answer.h"

#include <algorithm>

#include "bursar/core/json.h"
#include "bursar/core/utc_text.h"

namespace bursar::broker {
namespace {

// In the resource's printed unit: 1250000 micro-dollars are 1.25.
std::string number_of(Amount amount) {
  const std::int64_t units = std::max<std::int64_t>(amount.units, 0);
  std::string digits = std::to_string(units);
  const auto decimals = static_cast<std::size_t>(amount.resource.decimals());
  if (decimals == 0) return digits;
  if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
  digits.insert(digits.size() - decimals, 1, '.');
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.ends_with('.')) digits.pop_back();
  return digits;
}

std::string_view type_of(int status) {
  switch (status) {
    case 401: return "authentication_error";
    case 402: return "insufficient_quota";
    case 403: return "permission_error";
    case 429: return "rate_limit_error";
    default: return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

// The codes that programs written for OpenAI look for; ours in full stands in bursar.recovery.
std::string code_of(int status, const Serf& serf) {
  if (status == 402) return "insufficient_quota";
  if (status == 429) return "rate_limit_exceeded";
  if (serf.code == "NOT_FOUND") return "model_not_found";
  std::string code = serf.code;
  std::ranges::transform(code, code.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return code;
}

std::string error_object(int status, std::string_view message, std::string_view code, std::string_view param,
                         std::string_view detail) {
  std::string out = R"({"error":{"message":)";
  append_json_string(out, message);
  out.append(R"(,"type":")").append(type_of(status)).append(R"(","param":)");
  out += param.empty() ? "null" : json_string(param);
  out += R"(,"code":)";
  append_json_string(out, code);
  if (!detail.empty()) out.append(R"(,"bursar":)").append(detail);
  return out + "}}";
}

std::string detail_of(const Serf& serf, const std::optional<ledger::Refusal>& refusal) {
  std::string out = "{";
  if (refusal && refusal->why == ledger::Refusal::Why::kLimit) {
    const auto amount = [&](std::string_view name, std::int64_t units) {
      out.append(",\"").append(name).append("\":").append(number_of({refusal->resource, units}));
    };
    out += R"("account":)" + json_string(refusal->account);
    out += R"(,"resource":)" + json_string(refusal->resource.name());
    out += R"(,"window":)" + json_string(to_string(refusal->window));
    amount("limit", refusal->limit);
    amount("left", refusal->left);
    amount("asked", refusal->asked);
    out += R"(,"refills_at":)";
    out += refusal->refills_at ? json_string(utc_text(*refusal->refills_at)) : "null";
    out += ',';
  }
  return out + R"("recovery":)" + serf.to_json() + "}";
}

// Soon means so soon that waiting is cheaper than giving up; the SERF has decided that.
bool may_retry(const Serf& serf) {
  if (serf.category == Category::kRateLimited) return true;
  return serf.retryable && (serf.category == Category::kUpstreamFailure || serf.code == "UPSTREAM_BUG");
}

}  // namespace

std::string cost_text(const Amounts& cost) { return cost.empty() ? "0 usd" : to_string(cost); }

HttpHeaders budget_headers(const BudgetNote& note) {
  HttpHeaders out;
  out.reserve(2 + note.left.items().size());
  if (!note.account.empty()) out.emplace_back("x-bursar-account", note.account);
  if (!note.decision.empty()) out.emplace_back("x-bursar-decision", note.decision);
  out.emplace_back(note.reserved ? "x-bursar-reserved" : "x-bursar-cost", cost_text(note.cost));
  for (const Amount& left : note.left.items()) {
    out.emplace_back("x-bursar-left-" + std::string(left.resource.name()), number_of(left));
  }
  return out;
}

HttpResponse refusal_of(const Serf& serf, const std::optional<ledger::Refusal>& refusal, const BudgetNote& note,
                        std::string_view param) {
  const int status = http_status(serf.category, serf.code);
  HttpResponse out{.status = status, .headers = budget_headers(note)};
  const bool retry = may_retry(serf);
  out.headers.emplace_back("x-should-retry", retry ? "true" : "false");
  if (retry && serf.retry_after) {
    out.headers.emplace_back("retry-after", std::to_string((serf.retry_after->count() + 999) / 1000));
    out.headers.emplace_back("retry-after-ms", std::to_string(serf.retry_after->count()));
  }
  out.body = error_object(status, serf.message, code_of(status, serf), param, detail_of(serf, refusal));
  return out;
}

std::string refusal_event(const Serf& serf) {
  const int status = http_status(serf.category, serf.code);
  return "data: " + error_object(status, serf.message, code_of(status, serf), "", detail_of(serf, std::nullopt)) +
         "\n\n";
}

HttpResponse plain_refusal(int status, std::string_view code, std::string_view message, std::string_view param) {
  HttpResponse out{.status = status, .headers = budget_headers({})};
  out.headers.emplace_back("x-should-retry", "false");
  out.body = error_object(status, message, code, param, "");
  return out;
}

}  // namespace bursar::broker
