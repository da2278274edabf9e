#include "bursar/broker/upstream/session_hub.h"

#include <algorithm>
#include <charconv>

namespace bursar::broker {
namespace {

constexpr int kInternalError = -32603;
constexpr int kInvalidRequest = -32600;

Ticket ticket_of(std::string_view raw) {
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
  std::erase_if(asked_, [member](const auto& entry) { return entry.second == member; });
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
  deadlines_.emplace(call.deadline, ticket);
  return calls_.insert_or_assign(ticket, std::move(call)).first->second;
}

std::string SessionHub::wire_text(Ticket ticket, const Call& call) {
  return make_request(std::to_string(ticket), call.request.method, call.request.params);
}

SessionHub::Call* SessionHub::find(Ticket ticket) {
  const auto found = calls_.find(ticket);
  return found == calls_.end() ? nullptr : &found->second;
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
  deadlines_.erase({call.deadline, ticket});
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
      return question(std::move(message), stream);
    case MessageKind::kNotification: break;
  }
  if (message.method() == "notifications/progress") {
    progress(message, now);
  } else if (message.method() == "notifications/cancelled") {
    server_cancelled(std::move(message));
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
  const Ticket ticket = ticket_of(message.progress_token());
  Call* call = find(ticket);
  if (call == nullptr) return;
  const TimePoint extended = std::min(now + call->request.deadline, call->deadline_last);
  if (extended > call->deadline) {
    deadlines_.erase({call->deadline, ticket});
    call->deadline = extended;
    deadlines_.emplace(extended, ticket);
  }
  if (!call->sink || call->token.empty()) return;
  const std::string params = with_member(message.params(), "progressToken", call->token);
  const RequestSink sink = call->sink;
  if (auto restored = Message::parse(message.with({.params = params}), limits_)) sink(std::move(*restored));
}

void SessionHub::server_cancelled(Message message) {
  const auto asked = asked_.find(member(message.params(), "requestId"));
  if (asked == asked_.end()) return;
  const auto who = members_.find(asked->second);
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

std::optional<std::string> SessionHub::question(Message message, Ticket stream) {
  Call* call = call_for(stream);
  const bool one_member = members_.size() == 1;
  if (call == nullptr && !one_member) {
    return make_error(message.id(), kInternalError,
                      "This server is shared by several agents and it is not clear whom it asks; configure it with "
                      "isolation: session");
  }
  const MemberId asked = call != nullptr ? call->member : members_.begin()->first;
  if (asked_.size() >= kAskedMax) return make_error(message.id(), kInternalError, "Too many unanswered requests");
  if (!asked_.emplace(message.id(), asked).second)
    return make_error(message.id(), kInvalidRequest, "This id is in use");
  if (call != nullptr && call->sink) {
    const RequestSink sink = call->sink;
    sink(std::move(message));
    return std::nullopt;
  }
  const auto who = members_.find(asked);
  if (who == members_.end() || !who->second) {
    asked_.erase(std::string(message.id()));
    return make_error(message.id(), kInternalError, "Nobody is there to answer");
  }
  const auto events = who->second;
  events->on_request(std::move(message));
  return std::nullopt;
}

std::optional<std::string> SessionHub::answer(MemberId member_id, std::string response) {
  auto message = Message::parse(std::move(response), limits_);
  if (!message) return std::nullopt;
  if (message->kind() != MessageKind::kResult && message->kind() != MessageKind::kError) return std::nullopt;
  const auto asked = asked_.find(message->id());
  if (asked == asked_.end() || asked->second != member_id) return std::nullopt;
  asked_.erase(asked);
  return std::string(message->text());
}

}  // namespace bursar::broker
