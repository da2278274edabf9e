#include "bursar/broker/api/operation.h"
#include "bursar/broker/audit/digest.h"
#include "bursar/broker/config/values.h"
#include "bursar/core/json.h"
#include "bursar/core/utc_text.h"

namespace bursar::broker::api {
namespace {

std::string json_of(const ReservationInfo& info) {
  std::string out = "{\"id\":" + json_string(info.id);
  const auto add = [&](std::string_view name, std::string_view text) {
    out.append(",\"").append(name).append("\":");
    append_json_string(out, text);
  };
  add("account", info.account);
  add("amounts", to_string(info.amounts));
  add("state", name_of(info.state));
  add("expires", utc_text(info.expires, TimeDigits::kMicros));
  if (info.receipt) out += ",\"receipt\":" + receipt_json(*info.receipt);
  return out + "}";
}

HttpResponse answer(const Result<ReservationInfo>& info, int status = 200) {
  return info ? ok(json_of(*info), status) : failed(info.error());
}

// 402 where waiting does not help, 429 with the time to wait where it does; clients obey x-should-retry first.
HttpResponse refused(const ledger::Refusal& refusal, WallTime now) {
  const Error error = refusal.to_error();
  HttpResponse response = failed(error);
  if (response.status != 402 && response.status != 429) return response;
  response.headers.emplace_back("x-should-retry", response.status == 429 ? "true" : "false");
  if (response.status == 429 && refusal.refills_at) {
    const auto wait = std::chrono::ceil<std::chrono::seconds>(*refusal.refills_at - now);
    response.headers.emplace_back("retry-after", std::to_string(std::max<std::int64_t>(wait.count(), 1)));
  }
  return response;
}

Result<Duration> ttl_of(const JsonView& root, Duration otherwise) {
  const auto found = root.find("ttl");
  if (!found) return tl::unexpected(found.error());
  if (!*found) return otherwise;
  const auto ttl = (*found)->as_string(40).and_then(parse_duration);
  if (!ttl) return tl::unexpected(with_context("$.ttl", ttl.error()));
  return *ttl;
}

Result<std::string> text_of(const JsonView& root, std::string_view name, std::size_t most) {
  const auto found = root.find(name);
  if (!found) return tl::unexpected(found.error());
  if (!*found) return std::string();
  return (*found)->as_string(most).map([](std::string_view text) { return std::string(text); });
}

Result<Amounts> amounts_of(const JsonView& root, std::string_view name) {
  const auto text = root.string_at(name, 500);
  if (!text) return tl::unexpected(text.error());
  return parse_amounts(*text).map_error([&](Error e) { return with_context("$." + std::string(name), std::move(e)); });
}

// A key belongs to who uses it: two principals that choose the same one do not get each other's hold.
std::string own_key(const Principal& principal, const std::string& key) {
  return key.empty() ? std::string() : "api:" + hex(sha256(principal.subject + '\n' + key));
}

Result<ledger::ReserveRequest> read_request(const Context& context, const JsonView& root) {
  ledger::ReserveRequest request;
  const auto wanted = text_of(root, "account", 1100);
  if (!wanted) return tl::unexpected(wanted.error());
  const auto account = account_for(context, wanted->empty() ? context.principal.account : *wanted);
  if (!account) return tl::unexpected(account.error());
  request.account = *account;
  const auto amounts = amounts_of(root, "amounts");
  if (!amounts) return tl::unexpected(amounts.error());
  request.amounts = *amounts;
  const auto key = text_of(root, "idempotency_key", 64);
  if (!key) return tl::unexpected(key.error());
  request.idempotency_key = own_key(context.principal, *key);
  const auto ttl = ttl_of(root, request.ttl);
  if (!ttl) return tl::unexpected(ttl.error());
  request.ttl = *ttl;
  return request;
}

}  // namespace

HttpResponse list_reservations(Context& context) {
  const auto limit = limit_of(context.request, 1000, 10'000);
  if (!limit) return failed(limit.error());
  std::string out;
  for (const auto& info : context.reservations.list(seen_by(context.principal), context.deps.clock->now(), *limit)) {
    out += (out.empty() ? "" : ",") + json_of(info);
  }
  return ok("{\"reservations\":[" + out + "]}");
}

HttpResponse create_reservation(Context& context) {
  const auto body = body_of(context.request, {"account", "amounts", "ttl", "idempotency_key"});
  if (!body) return failed(body.error());
  const auto request = read_request(context, JsonView(*body));
  if (!request) return failed(request.error());
  const WallTime now = context.deps.clock->now();
  const auto made = context.reservations.reserve(*context.deps.ledger, context.principal, *request, now);
  if (!made) return failed(made.error());
  if (const auto* refusal = std::get_if<ledger::Refusal>(&*made)) return refused(*refusal, now);
  return ok(json_of(std::get<ReservationInfo>(*made)), 201);
}

HttpResponse get_reservation(Context& context) {
  return answer(context.reservations.find(context.subject, seen_by(context.principal), context.deps.clock->now()));
}

HttpResponse settle_reservation(Context& context) {
  const auto body = body_of(context.request, {"actual", "uncertain", "memo"});
  if (!body) return failed(body.error());
  const JsonView root(*body);
  ledger::Settlement settlement;
  const auto actual = amounts_of(root, "actual");
  if (!actual) return failed(actual.error());
  settlement.actual = *actual;
  const auto memo = text_of(root, "memo", 200);
  if (!memo) return failed(memo.error());
  settlement.memo = *memo;
  const auto uncertain = root.find("uncertain");
  if (!uncertain) return failed(uncertain.error());
  if (*uncertain) {
    const auto flag = (*uncertain)->as_bool();
    if (!flag) return failed(flag.error());
    settlement.uncertain = *flag;
  }
  return answer(context.reservations.settle(context.subject, seen_by(context.principal), std::move(settlement),
                                            context.deps.clock->now()));
}

HttpResponse release_reservation(Context& context) {
  return answer(context.reservations.release(context.subject, seen_by(context.principal), context.deps.clock->now()));
}

HttpResponse extend_reservation(Context& context) {
  const auto body = body_of(context.request, {"ttl"});
  if (!body) return failed(body.error());
  const auto ttl = ttl_of(JsonView(*body), std::chrono::seconds{60});
  if (!ttl) return failed(ttl.error());
  return answer(
      context.reservations.extend(context.subject, seen_by(context.principal), *ttl, context.deps.clock->now()));
}

}  // namespace bursar::broker::api
