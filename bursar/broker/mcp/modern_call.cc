#include "bursar/broker/mcp/modern_call.h"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "bursar/broker/mcp/log_level.h"
#include "bursar/broker/mcp/modern_headers.h"
#include "bursar/broker/pipeline/call_id.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxQuestions = 64;         // of one call that wait for the agent
constexpr std::chrono::milliseconds kGather{10};  // questions that come together are told together
constexpr auto kLongCall = std::chrono::seconds{2};
constexpr int kInvalidRequest = -32600, kInvalidParams = -32602, kInternalError = -32603;

std::string_view needed_capability(std::string_view method) {
  if (method == "sampling/createMessage") return "sampling";
  if (method == "elicitation/create") return "elicitation";
  return method == "roots/list" ? "roots" : "";
}

// A legacy server says -32002 where a resource is unknown; this revision knows only invalid params.
std::string modern_error(std::string_view method, std::string_view error) {
  if (method != "resources/read" || raw_member(error, "code") != "-32002") return std::string(error);
  return with_member(error, "code", "-32602");
}

}  // namespace

struct ModernCall::Timer {
  explicit Timer(Reactor& reactor) : timer(reactor.context()) {}
  boost::asio::steady_timer timer;
};

ModernCall::ModernCall(std::shared_ptr<ModernContext> context, Reactor& reactor, Request request)
    : context_(std::move(context)), reactor_(reactor), request_(std::move(request)) {
  const std::string_view meta = request_.message.meta();
  capabilities_ = raw_member(meta, kCapabilitiesKey);
  level_ = raw_string(raw_member(meta, kLogLevelKey));
}

ModernCall::~ModernCall() = default;

void ModernCall::start(const std::shared_ptr<ModernReply>& reply) {
  context_->calls.add(shared_from_this());
  take_reply(reply);
  run(std::move(request_.others));
}

void ModernCall::take_reply(std::shared_ptr<ModernReply> reply) {
  reply_ = std::move(reply);
  if (!std::exchange(begun_, true)) context_->services->running.fetch_add(1);
  reply_->on_gone([weak = weak_from_this(), mine = std::weak_ptr<ModernReply>(reply_)] {
    const auto self = weak.lock();
    if (!self) return;
    self->reactor_.post([self, mine] {
      if (const auto gone = mine.lock(); gone && gone == self->reply_) self->stop(Cause::kCancelled);
    });
  });
}

void ModernCall::run(std::vector<std::string> others) {
  const auto& services = *context_->services;
  const WallTime now = services.calls.clock->now();
  Call call{.id = call_id(now, services.instance, context_->services->next_call.fetch_add(1)),
            .arrived = now,
            .ingress = request_.ingress,
            .request = request_.message,
            .principal = request_.principal};
  CallDriver::Hooks hooks{
      .open = [self = shared_from_this()](const Call& running) { return self->open(running); },
      .related = [self = shared_from_this()](const std::shared_ptr<UpstreamSession>& from,
                                             Message message) { self->upstream_said(from, message); },
      .done = [self = shared_from_this(), others = std::move(others)](Call& done) { self->called(done, others); },
      .prepare = [self = shared_from_this()](UpstreamRequest& request) { self->prepare(request); },
      .patience = can_be_asked(capabilities_) ? services.state_lifetime : Duration{0}};
  auto driver = CallDriver::start(services.calls, reactor_, std::move(call), std::move(hooks));
  if (!ended_) driver_ = std::move(driver);  // a call that was refused at once has ended already
}

Result<std::shared_ptr<UpstreamSession>> ModernCall::open(const Call& call) {
  const std::string& upstream = call.target->upstream;
  const auto& calls = context_->services->calls;
  if (upstream == kOwnUpstream) {
    return context_->services->own.open(call, *calls.pipeline, *calls.ledger, reactor_, calls.clock->now());
  }
  if (!request_.upstream.empty() && upstream != request_.upstream) {
    return fail(ErrorCode::kNotFound, "the server that asked no longer has this name");
  }
  const auto set = context_->services->upstreams();
  const UpstreamEntry* const entry = set ? set->find(upstream) : nullptr;
  if (entry == nullptr) return fail(ErrorCode::kNotFound, "upstream " + upstream + " is no longer configured");
  if (lease_ && lease_->upstream() == upstream && !lease_->lost()) return lease_->session();
  lease_.reset();
  auto lease = context_->pool->take(*entry,
                                    {.principal = request_.principal,
                                     .capabilities = capabilities_,
                                     .client_info = raw_member(request_.message.meta(), kClientInfoKey)},
                                    reactor_, weak_from_this());
  if (!lease) return tl::unexpected(lease.error());
  lease_ = std::move(*lease);
  tell_level(upstream);
  return lease_->session();
}

