#include "bursar/broker/strategies/live_job.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "bursar/broker/models/model_driver.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMostMessages = 256;  // whole messages that are kept for the answer

// Nothing was asked of an endpoint, since somebody said no.
bool said_no(const ModelRun& run) {
  return !run.receipt() && run.serf() && run.serf()->category != Category::kUpstreamFailure;
}

std::string inner_id(const std::string& job, std::uint64_t action) { return job + "." + std::to_string(action); }

}  // namespace

struct LiveJob::Timer {
  explicit Timer(Reactor& reactor) : timer(reactor.context()) {}
  boost::asio::steady_timer timer;
};

LiveJob::LiveJob(std::shared_ptr<const StrategyServices> services, Outer outer, Plan plan, Reactor& reactor,
                 Hooks hooks)
    : services_(std::move(services)),
      outer_(std::move(outer)),
      own_(std::move(plan.own)),
      reactor_(reactor),
      hooks_(std::move(hooks)),
      executor_(std::move(plan.controller), plan.limits, *this) {}

LiveJob::~LiveJob() = default;

void LiveJob::begin() {
  executor_.begin(services_->clock->now());
  told();
}

Result<void> LiveJob::resume(const boost::json::array& journal) {
  auto resumed = executor_.resume(journal, services_->clock->now());
  if (resumed) told();
  return resumed;
}

void LiveJob::stop() {
  reactor_.post([self = shared_from_this()] { self->stop_now(); });
}

void LiveJob::stop_now() {
  executor_.stop(services_->clock->now());
  told();
}

void LiveJob::told() {
  if (hooks_.progress) hooks_.progress(*this);
}

std::string_view LiveJob::message(std::uint64_t action) const {
  const auto found = messages_.find(action);
  return found == messages_.end() ? std::string_view{} : found->second;
}

Result<LiveJob::Body> LiveJob::body_of(const plan::Action& action) const {
  Body out;
  if (const auto* embed = std::get_if<plan::EmbedAsk>(&action.ask)) {
    out.api = ModelApi::kEmbeddings;
    out.text = embedding_body(*embed);
    out.texts = embed->texts.size();
  } else {
    out.text = model_body(std::get<plan::ModelAsk>(action.ask), action.seed, own_);
  }
  auto read = read_model_request(out.api, out.text, {.bytes = InnerExchange::kMost});
  if (!read) return tl::unexpected(read.error());
  if (!read->unbounded.empty()) {
    return invalid_argument(read->unbounded + ": what it costs cannot be bounded, and a strategy has a purse");
  }
  out.request = std::move(*read);
  return out;
}

Result<Amounts> LiveJob::bound_of(const plan::Action& action, const ModelRequest& request) const {
  const auto* ask = std::get_if<plan::ModelAsk>(&action.ask);
  const auto output = ask == nullptr ? 0 : static_cast<std::uint64_t>(ask->max_tokens);
  return services_->bound(request.model, request.prompt_tokens_max, output);
}

Result<Amounts> LiveJob::bound(const plan::Action& action) {
  if (const auto* tool = std::get_if<plan::ToolAsk>(&action.ask)) return services_->tool_price(tool->tool);
  auto known = bodies_.find(action.id);
  if (known == bodies_.end()) {
    auto body = body_of(action);
    if (!body) return tl::unexpected(body.error());
    known = bodies_.emplace(action.id, std::move(*body)).first;
  }
  return bound_of(action, known->second.request);
}

void LiveJob::launch(const plan::Action& action) {
  if (const auto* tool = std::get_if<plan::ToolAsk>(&action.ask)) return call_tool(action, *tool);
  ask(action);
}

