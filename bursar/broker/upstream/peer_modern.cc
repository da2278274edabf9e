// The part of a peer that makes a modern server look like any other: input rounds, subscriptions, what is done here.
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/broker/upstream/input_round.h"
#include "bursar/broker/upstream/modern.h"
#include "bursar/broker/upstream/peer.h"

namespace bursar::broker {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPacing{250};  // before a repetition that nobody was asked for

UpstreamReply broken(std::string detail) {
  return {.failure = Cause::kUpstreamProtocol, .detail = std::move(detail), .sent = true};
}

}  // namespace

void Peer::speak(Era era, std::string_view server_capabilities) {
  modern_ = era == Era::kModern;
  side_.server(server_capabilities);
}

std::string Peer::wire_text(SessionHub::Call& call) const {
  const std::string id = std::to_string(call.wire);
  if (modern_) return make_request(id, call.request.method, side_.params(call));
  const bool probe = call.request.method == kProbeMethod;
  return make_request(id, probe ? std::string_view("ping") : std::string_view(call.request.method),
                      probe ? std::string() : legacy_params(call.request.params));
}

bool Peer::handled_here(Ticket ticket) {
  SessionHub::Call* call = hub_.find(ticket);
  if (!modern_ || call == nullptr) return false;
  UpstreamReply reply;
  switch (side_.handle(call->member, call->request, reply)) {
    case ModernSide::Local::kNo: return false;
    case ModernSide::Local::kDone: hub_.finish(ticket, std::move(reply)); return true;
    case ModernSide::Local::kWatched: break;
  }
  watchers_.push_back(ticket);
  listen();
  return true;
}

// The subscription's id is ours and means nothing to agents.
void Peer::hear(Message message) {
  const std::string_view meta = member(message.params(), "_meta");
  if (!member(meta, kMetaSubscription).empty()) {
    const std::string rest = with_member(meta, kMetaSubscription, std::nullopt);
    const std::string params =
        with_member(message.params(), "_meta", rest == "{}" ? std::nullopt : std::optional<std::string_view>(rest));
    auto plain = Message::parse(message.with({.params = params}), shared_->message_limits());
    if (plain) message = std::move(*plain);
  }
  (void)hub_.receive(std::move(message), 0, Clock::now());
}

void Peer::listening() { settle_watchers({}); }

void Peer::listen_failed(const std::string& error) {
  settle_watchers(error.empty() ? R"({"code":-32603,"message":"The server did not accept the subscription"})" : error);
}

void Peer::settle_watchers(const std::string& error) {
  for (const Ticket ticket : std::exchange(watchers_, {})) {
    UpstreamReply reply{.error = error};
    if (error.empty()) reply.result = "{}";
    hub_.finish(ticket, std::move(reply));
  }
}

bool Peer::took(Message message, Ticket stream) {
  const bool answers = message.kind() == MessageKind::kResult || message.kind() == MessageKind::kError;
  const Ticket ticket = answers ? hub_.ticket_of(message.id()) : 0;
  if (modern_ && message.kind() == MessageKind::kRequest) {
    // It asks with results only; nobody would answer.
    log(LogLevel::kWarn, "upstream_garbage", {{"upstream", shared_->config.name}, {"detail", "a modern server asked"}});
    return false;
  }
  if (modern_ && ticket != 0 && message.kind() == MessageKind::kResult) {
    const SessionHub::Call* call = hub_.find(ticket);
    if (call->request.method == kProbeMethod) shared_->learn_modern(message.result());
    const bool rounds = !call->request.accepts_input_required;
    if (rounds && raw_member(message.result(), "resultType") == R"("input_required")") {
      ask_agent(ticket, message.result());
      return true;
    }
  }
  if (auto reply = hub_.receive(std::move(message), stream, Clock::now())) send_text(std::move(*reply));
  return ticket != 0;
}

void Peer::ask_agent(Ticket ticket, std::string_view result) {
  SessionHub::Call* call = hub_.find(ticket);
  if (!call->round) call->round = std::make_shared<InputRound>();
  const auto round = call->round;  // an answer may come, and end the call, while we still ask
  auto questions = begin_round(*round, result, last_question_);
  if (!questions) return hub_.finish(ticket, broken("the server " + questions.error().message));
  if (questions->empty()) return repeat_later(ticket);
  for (std::string& text : *questions) {
    auto question = Message::parse(std::move(text), shared_->message_limits());
    if (!question) return hub_.finish(ticket, broken("asks what is no request: " + question.error().message));
    auto refusal = hub_.ask(std::move(*question), ticket, Clock::now());
    watch_deadlines();
    if (refusal) {
      if (auto answer = Message::parse(std::move(*refusal))) take_answer(ticket, *answer);
    }
    call = hub_.find(ticket);
    if (call == nullptr || call->round != round) return;
  }
}

void Peer::take_answer(Ticket ticket, const Message& response) {
  SessionHub::Call* call = hub_.find(ticket);
  if (call == nullptr || !call->round) return;
  const auto complete = bursar::broker::take_answer(*call->round, response);
  if (!complete) return hub_.finish(ticket, {.error = complete.error().message, .sent = true});
  if (*complete) repeat(ticket);
}

// With an id of its own: the server may still know the old one.
void Peer::repeat(Ticket ticket) {
  SessionHub::Call* call = hub_.find(ticket);
  call->request.params = repeated_params(*call->round, call->request.params);
  hub_.rename(ticket, ++shared_->last_ticket);
  submit(ticket);
}

void Peer::repeat_later(Ticket ticket) {
  auto timer = std::make_shared<boost::asio::steady_timer>(reactor_.context(), kPacing);
  timer->async_wait([self = shared_from_this(), ticket, timer](boost::system::error_code) {
    if (!self->closed_ && self->hub_.find(ticket) != nullptr) self->repeat(ticket);
  });
}

}  // namespace bursar::broker