// This era says with each request how much it wants to read of the server's log; the other one says it to the session.
void ModernCall::tell_level(const std::string& upstream) {
  const auto level = log_level_rank(level_);
  if (!level || !context_->services->catalogue->current()->has(upstream, "logging") || !lease_->louder(*level)) return;
  lease_->session()->request(
      {.method = "logging/setLevel",
       .params = "{\"level\":" + json_string(level_) + "}",
       .deadline = std::chrono::seconds{30}},
      [](Message) {}, [](UpstreamReply) {});
}

void ModernCall::prepare(UpstreamRequest& request) const { request.accepts_input_required = true; }

void ModernCall::upstream_said(const std::shared_ptr<UpstreamSession>& from, const Message& message) {
  if (ended_) return;
  if (message.kind() == MessageKind::kRequest) return asked(from, message);
  if (message.kind() != MessageKind::kNotification) return;
  const std::string_view method = message.method();
  if (method == "notifications/cancelled") {
    const std::string_view id = raw_member(message.params(), "requestId");
    std::erase_if(questions_, [&](const Question& q) { return q.id == id && q.from.lock() == from; });
    return;
  }
  if (parked_ || !reply_) return;
  if (method == "notifications/message") {
    if (loud_enough(message)) reply_->related(message.text());
    return;
  }
  if (method != "notifications/progress") return;
  if (progress_token_.empty()) return reply_->related(message.text());
  // The repeated request has a token of its own.
  reply_->related(message.with({.params = with_member(message.params(), "progressToken", progress_token_)}));
}

// Without a level of its own a request gets no log lines.
bool ModernCall::loud_enough(const Message& message) const {
  if (level_.empty()) return false;
  const auto wanted = log_level_rank(level_);
  const auto level = log_level_rank(raw_string(raw_member(message.params(), "level")));
  return wanted && (!level || *level >= *wanted);
}

void ModernCall::asked(const std::shared_ptr<UpstreamSession>& from, const Message& message) {
  if (message.method() == "ping") return from->respond(make_result(message.id(), "{}"));
  const std::string_view needed = needed_capability(message.method());
  if (needed.empty() || raw_member(capabilities_, needed).empty()) {
    return from->respond(make_error(message.id(), -32601, "the client does not support this request"));
  }
  if (questions_.size() >= kMaxQuestions) {
    return from->respond(make_error(message.id(), kInternalError, "too many requests wait for the client"));
  }
  const std::string_view params = message.params();
  questions_.push_back({.key = "q" + std::to_string(next_question_++),
                        .from = from,
                        .id = std::string(message.id()),
                        .request = R"({"method":)" + json_string(message.method()) + R"(,"params":)" +
                                   std::string(params.empty() ? "{}" : params) + "}"});
  if (parked_ || gather_) return;
  gather_ = std::make_unique<Timer>(reactor_);
  gather_->timer.expires_after(kGather);
  gather_->timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    self->gather_.reset();
    if (!error) self->ask_agent();
  });
}

void ModernCall::ask_agent() {
  if (ended_ || parked_ || questions_.empty() || !driver_ || !reply_ || reply_->answered()) return;
  const Duration lifetime = context_->services->state_lifetime;
  const auto name = context_->calls.park(shared_from_this(), std::chrono::steady_clock::now() + lifetime);
  if (!name) {
    for (const Question& question : std::exchange(questions_, {})) {
      if (const auto from = question.from.lock()) {
        from->respond(make_error(question.id, kInternalError, "too many calls wait for their clients"));
      }
    }
    return;
  }
  std::string result = R"({"resultType":"input_required","inputRequests":{)";
  for (const Question& question : questions_) {
    if (result.back() != '{') result += ',';
    result += json_string(question.key) + ":" + question.request;
  }
  result += R"(},"requestState":)" + json_string(seal_state(*context_->services, request_.binding, {.value = *name}));
  parked_ = true;
  driver_->park();
  if (std::exchange(begun_, false)) context_->services->running.fetch_sub(1);
  const auto reply = std::exchange(reply_, nullptr);
  reply->result(modern_result(request_.message.method(), result + "}", false));
}

