#include "bursar/broker/upstream/peer.h"

#include <algorithm>
#include <utility>

#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/broker/upstream/legacy.h"
#include "bursar/broker/upstream/modern.h"

namespace bursar::broker {
namespace {

using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr Duration kHttpIdle = std::chrono::minutes{1};

}  // namespace

void PeerShared::learn(std::string_view result) {
  const std::scoped_lock lock(mutex);
  era = Era::kLegacy;
  learned.up = true;
  learned.era = Era::kLegacy;
  learned.protocol_version = accepted_version(result);
  learned.server_info = member(result, "serverInfo");
  learned.capabilities = member(result, "capabilities");
  learned.instructions = member(result, "instructions");
  learned.last_error.clear();
}

void PeerShared::learn_modern(std::string_view result) {
  const std::scoped_lock lock(mutex);
  era = Era::kModern;
  learned.up = true;
  learned.era = Era::kModern;
  learned.protocol_version = kModernVersion;
  const std::string_view info = raw_member(raw_member(result, "_meta"), kMetaServerInfo);
  learned.server_info = info.empty() ? raw_member(result, "serverInfo") : info;
  learned.capabilities = raw_member(result, "capabilities");
  learned.instructions = raw_member(result, "instructions");
  learned.last_error.clear();
}

std::optional<Era> PeerShared::era_known() {
  if (config.era == EraChoice::kLegacy) return Era::kLegacy;
  const std::scoped_lock lock(mutex);
  return era;
}

void PeerShared::forget_era() {
  const std::scoped_lock lock(mutex);
  era.reset();
}

void PeerShared::note_error(const std::string& text) {
  const std::scoped_lock lock(mutex);
  learned.last_error = text;
  if (running == 0) learned.up = false;
}

UpstreamStatus PeerShared::status() {
  UpstreamStatus status;
  {
    const std::scoped_lock lock(mutex);
    status = learned;
  }
  status.name = config.name;
  status.sessions = sessions;
  status.children = running;
  status.restarts = restarts;
  status.in_flight = in_flight;
  return status;
}

Peer::Peer(Reactor& reactor, std::shared_ptr<PeerShared> shared, OpenSession first)
    : reactor_(reactor),
      shared_(std::move(shared)),
      capabilities_(std::move(first.capabilities)),
      client_info_(std::move(first.client_info)),
      hub_(shared_->message_limits()),
      deadline_timer_(reactor.context()),
      idle_timer_(reactor.context()) {}

void Peer::join(SessionHub::MemberId member, const OpenSession& open) {
  if (closed_) {
    if (open.events) open.events->on_closed("the upstream was closed");
    return;
  }
  idle_timer_.cancel();
  hub_.join(member, open.events);
  side_.join(member, open.capabilities, open.client_info);
  if (modern_ && open.events) listen();
}

void Peer::leave(SessionHub::MemberId member) {
  for (const Ticket ticket : hub_.leave(member)) abandon(ticket, Cause::kCancelled, "the agent's session ended");
  if (side_.leave(member) && modern_ && !closed_) listen();
  if (hub_.members() == 0 && !closed_) watch_idle();
}

void Peer::request(Ticket ticket, SessionHub::Call call) {
  if (closed_) {
    return reactor_.post(
        [done = std::move(call.done)] { done({.failure = Cause::kShutdown, .detail = "the upstream was closed"}); });
  }
  hub_.start(ticket, std::move(call), Clock::now());
  watch_deadlines();
  submit(ticket);
}

// A modern server has no use for what clients used to announce.
void Peer::notify(const std::string& method, const std::string& params) {
  if (!closed_ && !modern_) send_notification(make_notification(method, params));
}

void Peer::respond(SessionHub::MemberId member, std::string message) {
  if (closed_) return;
  auto answer = hub_.answer(member, std::move(message), Clock::now());
  if (!answer) return;
  watch_deadlines();
  if (modern_) return take_answer(answer->ticket, answer->message);
  send_text(std::string(answer->message.text()));
}

void Peer::abandon(Ticket ticket, Cause cause, const std::string& reason) {
  const SessionHub::Call* call = hub_.find(ticket);
  if (call == nullptr) return;
  if (call->sent && !cancels_by_closing()) {
    send_text(make_notification("notifications/cancelled", cancelled_params(std::to_string(call->wire), reason)));
  }
  drop(ticket);
  hub_.finish(ticket, {.failure = cause, .detail = reason});
}

// Tickets first: what a callback starts anew must not fail with the old ones.
void Peer::fail_all(Cause cause, const std::string& detail, std::optional<std::chrono::milliseconds> retry_after) {
  for (const Ticket ticket : hub_.tickets()) {
    hub_.finish(ticket, {.failure = cause, .detail = detail, .retry_after = retry_after});
  }
}

// One timer for all calls. It stays where it is when later deadlines come, and is set anew when it fires.
void Peer::watch_deadlines() {
  const auto next = hub_.next_deadline();
  if (!next || closed_ || (armed_ && *armed_ <= *next)) return;
  armed_ = next;
  deadline_timer_.expires_at(*next);
  deadline_timer_.async_wait([self = shared_from_this()](error_code cancelled) {
    if (cancelled) return;
    self->armed_.reset();
    for (const Ticket ticket : self->hub_.due(Clock::now())) {
      const auto* call = self->hub_.find(ticket);
      if (call == nullptr) continue;
      if (call->questions > 0) {
        self->abandon(ticket, Cause::kCancelled, "the agent did not answer what the server asked");
        continue;
      }
      const bool sent = call->sent;
      self->abandon(ticket, sent ? Cause::kTimeout : Cause::kStarting,
                    sent ? "deadline" : "the upstream was still starting");
    }
    self->watch_deadlines();
  });
}

// A peer that nobody holds is kept for a while, except where nobody else may ever use it. A child is dear to start; a
// session over HTTP is not, and holds a connection for what the server may say.
void Peer::watch_idle() {
  const UpstreamConfig& config = shared_->config;
  const Duration kept = config.url.empty() ? config.child_idle : std::min(config.child_idle, kHttpIdle);
  idle_timer_.expires_after(config.isolation == Isolation::kSession ? Duration{0} : kept);
  idle_timer_.async_wait([self = shared_from_this()](error_code cancelled) {
    if (cancelled || self->hub_.members() > 0) return;
    {
      const std::scoped_lock lock(self->shared_->mutex);
      const auto share = self->shared_->shares.find(self.get());
      if (share != self->shared_->shares.end() && share->second > 0) return;  // somebody is on the way in
      self->shared_->shares.erase(self.get());
      std::erase_if(self->shared_->peers, [&](const auto& entry) { return entry.second == self; });
    }
    self->stop("idle");
  });
}

void Peer::stop(const std::string& reason) {
  if (std::exchange(closed_, true)) return;
  deadline_timer_.cancel();
  idle_timer_.cancel();
  shut();
  fail_all(Cause::kShutdown, "stopped: " + reason);
  for (const auto& events : hub_.all_events()) events->on_closed(reason);
}

}  // namespace bursar::broker
