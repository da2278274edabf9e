#include <algorithm>

#include "bursar/broker/models/model_run.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/pipeline/stage_support.h"

namespace bursar::broker {

Failure ModelRun::failure_of(const Why& why, WallTime now) const {
  // A model changes nothing: whatever broke, asking again does no harm but its price.
  Failure failure{.cause = why.cause,
                  .tool = call_.request.model,
                  .call_id = call_.id,
                  .trace_id = trace_id_,
                  .idempotent = true,
                  .read_only = true};
  failure.optional_step = !plan_.empty() && plan_.front().optional;
  failure.attempts = static_cast<int>(attempts_.size());
  failure.elapsed = to_ms(std::max(now - call_.arrived, Duration{0}));
  if (!attempts_.empty()) {
    const ModelAttempt& last = *attempts_[std::min(last_failed_, attempts_.size() - 1)];
    failure.upstream = last.endpoint->config.name;
    failure.timeout = to_ms(last.ended.silent ? last.endpoint->config.stall_timeout : last.timeout);
    failure.sent = last.ended.sent;
  } else if (!candidates_.empty()) {
    failure.upstream = candidates_.front().endpoint->config.name;
  }
  if (why.wait) failure.retry_after = to_ms(*why.wait + Duration{999});
  if (why.refusal) {
    failure.refusal = why.refusal;
    if (why.refusal->refills_at) {
      failure.retry_after = to_ms(std::max(*why.refusal->refills_at - now, Duration{0}) + Duration{999});
    }
  }
  if (!why.hint.empty()) failure.param_hints = {why.hint};
  return failure;
}

BudgetNote ModelRun::note() const {
  BudgetNote out{.account = call_.principal.account, .decision = decision_};
  if (receipt_) out.cost = receipt_->actual;
  if (shared_.deps.left) out.left = shared_.deps.left(call_.principal.account);
  if (!turn_) return out;
  for (const Amount& cap : shared_.turns.caps(call_.principal.subject, turn_id_)) {
    const auto items = out.left.items();
    const bool known = std::ranges::find(items, cap.resource, &Amount::resource) != items.end();
    (void)out.left.set(cap.resource, known ? std::min(out.left[cap.resource], cap.units) : cap.units);
  }
  return out;
}

void ModelRun::settle(WallTime now) {
  if (std::exchange(settled_, true)) return;
  Amounts total;
  bool uncertain = false;
  for (const auto& attempt : attempts_) {
    const AttemptCost cost = cost_of(*attempt, call_.request);
    (void)total.add(cost.amounts);
    uncertain |= cost.uncertain;
    if (!used_) used_.emplace();
    used_->prompt += cost.usage.prompt;
    used_->completion += cost.usage.completion;
  }
  if (ticket_ && !total.empty()) ticket_->settle(total, now);
  ticket_.reset();
  if (total.empty()) {
    purse_.release();
  } else {
    receipt_ = purse_.settle(total, uncertain, call_.id);
  }
  if (!turn_charged_.empty()) {
    Amounts unspent = turn_charged_;
    (void)unspent.subtract(total);
    shared_.turns.refund(call_.principal.subject, turn_id_, unspent);
  }
  principal_unit_.release();
}

void ModelRun::conclude(WallTime now) {
  finished_ = true;
  for (auto& attempt : attempts_) attempt->circuit = {};
  count(now);
  if (services_.audit) audit(now);
  if (services_.trace && (!services_.traces || services_.traces())) {
    if (auto ended = spans(now); !ended.empty()) services_.trace(std::move(ended));
  }
}

void ModelRun::count(WallTime now) {
  Metrics* const metrics = services_.metrics;
  if (metrics == nullptr) return;
  metrics->add(Gauge::kCallsInFlight, -1);
  const Duration elapsed = std::max(now - call_.arrived, Duration{0});
  Duration upstreams{0};
  for (std::size_t i = 0; i < attempts_.size(); ++i) {
    const ModelAttempt& attempt = *attempts_[i];
    const std::string& upstream = attempt.endpoint->config.name;
    if (!attempt.hedge) upstreams += attempt.elapsed;
    const bool failed = attempt.ended.failure || !attempt.ok();
    metrics->attempt_finished(upstream, failed ? "error" : "ok", attempt.elapsed);
    metrics->timeout_allocated(upstream, attempt.timeout);
    if (i > 0) metrics->retried(upstream);
  }
  const std::string_view upstream =
      attempts_.empty() ? std::string_view("none") : std::string_view(attempts_.back()->endpoint->config.name);
  metrics->call_finished(upstream, name_of(call_.api), serf_ ? name_of(serf_->category) : "ok", elapsed);
  if (attempts_.empty()) {
    if (serf_) metrics->stage_stopped("admit", serf_->code);
  } else {
    metrics->overhead(std::max(elapsed - upstreams, Duration{0}));
  }
  if (receipt_) {
    metrics->reserved(receipt_->reserved);
    metrics->settled(*receipt_);
  }
}

void ModelRun::audit(WallTime now) const {
  AuditTexts made;
  AuditEntry entry;
  entry.at = now;
  entry.call_id = call_.id;
  entry.turn_id = turn_id_;
  entry.trace_id = trace_id_;
  entry.principal = call_.principal.subject;
  entry.account = call_.principal.account;
  entry.method = name_of(call_.api);
  entry.tool = call_.request.model;
  entry.era = "openai";
  if (receipt_) {
    made.reserved = to_string(receipt_->reserved);
    made.committed = to_string(receipt_->actual);
    entry.reserved = made.reserved;
    entry.committed = made.committed;
  }
  if (!attempts_.empty()) {
    const std::size_t index = winner_.value_or(attempts_.size() - 1);
    entry.upstream = attempts_[index]->endpoint->config.name;
    entry.timeout_us = attempts_[index]->timeout.count();
  }
  entry.elapsed_us = std::max<std::int64_t>((now - call_.arrived).count(), 0);
  entry.attempts = static_cast<int>(attempts_.size());
  entry.outcome = name_of(Outcome::kApplied);
  if (serf_) {
    entry.category = name_of(serf_->category);
    entry.code = serf_->code;
    entry.outcome = name_of(serf_->outcome);
  }
  entry.arguments = call_.body;
  entry.raw_arguments = call_.audit_body;
  entry.result_bytes = static_cast<std::int64_t>(answer_bytes_);
  services_.audit(entry);
}

}  // namespace bursar::broker
