#include "bursar/broker/models/model_run.h"

#include <algorithm>

#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/pipeline/recovery.h"
#include "bursar/broker/pipeline/stage_support.h"

namespace bursar::broker {
namespace {

constexpr Duration kGrace = std::chrono::seconds{15};  // of a hold, for the answer to be settled
constexpr Duration kLongest = std::chrono::hours{24};  // of a hold
constexpr Duration kLongestPause = std::chrono::seconds{10};
constexpr Duration kLeastTime = std::chrono::milliseconds{100};
constexpr std::size_t kWaitingBytes = 64 << 10;  // of a stream that has not begun towards the agent
constexpr double kRetryShareMax = 0.2;           // of an upstream's calls, as for tools

Duration backoff(std::size_t attempts, double u) {
  constexpr Duration kFirst = std::chrono::milliseconds{100}, kMost = std::chrono::seconds{2};
  const Duration longest = std::min(kFirst * (std::int64_t{1} << std::min<std::size_t>(attempts - 1, 8)), kMost);
  return Duration{static_cast<std::int64_t>(static_cast<double>(longest.count()) * u)};
}

void add(Amounts& sum, const Amounts& more) {
  // Each part is at most 2^50, and a call has few attempts.
  (void)sum.add(more);
}

}  // namespace

ModelRun::ModelRun(const ModelServices& services, std::shared_ptr<const ModelTable> table, ModelCall call,
                   ModelEffects& effects)
    : services_(services),
      shared_(services.pipeline->shared()),
      config_(services.pipeline->config()),
      table_(std::move(table)),
      call_(std::move(call)),
      effects_(effects),
      random_(std::hash<std::string>{}(call_.id)) {
  if (services_.metrics != nullptr) services_.metrics->add(Gauge::kCallsInFlight, 1);
}

ModelRun::~ModelRun() {
  if (finished_) return;
  const WallTime now = services_.clock->now();
  for (auto& attempt : attempts_) attempt->end({.failure = Cause::kCancelled, .sent = true}, now);
  drop_pending();
  serf_ = classify(failure_of({.cause = Cause::kCancelled}, now));
  settle(now);
  conclude(now);
}

void ModelRun::begin(WallTime now) {
  using Check = Refused (ModelRun::*)(WallTime);
  for (const Check check :
       {&ModelRun::route, &ModelRun::throttle, &ModelRun::enter_turn, &ModelRun::check_bounds, &ModelRun::pace}) {
    if (auto why = (this->*check)(now)) return refuse(*why, now);
  }
  if (auto why = choose(0, false, now)) return refuse(*why, now);
  fund(now);
}

ModelRun::Refused ModelRun::choose(std::size_t from, bool hedge, WallTime now) {
  Why why{.cause = Cause::kCircuitOpen};
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    const std::size_t index = (from + i) % candidates_.size();
    const Candidate& candidate = candidates_[index];
    const ModelUpstreamConfig& config = candidate.endpoint->config;
    BreakerPass pass = shared_.breakers.enter(config.name, now);
    if (!pass.allowed()) {
      why.wait = std::min(why.wait.value_or(pass.retry_after()), pass.retry_after());
      continue;
    }
    auto unit = shared_.in_flight.acquire("u:" + config.name, config.max_concurrent);
    if (!unit) {
      why = {.cause = Cause::kConcurrency, .wait = std::chrono::seconds{1}};
      continue;
    }
    if (attempts_.empty()) {
      if (auto late = allot_time(candidate, now)) return late;
    }
    Pending& next = pending_.emplace();
    next.candidate = index;
    ModelAttempt& attempt = next.attempt;
    attempt.endpoint = candidate.endpoint;
    attempt.model = candidate.model;
    attempt.price = candidate.price;
    attempt.hedge = hedge;
    attempt.circuit = std::move(pass);
    attempt.unit = std::move(*unit);
    attempt.timeout = std::min(config.timeout, std::max(deadline_ - now, Duration{0}));
    attempt.output_max = call_.request.answers * output_max_ + call_.request.extra_output;
    attempt.meter = StreamMeter({.hide_usage = !call_.request.usage_asked});
    attempt.worst = worst_case(candidate.price, call_.request.prompt_tokens_max, attempt.output_max);
    (void)attempt.worst.add({kMs, attempt.timeout.count()});
    return std::nullopt;
  }
  return why;
}

Amounts ModelRun::accrued() const {
  Amounts sum;
  for (const auto& attempt : attempts_)
    add(sum, attempt->running ? attempt->worst : cost_of(*attempt, call_.request).amounts);
  return sum;
}

