#include "bursar/broker/strategies/strategy_job.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "bursar/broker/models/model_driver.h"
#include "bursar/broker/models/model_once.h"
#include "bursar/broker/strategies/strategy_answer.h"
#include "bursar/core/json.h"
#include "bursar/plan/job/journal.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kShortText = 200;
constexpr std::size_t kMostMessages = 256;  // whole messages that are kept for the answer

// Nothing was asked of an endpoint, since somebody said no.
bool said_no(const ModelRun& run) {
  return !run.receipt() && run.serf() && run.serf()->category != Category::kUpstreamFailure;
}

std::string inner_id(const std::string& job, std::uint64_t action) { return job + "." + std::to_string(action); }

}  // namespace

struct StrategyJob::Timer {
  explicit Timer(Reactor& reactor) : timer(reactor.context()) {}
  boost::asio::steady_timer timer;
};

Result<std::shared_ptr<StrategyJob>> StrategyJob::start(std::shared_ptr<const StrategyServices> services, Outer outer,
                                                        StrategyRequest asked, std::shared_ptr<Exchange> exchange,
                                                        Ended ended) {
  auto controller = plan::make_job(*asked.entry, asked.setup);
  if (!controller) return tl::unexpected(controller.error());
  auto job = std::make_shared<StrategyJob>(std::move(services), std::move(outer), std::move(asked),
                                           std::move(*controller), std::move(exchange), std::move(ended));
  job->exchange_->on_closed([weak = std::weak_ptr(job)] {
    const auto self = weak.lock();
    if (!self) return;
    self->gone_ = true;
    self->executor_.stop(self->services_->clock->now());
  });
  job->executor_.begin(job->services_->clock->now());
  return job;
}

StrategyJob::StrategyJob(std::shared_ptr<const StrategyServices> services, Outer outer, StrategyRequest asked,
                         std::unique_ptr<plan::Controller> controller, std::shared_ptr<Exchange> exchange, Ended ended)
    : services_(std::move(services)),
      outer_(std::move(outer)),
      asked_(std::move(asked)),
      exchange_(std::move(exchange)),
      ended_(std::move(ended)),
      executor_(std::move(controller), asked_.limits, *this) {}

StrategyJob::~StrategyJob() {
  if (ended_) ended_(*this);
}

void StrategyJob::stop() {
  exchange_->reactor().post([self = shared_from_this()] { self->executor_.stop(self->services_->clock->now()); });
}

Result<Amounts> StrategyJob::bound(const plan::Action& action) {
  const auto* ask = std::get_if<plan::ModelAsk>(&action.ask);
  if (ask == nullptr) return services_->tool_price(std::get<plan::ToolAsk>(action.ask).tool);
  auto known = bodies_.find(action.id);
  if (known == bodies_.end()) {
    std::string body = model_body(*ask, action.seed, asked_.own);
    auto read = read_model_request(ModelApi::kChat, body, {.bytes = InnerExchange::kMost});
    if (!read) return tl::unexpected(read.error());
    if (!read->unbounded.empty()) {
      return invalid_argument(read->unbounded + ": what it costs cannot be bounded, and a strategy has a purse");
    }
    known = bodies_.emplace(action.id, std::pair{std::move(body), read->prompt_tokens_max}).first;
  }
  return services_->bound(ask->model, known->second.second, static_cast<std::uint64_t>(ask->max_tokens));
}

void StrategyJob::launch(const plan::Action& action) {
  if (const auto* ask = std::get_if<plan::ModelAsk>(&action.ask)) return this->ask(action, *ask);
  call_tool(action, std::get<plan::ToolAsk>(action.ask));
}

void StrategyJob::ask(const plan::Action& action, const plan::ModelAsk& ask) {
  const auto self = shared_from_this();
  const std::uint64_t id = action.id;
  const bool own = ask.messages.empty();
  auto body = bodies_.extract(id);
  const WallTime now = services_->clock->now();
  Inner& inner = inner_[id];
  inner.since = now;
  auto answer = std::make_shared<InnerAnswer>();
  inner.back =
      std::make_shared<InnerExchange>(exchange_->reactor(), [answer](InnerAnswer got) { *answer = std::move(got); });
  ModelCall call{
      .id = inner_id(outer_.id, id),
      .arrived = now,
      .principal = outer_.principal,
      .request = read_model_request(ModelApi::kChat, body.mapped().first, {.bytes = InnerExchange::kMost}).value(),
      .body = std::move(body.mapped().first),
      .turn = std::string(outer_.request.header("x-bursar-turn")),
      .traceparent = std::string(outer_.request.header("traceparent")),
      .audit_body = outer_.audit_body,
      .sample = outer_.sample,
      .max_output = static_cast<std::uint64_t>(ask.max_tokens)};
  auto most = services_->bound(ask.model, call.request.prompt_tokens_max, static_cast<std::uint64_t>(ask.max_tokens));
  if (most) call.most = *most;
  auto driver = services_->ask(std::move(call), inner.back, [self, id, answer, own](ModelDriver& ended) {
    const ModelRun& run = ended.run();
    plan::Observation seen;
    if (run.receipt() || answer->response.status != 200 || !answer->body.empty())
      seen = read_model_answer(*answer);
    else
      seen = {.end = plan::ActionEnd::kCancelled};
    if (!seen.ok() && seen.end != plan::ActionEnd::kCancelled) {
      seen.end = said_no(run) ? plan::ActionEnd::kRefused : plan::ActionEnd::kFailed;
      self->last_refusal_ = answer->response;
      self->last_refusal_->body = answer->body;
    }
    if (run.serf() && answer->body.empty()) {
      seen.end = plan::ActionEnd::kCancelled;
      seen.why = run.serf()->message;
    }
    seen.action = id;
    if (run.receipt()) seen.cost = run.receipt()->actual;
    if (run.used()) {
      seen.prompt_tokens = static_cast<std::int64_t>(run.used()->prompt);
      seen.completion_tokens = static_cast<std::int64_t>(run.used()->completion);
    }
    if (own && seen.ok() && self->messages_.size() < kMostMessages) self->messages_[id] = message_of(answer->body);
    self->seen(std::move(seen));
  });
  // Where it ended at once, seen() has forgotten it already.
  if (const auto found = inner_.find(id); found != inner_.end()) found->second.driver = std::move(driver);
}

