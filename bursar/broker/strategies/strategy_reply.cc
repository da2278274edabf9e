#include "bursar/broker/strategies/strategy_reply.h"

#include "bursar/broker/models/model_once.h"
#include "bursar/broker/strategies/strategy_answer.h"
#include "bursar/plan/job/journal.h"
#include "bursar/plan/job/saved_job.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kShortText = 200;
constexpr const char* kHeartbeat = ": \n\n";

}  // namespace

HttpResponse no_answer(const LiveJob& job) {
  const plan::JobResult& result = job.executor().result();
  if (result.end == plan::JobEnd::kDeadline) return plain_refusal(504, "deadline", "The job's time is over.");
  if (job.last_refusal()) return *job.last_refusal();
  // A plan that starts nothing has found that nothing fits.
  const bool nothing_fits = result.end == plan::JobEnd::kAnswered && result.launched == 0;
  const std::string why = !result.why.empty() ? result.why
                          : nothing_fits      ? "The budget allows no call at all."
                                              : "No answer came.";
  if (result.end == plan::JobEnd::kPurse || nothing_fits) return plain_refusal(402, "insufficient_quota", why);
  return plain_refusal(502, "no_answer", why);
}

void StrategyReply::progress(LiveJob& job) {
  if (asked_.stream && !streaming_ && !gone_ && job.executor().result().done > 0) open(job);
}

void StrategyReply::open(LiveJob& job) {
  streaming_ = true;
  BudgetNote about = job.note();
  about.reserved = true;
  about.cost = job.executor().purse().held;
  if (once_) keep_streamed(*once_, job.services().clock->now());
  exchange_->stream({.status = 200, .content_type = "text/event-stream", .headers = budget_headers(about)}, kHeartbeat);
}

void StrategyReply::end(LiveJob& job) {
  const WallTime now = job.services().clock->now();
  const plan::JobResult& result = job.executor().result();
  const ledger::Receipt receipt{.actual = result.cost};
  if (gone_) {
    if (once_) keep_lost(*once_, receipt, now);
    return;
  }
  if (!result.answer) {
    HttpResponse refusal = no_answer(job);
    if (!streaming_) {
      if (once_) keep_answer(*once_, refusal, receipt, now);
      return exchange_->answer(std::move(refusal));
    }
    exchange_->write("data: " + refusal.body + "\n\n");
    return exchange_->finish();
  }
  const boost::json::array& journal = job.executor().journal();
  boost::json::array trace;
  boost::json::object whole;
  if (asked_.explain == Explain::kShort) trace = plan::shortened(journal, kShortText);
  if (asked_.explain == Explain::kFull) {
    plan::JobSetup setup = asked_.setup;
    setup.strategy = asked_.entry->name;
    whole = plan::save_job(setup, asked_.limits, journal);
  }
  StrategyAnswer answer{.id = job.outer().id,
                        .at = now,
                        .strategy = asked_.entry->name,
                        .result = &result,
                        .message = std::string(job.message(result.answer->source)),
                        .trace = asked_.explain == Explain::kShort ? &trace : nullptr,
                        .job = asked_.explain == Explain::kFull ? &whole : nullptr};
  if (asked_.stream) {
    if (!streaming_) open(job);
    exchange_->write(": x-bursar-cost: " + cost_text(result.cost) + "\n\n");
    for (std::string& event : streamed_answer(answer, asked_.usage_asked)) exchange_->write(std::move(event));
    return exchange_->finish();
  }
  HttpResponse response{.status = 200, .headers = budget_headers(job.note()), .body = whole_answer(answer)};
  if (once_) keep_answer(*once_, response, receipt, now);
  exchange_->answer(std::move(response));
}

}  // namespace bursar::broker
