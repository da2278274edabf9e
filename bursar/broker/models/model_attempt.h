// One try of one upstream: what was sent, what came back, what that means, and what it cost. Sans-I/O.
//
//   ModelAttempt attempt{.endpoint = openai, .model = "gpt-4o", .price = price, .worst = …};
//   attempt.head({.status = 200, .content_type = "text/event-stream"});
//   attempt.take(bytes, pass);
//   attempt.end({.sent = true}, now);
//   Judgement j = judge(attempt);                // answer the agent with it, or try the next one
//   AttemptCost c = cost_of(attempt, request);   // tokens, money, calls, milliseconds
//
// What an attempt costs:
//   it never left this process                    nothing
//   the upstream refused (a status from 300)      its call and its time
//   it reports a usage                            that, whatever was reserved
//   a stream without usage, or one that broke     the bound on the prompt, and what was streamed: at most a token a
//                                                 byte and never more than was asked for, at least a token a piece
//   a whole answer without usage                  the same, counted in its texts
//   no answer, or half of a plain one             the worst case, uncertain: nobody knows what was computed
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bursar/broker/models/model_table.h"
#include "bursar/broker/models/model_usage.h"
#include "bursar/broker/pipeline/breaker.h"
#include "bursar/broker/pipeline/limiters.h"
#include "bursar/broker/pipeline/serf.h"
#include "bursar/core/clock.h"

namespace bursar::broker {

inline constexpr std::size_t kAnswerBytes = 32 << 20;   // longest plain answer
inline constexpr std::size_t kRefusalBytes = 64 << 10;  // kept of an upstream's refusal

struct AnswerHead {
  int status = 0;
  std::string content_type;
  std::optional<std::chrono::milliseconds> retry_after;
};

struct AttemptEnd {
  std::optional<Cause> failure;  // kConnect, kTls, kTimeout, kReset, kTooLarge, kUpstreamProtocol, kCancelled
  std::string detail;            // one sentence, no secret
  bool sent = false;
  bool silent = false;  // kTimeout, of the endpoint's stall_timeout
};

struct ModelAttempt {
  std::shared_ptr<const ModelEndpoint> endpoint;
  std::string model;  // the upstream's name for it
  const ModelPriceConfig* price = nullptr;
  std::uint64_t output_max = 0;  // completion tokens, over all answers, that were asked for at most
  Amounts worst;                 // what is held for it
  Duration timeout{0};
  bool hedge = false;
  BreakerPass circuit = {};
  ConcurrencyLimiter::Unit unit = {};
  StreamMeter meter = StreamMeter{};

  WallTime started{};
  Duration elapsed{0};
  bool running = true;
  AnswerHead answer = {};
  AttemptEnd ended = {};
  std::string body = {};  // of a plain answer or a refusal

  [[nodiscard]] bool ok() const { return answer.status >= 200 && answer.status < 300; }
  [[nodiscard]] bool streaming() const;  // a good answer that is an event stream
  // A piece of the answer; events for the agent are appended to `pass`. Errors: kExhausted where the upstream sends
  // more than anybody asked for.
  Result<void> take(std::string_view bytes, std::string& pass);
  void end(AttemptEnd how, WallTime now);
};

// What comes of an attempt that has ended.
struct Judgement {
  enum Kind : std::uint8_t {
    kGood,    // the agent gets it
    kPassOn,  // the upstream says that the request is wrong: the agent gets that, and no other upstream is asked
    kFailed,  // the next one may do better
  };
  Kind kind = kGood;
  Cause cause = Cause::kInternal;  // of kFailed
  bool about_upstream = false;     // the circuit hears of it as a failure
  bool same_may_help = false;      // another try of the same upstream makes sense
};
[[nodiscard]] Judgement judge(const ModelAttempt& attempt);

struct AttemptCost {
  Amounts amounts;
  bool uncertain = false;
  TokenUsage usage = {};  // what the amounts stand for
};
[[nodiscard]] AttemptCost cost_of(const ModelAttempt& attempt, const ModelRequest& request);

}  // namespace bursar::broker
