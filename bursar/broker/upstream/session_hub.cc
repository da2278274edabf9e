#include "bursar/broker/upstream/session_hub.h"

#include <algorithm>
#include <charconv>

namespace bursar::broker {
namespace {

constexpr int kInternalError = -32603;
constexpr int kInvalidRequest = -32600;

Ticket number_of(std::string_view raw) {
  Ticket ticket = 0;
  const auto [end, failed] = std::from_chars(raw.data(), raw.data() + raw.size(), ticket);
  return failed == std::errc{} && end == raw.data() + raw.size() ? ticket : 0;
}

}  // namespace

void SessionHub::join(MemberId member, std::shared_ptr<UpstreamEvents> events) {
  members_.insert_or_assign(member, std::move(events));
}

std::vector<Ticket> SessionHub::leave(MemberId member) {
  members_.erase(member);
  std::erase_if(asked_, [member](const auto& entry) { return entry.second.member == member; });
  std::vector<Ticket> running;
  for (const auto& [ticket, call] : calls_) {
    if (call.member == member) running.push_back(ticket);
  }
  return running;
}

std::vector<std::shared_ptr<UpstreamEvents>> SessionHub::all_events() const {
  std::vector<std::shared_ptr<UpstreamEvents>> all;
  for (const auto& [id, events] : members_) {
    if (events) all.push_back(events);
  }
  return all;
}

SessionHub::Call& SessionHub::start(Ticket ticket, Call call, TimePoint now) {
  const Duration allotted = call.request.deadline.count() > 0 ? call.request.deadline : Duration{kDeadlineDefault};
  call.request.deadline = allotted;
  call.deadline = now + allotted;
  call.deadline_last = std::max(call.deadline, now + call.request.deadline_max);
  const std::string_view meta = member(call.request.params, "_meta");
  if (const std::string_view token = member(meta, "progressToken"); !token.empty()) {
    call.token = token;
    const std::string rewritten = with_member(meta, "progressToken", std::to_string(ticket));
    call.request.params = with_member(call.request.params, "_meta", rewritten);
  }
  call.wire = ticket;
  deadlines_.emplace(call.deadline, ticket);
  return calls_.insert_or_assign(ticket, std::move(call)).first->second;
}

SessionHub::Call* SessionHub::find(Ticket ticket) {
  if (const auto renamed = renamed_.find(ticket); renamed != renamed_.end()) ticket = renamed->second;
  const auto found = calls_.find(ticket);
  return found == calls_.end() ? nullptr : &found->second;
}

Ticket SessionHub::ticket_of(std::string_view raw_id) const {
  const Ticket wire = number_of(raw_id);
  if (const auto renamed = renamed_.find(wire); renamed != renamed_.end()) return renamed->second;
  const auto found = calls_.find(wire);
  return found != calls_.end() && found->second.wire == wire ? wire : 0;
}

void SessionHub::rename(Ticket ticket, Ticket wire) {
  const auto found = calls_.find(ticket);
  if (found == calls_.end()) return;
  renamed_.erase(found->second.wire);
  found->second.wire = wire;
  renamed_.emplace(wire, ticket);
}

std::vector<Ticket> SessionHub::tickets() const {
  std::vector<Ticket> all;
  for (const auto& [ticket, call] : calls_) all.push_back(ticket);
  std::sort(all.begin(), all.end());
  return all;
}

void SessionHub::finish(Ticket ticket, UpstreamReply reply) {
  const auto found = calls_.find(ticket);
  if (found == calls_.end()) return;
  const Call call = std::move(found->second);  // out of the table first: done may start the next call
  calls_.erase(found);
  renamed_.erase(call.wire);
  deadlines_.erase({call.deadline, ticket});
  // A server that waits for its question gets the answer all the same; what a round asked has nobody to go to.
  if (call.round) std::erase_if(asked_, [ticket](const auto& entry) { return entry.second.ticket == ticket; });
  reply.sent = reply.sent || call.sent;
  if (call.done) call.done(std::move(reply));
}

std::optional<SessionHub::TimePoint> SessionHub::next_deadline() const {
  return deadlines_.empty() ? std::nullopt : std::optional(deadlines_.begin()->first);
}

std::vector<Ticket> SessionHub::due(TimePoint now) const {
  std::vector<Ticket> due;
  for (auto it = deadlines_.begin(); it != deadlines_.end() && it->first <= now; ++it) due.push_back(it->second);
  return due;
}

std::optional<std::string> SessionHub::receive(Message message, Ticket stream, TimePoint now) {
  switch (message.kind()) {
    case MessageKind::kResult:
    case MessageKind::kError: response(message); return std::nullopt;
    case MessageKind::kRequest:
      if (message.method() == "ping") return make_result(message.id(), "{}");
      return question(std::move(message), stream, now);
    case MessageKind::kNotification: break;
  }
  if (message.method() == "notifications/progress") {
    progress(message, now);
  } else if (message.method() == "notifications/cancelled") {
    server_cancelled(std::move(message), now);
  } else {
    notification(std::move(message), stream);
  }
  return std::nullopt;
}

// A response that nobody waits for is a late one: its call timed out or was cancelled.
void SessionHub::response(const Message& message) {
  UpstreamReply reply{.sent = true};
  reply.result = message.result();
  reply.error = message.error();
  finish(ticket_of(message.id()), std::move(reply));
}

void SessionHub::progress(const Message& message, TimePoint now) {
  const Ticket ticket = number_of(message.progress_token());  // the token stays when the id on the wire changes
  Call* call = find(ticket);
  if (call == nullptr) return;
  const TimePoint extended = std::min(now + call->request.deadline, call->deadline_last);
  if (extended > call->deadline && call->questions == 0) arm(ticket, *call, extended);
  if (!call->sink || call->token.empty()) return;
  const std::string params = with_member(message.params(), "progressToken", call->token);
  const RequestSink sink = call->sink;
  if (auto restored = Message::parse(message.with({.params = params}), limits_)) sink(std::move(*restored));
}

void SessionHub::arm(Ticket ticket, Call& call, TimePoint deadline) {
  deadlines_.erase({call.deadline, ticket});
  call.deadline = deadline;
  deadlines_.emplace(deadline, ticket);
}

void SessionHub::stop_clock(Ticket ticket, TimePoint now) {
  const auto found = calls_.find(ticket);
  if (found == calls_.end() || found->second.questions++ > 0) return;
  Call& call = found->second;
  call.asked_at = now;
  call.left = call.deadline - now;
  call.left_last = call.deadline_last - now;
  arm(ticket, call, now + call.answer_time);
}

void SessionHub::start_clock(Ticket ticket, TimePoint now) {
  const auto found = calls_.find(ticket);
  if (found == calls_.end() || found->second.questions == 0 || --found->second.questions > 0) return;
  Call& call = found->second;
  call.answer_time -= std::min(call.answer_time, now - call.asked_at);
  call.deadline_last = now + call.left_last;
  arm(ticket, call, now + call.left);
}

void SessionHub::forget_questions(TimePoint now) {
  for (const auto& [id, asked] : std::exchange(asked_, {})) start_clock(asked.ticket, now);
}

void SessionHub::server_cancelled(Message message, TimePoint now) {
  const auto asked = asked_.find(member(message.params(), "requestId"));
  if (asked == asked_.end()) return;
  const auto who = members_.find(asked->second.member);
  start_clock(asked->second.ticket, now);
  asked_.erase(asked);
  if (who == members_.end() || !who->second) return;
  const auto events = who->second;
  events->on_notification(std::move(message));
}

SessionHub::Call* SessionHub::call_for(Ticket stream) {
  if (stream != 0) return find(stream);
  return calls_.size() == 1 ? &calls_.begin()->second : nullptr;
}

// What a list or a resource became concerns everybody, on whatever stream it came. A log line belongs to the call that
// it came with, where that is clear.
void SessionHub::notification(Message message, Ticket stream) {
  const std::string_view method = message.method();
  const bool common = method.ends_with("/list_changed") || method == "notifications/resources/updated";
  const bool bound = !common && (stream != 0 || method == "notifications/message");
  if (Call* call = bound ? call_for(stream) : nullptr; call != nullptr && call->sink) {
    const RequestSink sink = call->sink;
    sink(std::move(message));
    return;
  }
  for (const auto& events : all_events()) events->on_notification(message);
}

std::optional<std::string> SessionHub::question(Message message, Ticket stream, TimePoint now) {
  const Call* call = call_for(stream);
  const Ticket ticket = call == nullptr ? 0 : ticket_of(std::to_string(call->wire));
  if (call == nullptr && members_.size() != 1) {
    return make_error(message.id(), kInternalError,
                      "This server is shared by several agents and it is not clear whom it asks; configure it with "
                      "isolation: session");
  }
  return ask(std::move(message), ticket, now);
}

std::optional<std::string> SessionHub::ask(Message message, Ticket ticket, TimePoint now) {
  const Call* call = ticket == 0 ? nullptr : find(ticket);
  if (call == nullptr && members_.empty()) return make_error(message.id(), kInternalError, "Nobody is there to answer");
  const MemberId asked = call != nullptr ? call->member : members_.begin()->first;
  if (asked_.size() >= kAskedMax) return make_error(message.id(), kInternalError, "Too many unanswered requests");
  if (!asked_.emplace(message.id(), Asked{asked, ticket}).second)
    return make_error(message.id(), kInvalidRequest, "This id is in use");
  const auto who = members_.find(asked);
  const bool sinks = call != nullptr && call->sink;
  if (!sinks && (who == members_.end() || !who->second)) {
    asked_.erase(std::string(message.id()));
    return make_error(message.id(), kInternalError, "Nobody is there to answer");
  }
  stop_clock(ticket, now);
  if (sinks) {
    const RequestSink sink = call->sink;
    sink(std::move(message));
  } else {
    const auto events = who->second;
    events->on_request(std::move(message));
  }
  return std::nullopt;
}

std::optional<SessionHub::Answer> SessionHub::answer(MemberId member_id, std::string response, TimePoint now) {
  auto message = Message::parse(std::move(response), limits_);
  if (!message) return std::nullopt;
  if (message->kind() != MessageKind::kResult && message->kind() != MessageKind::kError) return std::nullopt;
  const auto asked = asked_.find(message->id());
  if (asked == asked_.end() || asked->second.member != member_id) return std::nullopt;
  const Ticket ticket = asked->second.ticket;
  asked_.erase(asked);
  start_clock(ticket, now);
  return Answer{.message = std::move(*message), .ticket = ticket};
}

}  // namespace bursar::broker