void LiveJob::ask(const plan::Action& action) {
  const auto self = shared_from_this();
  const std::uint64_t id = action.id;
  const auto* ask = std::get_if<plan::ModelAsk>(&action.ask);
  const bool own = ask != nullptr && ask->messages.empty();
  Body body = std::move(bodies_.extract(id).mapped());
  const WallTime now = services_->clock->now();
  Inner& inner = inner_[id];
  inner.since = now;
  auto answer = std::make_shared<InnerAnswer>();
  inner.back = std::make_shared<InnerExchange>(reactor_, [answer](InnerAnswer got) { *answer = std::move(got); });
  ModelCall call{.id = inner_id(outer_.id, id),
                 .arrived = now,
                 .principal = outer_.principal,
                 .api = body.api,
                 .request = std::move(body.request),
                 .body = std::move(body.text),
                 .turn = std::string(outer_.request.header("x-bursar-turn")),
                 .traceparent = std::string(outer_.request.header("traceparent")),
                 .audit_body = outer_.audit_body,
                 .sample = outer_.sample};
  if (ask != nullptr) call.max_output = static_cast<std::uint64_t>(ask->max_tokens);
  if (auto most = bound_of(action, call.request)) call.most = *most;
  auto driver =
      services_->ask(std::move(call), inner.back, [self, id, answer, own, texts = body.texts](ModelDriver& ended) {
        plan::Observation seen = self->observed(ended.run(), *answer, texts);
        seen.action = id;
        if (own && seen.ok() && self->messages_.size() < kMostMessages) {
          self->messages_[id] = message_of(answer->body);
        }
        self->seen(std::move(seen));
      });
  // Where it ended at once, seen() has forgotten it already.
  if (const auto found = inner_.find(id); found != inner_.end()) found->second.driver = std::move(driver);
}

plan::Observation LiveJob::observed(const ModelRun& run, const InnerAnswer& answer, std::size_t texts) {
  plan::Observation seen;
  if (answer.body.empty()) {
    seen.end = plan::ActionEnd::kCancelled;
    if (run.serf()) seen.why = run.serf()->message;
  } else {
    seen = texts > 0 ? read_embedding_answer(answer, texts) : read_model_answer(answer);
    if (!seen.ok()) {
      seen.end = said_no(run) ? plan::ActionEnd::kRefused : plan::ActionEnd::kFailed;
      last_refusal_ = answer.response;
      last_refusal_->body = answer.body;
    }
  }
  if (run.receipt()) seen.cost = run.receipt()->actual;
  if (run.used()) {
    seen.prompt_tokens = static_cast<std::int64_t>(run.used()->prompt);
    seen.completion_tokens = static_cast<std::int64_t>(run.used()->completion);
  }
  return seen;
}

void LiveJob::call_tool(const plan::Action& action, const plan::ToolAsk& ask) {
  const auto self = shared_from_this();
  const std::uint64_t id = action.id;
  const std::string name = std::to_string(id);
  Inner& inner = inner_[id];
  inner.since = services_->clock->now();
  inner.most = services_->tool_price(ask.tool).value_or(Amounts{});
  inner.back = std::make_shared<InnerExchange>(reactor_, [self, id, name](const InnerAnswer& answer) {
    plan::Observation seen = read_tool_answer(answer, name);
    seen.action = id;
    self->seen(std::move(seen));
  });
  services_->call_tool(tool_request(ask, outer_.request, name, services_->tool_headers(ask.tool)), inner.back);
}

void LiveJob::seen(plan::Observation observation) {
  const WallTime now = services_->clock->now();
  const auto found = inner_.find(observation.action);
  if (found != inner_.end()) {
    observation.took = std::max(now - found->second.since, Duration{0});
    // The driver is on the stack above this: it ends when it has returned.
    if (auto driver = std::move(found->second.driver)) reactor_.post([driver] {});
    inner_.erase(found);
  }
  executor_.ended(std::move(observation), now);
  told();
}

void LiveJob::cancel(std::uint64_t action) {
  const auto found = inner_.find(action);
  if (found == inner_.end()) return;
  if (found->second.driver) return found->second.driver->stop(Cause::kCancelled);
  // A tool's call is settled by itself; what it may have cost is counted in full.
  const auto back = found->second.back;
  const Amounts most = found->second.most;
  back->close();
  seen({.action = action, .end = plan::ActionEnd::kCancelled, .cost = most, .why = "the job ended"});
}

void LiveJob::wake(Duration in) {
  if (!timer_) timer_ = std::make_unique<Timer>(reactor_);
  timer_->timer.expires_after(in);
  timer_->timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->executor_.woken(self->services_->clock->now());
    self->told();
  });
}

void LiveJob::finish() {
  if (timer_) timer_->timer.cancel();
  // The executor is on the stack above this.
  reactor_.post([self = shared_from_this()] {
    if (auto ended = std::exchange(self->hooks_, {}).ended) ended(*self);
  });
}

BudgetNote LiveJob::note() const {
  return {.account = outer_.principal.account,
          .cost = executor_.purse().spent,
          .left = services_->left ? services_->left(outer_.principal.account) : Amounts{}};
}

}  // namespace bursar::broker