void ModelRun::fund(WallTime now) {
  Amounts wanted = accrued();
  add(wanted, pending_->attempt.worst);
  if (call_.most) {
    for (const Amount& most : call_.most->items()) {
      if (wanted[most.resource] <= most.units) continue;
      return not_funded({.account = "job",
                         .resource = most.resource,
                         .limit = most.units,
                         .asked = wanted[most.resource],
                         .left = most.units},
                        now);
    }
  }
  const Amounts lacking = purse_.lacking(wanted);
  if (lacking.empty()) return launch(now);
  if (!turn_id_.empty() && turn_) {
    if (const auto cap = shared_.turns.charge(call_.principal.subject, turn_id_, lacking)) {
      return not_funded({.account = "turn " + turn_id_,
                         .resource = cap->resource,
                         .limit = cap->units,
                         .asked = lacking[cap->resource],
                         .left = cap->units},
                        now);
    }
    pending_->turn_charge = lacking;
    add(turn_charged_, lacking);
  }
  ledger::ReserveRequest request{.account = call_.principal.account,
                                 .amounts = lacking,
                                 .ttl = std::clamp<Duration>(pending_->attempt.timeout + kGrace, kGrace, kLongest)};
  ledger::Reservation answer = shared_.deps.try_reserve(request);
  if (std::holds_alternative<ledger::NeedsGrant>(answer)) return effects_.reserve(std::move(request));
  reserved(std::move(answer), now);
}

void ModelRun::reserved(ledger::Reservation reservation, WallTime now) {
  if (finished_ || !pending_) return;  // a hold that nobody waits for releases itself
  if (auto* hold = std::get_if<ledger::Hold>(&reservation)) {
    purse_.add(std::move(*hold));
    return launch(now);
  }
  if (std::holds_alternative<ledger::NeedsGrant>(reservation)) {
    return not_funded({.why = ledger::Refusal::Why::kStoreUnavailable, .account = call_.principal.account}, now);
  }
  not_funded(std::move(std::get<ledger::Refusal>(reservation)), now);
}

void ModelRun::drop_pending() {
  if (!pending_) return;
  if (!pending_->turn_charge.empty()) {
    shared_.turns.refund(call_.principal.subject, turn_id_, pending_->turn_charge);
    (void)turn_charged_.subtract(pending_->turn_charge);
  }
  pending_.reset();
}

void ModelRun::not_funded(ledger::Refusal refusal, WallTime now) {
  Pending& next = *pending_;
  // With less time than wished for, as long as what is left covers a median.
  const bool lacks_time = refusal.why == ledger::Refusal::Why::kLimit && refusal.resource == kMs;
  if (lacks_time && attempts_.empty() && !time_cut_) {
    const schedule::ToolId id{next.attempt.endpoint->config.name, next.attempt.model};
    const Duration left{refusal.left}, median = KnownLatencies(shared_.latencies(), *config_).quantile(id, .5);
    if (left < next.attempt.timeout && left >= std::max(median, kLeastTime)) {
      time_cut_ = true;
      deadline_ = now + left;
      next.attempt.timeout = left;
      (void)next.attempt.worst.set(kMs, left.count());
      if (!next.turn_charge.empty()) {
        shared_.turns.refund(call_.principal.subject, turn_id_, next.turn_charge);
        (void)turn_charged_.subtract(next.turn_charge);
        next.turn_charge = {};
      }
      return fund(now);
    }
  }
  drop_pending();
  if (attempts_.empty()) return refuse({.cause = Cause::kBudget, .refusal = std::move(refusal)}, now);
  // No further attempt: what failed before stands, and what runs goes on.
  const bool running = std::ranges::any_of(attempts_, [](const auto& a) { return a->running; });
  if (!running) give_up(now);
}

void ModelRun::launch(WallTime now) {
  const std::size_t index = attempts_.size();
  const std::size_t candidate = pending_->candidate;
  attempts_.push_back(std::make_unique<ModelAttempt>(std::move(pending_->attempt)));
  tried_.push_back(candidate);
  waiting_.emplace_back();
  pending_.reset();
  candidates_[candidate].tried = true;
  ModelAttempt& attempt = *attempts_.back();
  attempt.started = now;
  const std::string& upstream = attempt.endpoint->config.name;
  if (index == 0) {
    shared_.breakers.count_call(upstream, now);
    if (hedge_after_ > Duration{0}) hedge_at_ = now + hedge_after_;
  } else {
    shared_.breakers.count_retry(upstream, now);
  }
  // Written first: an effect may come back with the attempt's end before it returns.
  std::string body = outgoing_body(call_.api, call_.body, call_.request,
                                   {.model = attempt.model,
                                    .max_output = output_max_,
                                    .max_completion_tokens = attempt.endpoint->max_completion_tokens});
  wake_next(now);
  effects_.send(index, attempt, std::move(body));
}

