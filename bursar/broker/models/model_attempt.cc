#include "bursar/broker/models/model_attempt.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "bursar/broker/upstream/http_status.h"

namespace bursar::broker {
namespace {

// Past these nobody can have asked for what comes: twice the tokens, or a kilobyte of text for each of them.
constexpr std::uint64_t kPiecesSlack = 256;
constexpr std::uint64_t kBytesPerToken = 1024, kBytesSlack = 1 << 20;

Judgement failed(Cause cause, bool about_upstream, bool same_may_help) {
  return {.kind = Judgement::kFailed, .cause = cause, .about_upstream = about_upstream, .same_may_help = same_may_help};
}

Judgement judge_transport(Cause cause) {
  switch (cause) {
    case Cause::kConnect:
    case Cause::kReset:
    case Cause::kTimeout: return failed(cause, true, true);
    case Cause::kTls: return failed(cause, true, false);
    default: return failed(cause, false, false);
  }
}

Judgement judge_status(int status) {
  switch (status) {
    case 400:
    case 405:
    case 413:
    case 415:
    case 422: return {.kind = Judgement::kPassOn};
    case 401: return failed(Cause::kUnauthorised, false, false);
    case 402:
    case 403: return failed(Cause::kForbidden, false, false);
    case 404: return failed(Cause::kNotFound, false, false);
    case 408:
    case 409:
    case 425: return failed(Cause::kBadGateway, false, true);
    case 429: return failed(Cause::kRateLimited, false, true);
    case 500: return failed(Cause::kUpstreamBug, true, true);
    default: break;
  }
  if (status >= 501) return failed(Cause::kBadGateway, true, true);
  return failed(Cause::kUpstreamProtocol, false, false);
}

// What a stream, or an answer that reports no usage, is taken to have produced.
std::uint64_t believed(const ModelAttempt& attempt, std::uint64_t counted, std::uint64_t at_least) {
  return std::max(std::min(counted, attempt.output_max), at_least);
}

// What it is taken to have used, and whether that is a guess.
std::pair<TokenUsage, bool> used(const ModelAttempt& attempt, const ModelRequest& request) {
  const TokenUsage worst{.prompt = request.prompt_tokens_max, .completion = attempt.output_max};
  TokenUsage seen{.prompt = request.prompt_tokens_max};
  if (attempt.streaming() || (request.stream && attempt.answer.status == 0)) {
    const StreamMeter& meter = attempt.meter;
    const auto usage = meter.usage();
    if (usage && meter.finished()) return {*usage, false};
    seen.completion = believed(attempt, meter.counted(), meter.pieces());
    if (usage) seen.completion = std::max(seen.completion, usage->completion);
    return {seen, true};
  }
  if (attempt.ended.failure || attempt.answer.status == 0) return {worst, true};
  const AnswerUsage answer = usage_of_answer(attempt.body);
  if (answer.usage) return {*answer.usage, false};
  if (answer.counted == 0) return {worst, true};
  seen.completion = believed(attempt, answer.counted, 1);
  return {seen, true};
}

}  // namespace

bool ModelAttempt::streaming() const { return ok() && is_media_type(answer.content_type, "text/event-stream"); }

Result<void> ModelAttempt::take(std::string_view bytes, std::string& pass) {
  if (!streaming()) {
    const std::size_t most = ok() ? kAnswerBytes : kRefusalBytes;
    body.append(bytes.substr(0, most - std::min(body.size(), most)));
    if (ok() && body.size() >= most)
      return fail(ErrorCode::kExhausted, "the answer is longer than the gateway passes on");
    return {};
  }
  if (auto ok = meter.feed(bytes, pass); !ok) return ok;
  if (meter.pieces() <= 2 * output_max + kPiecesSlack && meter.counted() <= kBytesPerToken * output_max + kBytesSlack) {
    return {};
  }
  return fail(ErrorCode::kExhausted, "the stream holds far more than was asked for");
}

void ModelAttempt::end(AttemptEnd how, WallTime now) {
  if (!running) return;
  running = false;
  ended = std::move(how);
  ended.sent |= answer.status != 0;
  elapsed = std::max(now - started, Duration{0});
  unit.release();
}

Judgement judge(const ModelAttempt& attempt) {
  if (attempt.answer.status >= 300) return judge_status(attempt.answer.status);
  if (attempt.streaming()) {
    if (attempt.meter.failed() && attempt.meter.events() == 1) return failed(Cause::kBadGateway, true, true);
    if (attempt.meter.finished()) return {};
    return judge_transport(attempt.ended.failure.value_or(Cause::kReset));
  }
  if (attempt.ended.failure) return judge_transport(*attempt.ended.failure);
  if (attempt.answer.status == 0) return judge_transport(Cause::kReset);
  return {};
}

AttemptCost cost_of(const ModelAttempt& attempt, const ModelRequest& request) {
  AttemptCost out;
  if (!attempt.ended.sent) return out;
  if (attempt.answer.status >= 300) {
    (void)out.amounts.set(kCalls, cost_of(attempt.price, TokenUsage{})[kCalls]);
  } else {
    std::tie(out.usage, out.uncertain) = used(attempt, request);
    // Where nobody knows what was cached, the dearer of both counts.
    out.amounts = out.uncertain ? worst_case(attempt.price, out.usage.prompt, out.usage.completion)
                                : cost_of(attempt.price, out.usage);
  }
  // A timer that fired late is our delay, not the upstream's.
  (void)out.amounts.add({kMs, std::min(attempt.elapsed, attempt.timeout).count()});
  return out;
}

}  // namespace bursar::broker
