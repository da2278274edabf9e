#include "bursar/broker/models/model_once.h"

#include <algorithm>
#include <charconv>

#include "bursar/broker/models/model_answer.h"

namespace bursar::broker {
namespace {

constexpr std::string_view kStreamed =
    "The answer to the call with this Idempotency-Key was streamed, and is not kept.";
constexpr std::string_view kLost = "The call with this Idempotency-Key was paid, and its answer did not arrive.";
constexpr std::string_view kTooLong = "The answer to the call with this Idempotency-Key is too long to be kept.";

HttpResponse conflict(std::string_view why, bool retry) {
  HttpResponse out = plain_refusal(409, retry ? "idempotency_in_progress" : "idempotency_conflict", why);
  out.headers.back().second = retry ? "true" : "false";
  if (retry) out.headers.emplace_back("retry-after", "1");
  return out;
}

// "200 application/json" and the body on the next line.
std::string text_of(const HttpResponse& response) {
  return std::to_string(response.status) + " " + response.content_type + "\n" + response.body;
}

HttpResponse response_of(std::string_view text) {
  HttpResponse out;
  const std::size_t space = text.find(' '), line = text.find('\n');
  (void)std::from_chars(text.data(), text.data() + space, out.status);
  out.content_type = text.substr(space + 1, line - space - 1);
  out.body = text.substr(line + 1);
  out.headers = {{"idempotent-replayed", "true"}, {"x-should-retry", "false"}};
  return out;
}

bool paid(const std::optional<ledger::Receipt>& receipt) {
  if (!receipt) return false;
  return std::ranges::any_of(receipt->actual.items(), [](const Amount& amount) {
    return amount.units > 0 && amount.resource != kCalls && amount.resource != kMs;
  });
}

}  // namespace

Once begin_once(IdempotencyTable& table, const Principal& principal, const HttpRequest& request, WallTime now) {
  const std::string_view key = request.header("idempotency-key");
  if (key.empty()) return {};
  if (key.size() > kMaxIdempotencyKey) {
    return {.instead = plain_refusal(400, "invalid_request", "Idempotency-Key: at most 128 characters are kept.")};
  }
  const std::string name = "model\n" + principal.subject + "\n" + std::string(key);
  auto begun = table.begin(name, digest_of({request.path, request.body}), now);
  switch (begun.found) {
    case IdempotencyTable::Found::kNew:
      return {.claim = std::make_shared<IdempotencyTable::Claim>(std::move(begun.claim))};
    case IdempotencyTable::Found::kRunning:
      return {.instead = conflict("The call with this Idempotency-Key is still running.", true)};
    case IdempotencyTable::Found::kConflict:
      return {.instead = conflict("This Idempotency-Key was used for another request.", false)};
    case IdempotencyTable::Found::kFull:
      return {.instead = conflict("Too many calls with an Idempotency-Key are kept; try again soon.", true)};
    case IdempotencyTable::Found::kStored: break;
  }
  const StoredAnswer& answer = *begun.answer;
  return {.instead = answer.error.empty() ? response_of(answer.result) : conflict(answer.error, false)};
}

void keep_answer(IdempotencyTable::Claim& claim, const HttpResponse& response,
                 const std::optional<ledger::Receipt>& receipt, WallTime now) {
  if (!claim.active()) return;
  if (response.status >= 400 && !paid(receipt)) return claim.drop();
  if (response.body.size() > Once::kLongest) return claim.store({.error = std::string(kTooLong)}, now);
  claim.store({.result = text_of(response)}, now);
}

void keep_streamed(IdempotencyTable::Claim& claim, WallTime now) {
  if (claim.active()) claim.store({.error = std::string(kStreamed)}, now);
}

void keep_lost(IdempotencyTable::Claim& claim, const std::optional<ledger::Receipt>& receipt, WallTime now) {
  if (!claim.active()) return;
  if (!paid(receipt)) return claim.drop();
  claim.store({.error = std::string(kLost)}, now);
}

}  // namespace bursar::broker