void ModelRun::wake_next(WallTime now) {
  std::optional<WallTime> next = retry_at_;
  if (hedge_at_ && (!next || *hedge_at_ < *next)) next = hedge_at_;
  if (next) effects_.wake(std::max(*next - now, Duration{0}));
}

void ModelRun::head(std::size_t index, AnswerHead head) {
  if (finished_ || !attempts_[index]->running) return;
  attempts_[index]->answer = std::move(head);
}

void ModelRun::body(std::size_t index, std::string_view bytes, WallTime now) {
  if (finished_ || !attempts_[index]->running) return;
  ModelAttempt& attempt = *attempts_[index];
  const bool mine = winner_ == index;
  std::string passed;
  std::string& pass = mine ? passed : waiting_[index];
  const auto taken = attempt.take(bytes, pass);
  if (!taken) {
    effects_.cancel(index);
    return ended(index, {.failure = Cause::kTooLarge, .detail = taken.error().message, .sent = true}, now);
  }
  if (!attempt.streaming()) return;
  if (!mine) {
    // Comments alone may wait, so that another upstream can still be tried; but not without end.
    if (attempt.meter.events() == 0 && pass.size() < kWaitingBytes) return;
    if (attempt.meter.failed() && attempt.meter.events() == 1) {
      effects_.cancel(index);
      return ended(index, {.sent = true}, now);
    }
    cancel_running(now, index);
    open_stream(index);
    passed = std::exchange(waiting_[index], {});
  }
  if (attempt.meter.done()) return complete_stream(index, passed, now);
  answer_bytes_ += passed.size();
  if (!passed.empty()) effects_.write(std::move(passed));
}

void ModelRun::open_stream(std::size_t index) {
  winner_ = index;
  hedge_at_.reset();
  retry_at_.reset();
  drop_pending();
  BudgetNote about = note();
  about.cost = purse_.held();
  about.reserved = true;
  effects_.stream(
      {.status = 200, .content_type = attempts_[index]->answer.content_type, .headers = budget_headers(about)});
}

void ModelRun::cancel_running(WallTime now, std::size_t except) {
  for (std::size_t i = 0; i < attempts_.size(); ++i) {
    if (i == except || !attempts_[i]->running) continue;
    effects_.cancel(i);
    attempts_[i]->end({.failure = Cause::kCancelled, .sent = true}, now);
  }
}

void ModelRun::complete_stream(std::size_t index, std::string_view last, WallTime now) {
  ModelAttempt& attempt = *attempts_[index];
  attempt.end({.sent = true}, now);
  report(attempt, judge(attempt), now);
  settle(now);
  answer_bytes_ += last.size();
  // A comment, which every reader of event streams skips.
  std::string piece = ": x-bursar-cost: " + cost_text(receipt_ ? receipt_->actual : Amounts{}) + "\n\n";
  effects_.write(std::move(piece.append(last)));
  effects_.finish();
  conclude(now);
}

void ModelRun::ended(std::size_t index, AttemptEnd end, WallTime now) {
  if (finished_ || !attempts_[index]->running) return;
  ModelAttempt& attempt = *attempts_[index];
  attempt.end(std::move(end), now);
  const Judgement judgement = judge(attempt);
  if (winner_ == index) {
    if (judgement.kind == Judgement::kGood) return complete_stream(index, {}, now);
    report(attempt, judgement, now);
    last_ = judgement;
    last_failed_ = index;
    return stream_broke(index, now);
  }
  report(attempt, judgement, now);
  if (judgement.kind != Judgement::kFailed) return win(index, now);
  lost(index, judgement, now);
}

// The agent has part of the answer: it is told, and pays for what came.
void ModelRun::stream_broke(std::size_t index, WallTime now) {
  Failure failure = failure_of({.cause = last_->cause}, now);
  failure.upstream_text = attempts_[index]->ended.detail;
  serf_ = after_retries(classify(failure));
  settle(now);
  effects_.write(refusal_event(*serf_));
  effects_.finish();
  conclude(now);
}

void ModelRun::report(ModelAttempt& attempt, const Judgement& judgement, WallTime now) {
  const schedule::ToolId id{attempt.endpoint->config.name, attempt.model};
  if (services_.seen && attempt.ended.failure != Cause::kCancelled) {
    const std::string& detail = attempt.ended.detail;
    services_.seen(id.upstream, judgement.kind != Judgement::kFailed ? std::string_view{}
                                : detail.empty() ? "answered " + std::to_string(attempt.answer.status)
                                                 : detail);
  }
  BreakerPass& pass = attempt.circuit;
  const bool cut = judgement.kind == Judgement::kFailed && judgement.cause == Cause::kTimeout;
  if (judgement.kind == Judgement::kGood || cut) shared_.latencies().record(id, attempt.elapsed, cut);
  if (cut) return pass.report_timeout(attempt.started, now);
  if (judgement.kind == Judgement::kFailed && !judgement.about_upstream && attempt.answer.status == 0) return;
  pass.report(!judgement.about_upstream, now);
}