void StrategyJob::call_tool(const plan::Action& action, const plan::ToolAsk& ask) {
  const auto self = shared_from_this();
  const std::uint64_t id = action.id;
  const std::string name = std::to_string(id);
  Inner& inner = inner_[id];
  inner.since = services_->clock->now();
  inner.most = services_->tool_price(ask.tool).value_or(Amounts{});
  inner.back = std::make_shared<InnerExchange>(exchange_->reactor(), [self, id, name](const InnerAnswer& answer) {
    plan::Observation seen = read_tool_answer(answer, name);
    seen.action = id;
    self->seen(std::move(seen));
  });
  services_->call_tool(tool_request(ask, outer_.request, name, services_->tool_headers(ask.tool)), inner.back);
}

void StrategyJob::seen(plan::Observation observation) {
  const WallTime now = services_->clock->now();
  const auto found = inner_.find(observation.action);
  if (found != inner_.end()) {
    observation.took = std::max(now - found->second.since, Duration{0});
    // The driver is on the stack above this: it ends when it has returned.
    if (auto driver = std::move(found->second.driver)) exchange_->reactor().post([driver] {});
    inner_.erase(found);
  }
  if (observation.ok() && asked_.stream && !streaming_ && !gone_) {
    streaming_ = true;
    BudgetNote about = note();
    about.reserved = true;
    about.cost = executor_.purse().held;
    if (outer_.once) keep_streamed(*outer_.once, now);
    exchange_->stream({.status = 200, .content_type = "text/event-stream", .headers = budget_headers(about)}, ": \n\n");
  }
  executor_.ended(std::move(observation), now);
}

void StrategyJob::cancel(std::uint64_t action) {
  const auto found = inner_.find(action);
  if (found == inner_.end()) return;
  if (found->second.driver) return found->second.driver->stop(Cause::kCancelled);
  // A tool's call is settled by itself; what it may have cost is counted in full.
  const auto back = found->second.back;
  const Amounts most = found->second.most;
  back->close();
  seen({.action = action, .end = plan::ActionEnd::kCancelled, .cost = most, .why = "the job ended"});
}

void StrategyJob::wake(Duration in) {
  if (!timer_) timer_ = std::make_unique<Timer>(exchange_->reactor());
  timer_->timer.expires_after(in);
  timer_->timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self) self->executor_.woken(self->services_->clock->now());
  });
}

void StrategyJob::finish() {
  if (timer_) timer_->timer.cancel();
  if (!gone_) answer();
  exchange_->reactor().post([self = shared_from_this()] {
    if (auto ended = std::exchange(self->ended_, nullptr)) ended(*self);
  });
}

BudgetNote StrategyJob::note() const {
  return {.account = outer_.principal.account,
          .cost = executor_.purse().spent,
          .left = services_->left ? services_->left(outer_.principal.account) : Amounts{}};
}

void StrategyJob::answer() {
  const plan::JobResult& result = executor_.result();
  const WallTime now = services_->clock->now();
  if (!result.answer) {
    HttpResponse refusal =
        plain_refusal(402, "insufficient_quota", result.why.empty() ? "No answer came." : result.why);
    if (last_refusal_) refusal = std::move(*last_refusal_);
    if (result.end == plan::JobEnd::kDeadline) refusal = plain_refusal(504, "deadline", "The job's time is over.");
    if (!streaming_) return exchange_->answer(std::move(refusal));
    exchange_->write("data: " + refusal.body + "\n\n");
    return exchange_->finish();
  }
  boost::json::array trace = executor_.journal();
  if (asked_.explain == Explain::kShort) trace = plan::shortened(trace, kShortText);
  StrategyAnswer answer{.id = outer_.id, .at = now, .strategy = asked_.entry->name, .result = &result};
  if (asked_.explain != Explain::kNo) answer.trace = &trace;
  if (const auto own = messages_.find(result.answer->source); own != messages_.end()) answer.message = own->second;
  if (asked_.stream) {
    if (!streaming_)
      exchange_->stream({.status = 200, .content_type = "text/event-stream", .headers = budget_headers(note())},
                        ": \n\n");
    for (std::string& event : streamed_answer(answer, asked_.usage_asked)) exchange_->write(std::move(event));
    return exchange_->finish();
  }
  HttpResponse response{.status = 200, .headers = budget_headers(note()), .body = whole_answer(answer)};
  ledger::Receipt receipt{.actual = result.cost};
  if (outer_.once) keep_answer(*outer_.once, response, receipt, now);
  exchange_->answer(std::move(response));
}

}  // namespace bursar::broker