void ModernCall::resume(Message repeat, std::shared_ptr<ModernReply> reply) {
  if (!reactor_.on_this_thread()) {
    auto owned = std::make_shared<Message>(std::move(repeat));
    return reactor_.post([self = shared_from_this(), owned, reply] { self->resume(std::move(*owned), reply); });
  }
  const std::string_view answers = raw_member(repeat.params(), "inputResponses");
  parked_ = false;
  take_reply(std::move(reply));
  level_ = raw_string(raw_member(repeat.meta(), kLogLevelKey));
  progress_token_ = repeat.progress_token();
  if (ended_) return deliver();  // the server went on without an answer
  if (driver_) driver_->resume();
  if (answers.starts_with('{')) take_answers(repeat);
  if (!questions_.empty()) ask_agent();
}

void ModernCall::take_answers(const Message& repeat) {
  for (MemberCursor at(raw_member(repeat.params(), "inputResponses")); at.next();) {
    const auto question = std::ranges::find(questions_, at.key(), &Question::key);
    if (question == questions_.end() || !at.value().starts_with('{')) continue;  // stays open, and is asked again
    if (const auto from = question->from.lock()) from->respond(make_result(question->id, at.value()));
    questions_.erase(question);
  }
}

void ModernCall::called(Call& call, std::vector<std::string> others) {
  driver_.reset();
  const std::string_view code = raw_member(call.upstream_error, "code");
  if (!others.empty() && !call.serf && (code == "-32002" || code == "-32602" || code == "-32601")) {
    // Nobody listed this URI, and the likeliest upstream does not know it: ask the next.
    request_.ingress.server = others.front();
    others.erase(others.begin());
    return run(std::move(others));
  }
  if (call.http) {
    const std::string_view error = raw_member(call.http->body, "error");
    if (reply_ && !call.http->www_authenticate.empty()) {
      reply_->header("www-authenticate", call.http->www_authenticate);
    }
    return finish(call.http->status, "", error.empty() ? rpc_error(kInvalidRequest, "refused") : std::string(error));
  }
  const std::string_view method = request_.message.method();
  if (!call.upstream_error.empty()) {
    const int status = code == "-32021" ? 400 : 200;
    return finish(status, "", modern_error(method, call.upstream_error));
  }
  std::string result = std::move(call.result);
  if (raw_member(result, "resultType") == R"("input_required")") {
    // Whose state it is, and that it came from us, goes with it; so it survives this process.
    if (const std::string_view state = raw_member(result, "requestState"); state.starts_with('"') && call.target) {
      const RequestState inner{
          .kind = RequestState::Kind::kUpstream, .upstream = call.target->upstream, .value = raw_string(state)};
      result =
          with_member(result, "requestState", json_string(seal_state(*context_->services, request_.binding, inner)));
    }
  }
  if (raw_member(result, "resultType") == R"("task")" && call.target) {
    result = with_task_handle(*context_->services, request_.principal, call.target->upstream, result);
  }
  const auto config = context_->services->calls.pipeline->config();
  finish(200, modern_result(method, result, same_for_all(config->policy)), "");
}

void ModernCall::finish(int status, std::string result, std::string error) {
  ended_ = true;
  status_ = status;
  result_ = std::move(result);
  error_ = std::move(error);
  questions_.clear();
  lease_.reset();
  if (!parked_) deliver();  // else it waits for the agent to come back
}

void ModernCall::deliver() {
  if (std::exchange(begun_, false)) context_->services->running.fetch_sub(1);
  context_->calls.remove(*this);
  const auto reply = std::exchange(reply_, nullptr);
  if (!reply) return;
  if (error_.empty())
    reply->result(result_);
  else
    reply->error(status_, error_);
}

void ModernCall::stop(Cause cause) {
  if (ended_) return;
  if (gather_) gather_->timer.cancel();
  if (driver_) driver_->stop(cause);  // settles, and comes to called()
}

void ModernCall::close(Cause cause) {
  stop(cause);
  if (!std::exchange(parked_, false)) return;
  context_->calls.remove(*this);  // nobody will come for its answer
}

void ModernCall::tick() {
  if (reply_ && std::chrono::steady_clock::now() - reply_->since() >= kLongCall) reply_->open();
}

}  // namespace bursar::broker