// A plain answer, the upstream's own refusal of the request, or a stream that came whole before it was begun.
void ModelRun::win(std::size_t index, WallTime now) {
  cancel_running(now, index);
  drop_pending();
  ModelAttempt& attempt = *attempts_[index];
  if (attempt.streaming()) {
    open_stream(index);
    return complete_stream(index, waiting_[index], now);
  }
  settle(now);
  answer_bytes_ = attempt.body.size();
  HttpResponse response{
      .status = attempt.answer.status,
      .content_type = attempt.answer.content_type.empty() ? "application/json" : attempt.answer.content_type,
      .headers = budget_headers(note())};
  if (!attempt.ok()) {
    response.headers.emplace_back("x-should-retry", "false");
    serf_ = classify(failure_of({.cause = Cause::kBadRequest}, now));
  }
  response.body = std::move(attempt.body);
  effects_.answer(std::move(response));
  conclude(now);
}

void ModelRun::lost(std::size_t index, const Judgement& judgement, WallTime now) {
  last_ = judgement;
  last_failed_ = index;
  hedge_at_.reset();
  if (pending_) return;  // a hedge that waits for its reservation is the next attempt
  if (std::ranges::any_of(attempts_, [](const auto& a) { return a->running; })) return;
  if (attempts_.size() >= 1 + retries_ + (hedged_ ? 1U : 0U)) return give_up(now);
  retry_from_ = (tried_[index] + 1) % candidates_.size();
  const Candidate& next = candidates_[retry_from_];
  if (!next.tried) return retry(now);
  if (!judgement.same_may_help) return give_up(now);
  if (shared_.breakers.retry_share(next.endpoint->config.name, now) > kRetryShareMax) return give_up(now);
  Duration pause = backoff(attempts_.size(), random_.uniform01());
  if (const auto after = attempts_[index]->answer.retry_after) pause = std::max<Duration>(pause, *after);
  if (pause > kLongestPause || now + pause + kLeastTime > deadline_) return give_up(now);
  retry_at_ = now + pause;
  wake_next(now);
}

void ModelRun::retry(WallTime now) {
  retry_at_.reset();
  if (deadline_ - now < kLeastTime || choose(retry_from_, false, now)) return give_up(now);
  fund(now);
}

void ModelRun::hedge(WallTime now) {
  hedge_at_.reset();
  if (attempts_.size() != 1 || !attempts_.front()->running || pending_ || winner_) return;
  if (deadline_ - now < kLeastTime || choose(tried_.front() + 1, true, now)) return;
  hedged_ = true;
  fund(now);
}

void ModelRun::woken(WallTime now) {
  if (finished_) return;
  if (retry_at_ && now >= *retry_at_) retry(now);
  if (!finished_ && hedge_at_ && now >= *hedge_at_) hedge(now);
  if (!finished_) wake_next(now);
}

void ModelRun::give_up(WallTime now) {
  const ModelAttempt& attempt = *attempts_[last_failed_];
  Why why{.cause = last_->cause};
  if (attempt.answer.retry_after) why.wait = *attempt.answer.retry_after;
  Failure failure = failure_of(why, now);
  // What an upstream says of our own credential is not for agents: it may quote from it.
  const bool about_us = last_->cause == Cause::kUnauthorised || last_->cause == Cause::kForbidden;
  if (!about_us) failure.upstream_text = attempt.ok() || attempt.body.empty() ? attempt.ended.detail : attempt.body;
  serf_ = classify(failure);
  if (attempts_.size() > 1) serf_ = after_retries(std::move(*serf_));
  settle(now);
  effects_.answer(refusal_of(*serf_, std::nullopt, note()));
  conclude(now);
}

void ModelRun::refuse(const Why& why, WallTime now) {
  serf_ = classify(failure_of(why, now));
  settle(now);
  effects_.answer(refusal_of(*serf_, why.refusal, note(), why.param));
  conclude(now);
}

void ModelRun::stop(Cause cause, WallTime now) {
  if (finished_) return;
  cancel_running(now, attempts_.size());
  drop_pending();
  serf_ = classify(failure_of({.cause = cause}, now));
  settle(now);
  if (cause != Cause::kCancelled) {
    if (winner_) {
      effects_.write(refusal_event(*serf_));
      effects_.finish();
    } else {
      effects_.answer(refusal_of(*serf_, std::nullopt, note()));
    }
  }
  conclude(now);
}

}  // namespace bursar::broker
