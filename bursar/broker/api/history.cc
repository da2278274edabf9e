#include "bursar/broker/api/operation.h"
#include "bursar/broker/audit/audit_log.h"
#include "bursar/broker/http/query.h"
#include "bursar/core/json.h"
#include "bursar/core/utc_text.h"

namespace bursar::broker::api {
namespace {

constexpr std::size_t kUsual = 1000, kMost = 10'000;

Result<std::optional<WallTime>> time_of(const HttpRequest& request, std::string_view name) {
  const auto text = find_query_value(request.target, name);
  if (!text) return std::optional<WallTime>();
  const auto time = parse_utc(*text);
  if (!time) return tl::unexpected(with_context(name, time.error()));
  return std::optional(*time);
}

}  // namespace

std::string receipt_json(const ledger::Receipt& receipt) {
  std::string out = "{\"sequence\":" + std::to_string(receipt.sequence);
  const auto add = [&](std::string_view name, std::string_view text) {
    out.append(",\"").append(name).append("\":");
    append_json_string(out, text);
  };
  add("account", receipt.account);
  add("at", utc_text(receipt.at, TimeDigits::kMicros));
  add("reserved", to_string(receipt.reserved));
  add("actual", to_string(receipt.actual));
  add("overrun", to_string(receipt.overrun));
  add("memo", receipt.memo);
  return out + ",\"uncertain\":" + (receipt.uncertain ? "true}" : "false}");
}

HttpResponse list_receipts(Context& context) {
  const auto under = account_for(context, query_value(context.request.target, "under"));
  if (!under) return failed(under.error());
  const auto from = time_of(context.request, "from"), to = time_of(context.request, "to");
  if (!from || !to) return failed(!from ? from.error() : to.error());
  const auto limit = limit_of(context.request, kUsual, kMost);
  if (!limit) return failed(limit.error());
  const auto receipts =
      context.deps.ledger->receipts(*under, from->value_or(WallTime{}), to->value_or(WallTime::max()), *limit);
  if (!receipts) return failed(receipts.error());
  std::string out;
  for (const auto& receipt : *receipts) out += (out.empty() ? "" : ",") + receipt_json(receipt);
  return ok("{\"receipts\":[" + out + "]}");
}

HttpResponse query_audit(Context& context) {
  if (context.deps.flush_audit) context.deps.flush_audit();
  const std::string_view target = context.request.target;
  AuditFilter filter{.principal = query_value(target, "principal"),
                     .tool = query_value(target, "tool"),
                     .account = query_value(target, "account"),
                     .failures_only = query_value(target, "failures") == "true"};
  const auto from = time_of(context.request, "from"), to = time_of(context.request, "to");
  if (!from || !to) return failed(!from ? from.error() : to.error());
  filter.from = *from;
  filter.to = *to;
  const auto limit = limit_of(context.request, kUsual, kMost);
  if (!limit) return failed(limit.error());
  filter.limit = *limit;
  const auto records = query(context.deps.config()->database, filter);
  if (!records) return failed(records.error());
  std::string out;
  for (const auto& record : *records) out += (out.empty() ? "" : ",") + to_json(record);
  return ok("{\"records\":[" + out + "]}");
}

HttpResponse verify_audit(Context& context) {
  if (context.deps.flush_audit) context.deps.flush_audit();
  const auto verified = verify(context.deps.config()->database);
  if (!verified) return failed(verified.error());
  return ok("{\"records\":" + std::to_string(verified->records) + ",\"head\":" + json_string(verified->head) + "}");
}

}  // namespace bursar::broker::api
