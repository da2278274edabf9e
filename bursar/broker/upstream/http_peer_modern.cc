// The side of an HTTP peer that only servers of 2026-07-28 see: discovery, headers, subscriptions.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/broker/upstream/http_peer.h"
#include "bursar/broker/upstream/http_status.h"
#include "bursar/broker/upstream/modern.h"

namespace bursar::broker {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr milliseconds kRetryFirst{500}, kRetryMax{30'000};
constexpr int kPagesMax = 64;  // of tools/list
constexpr std::size_t kRefusalBytesMax = 64 << 10;

}  // namespace

// Whether the server is modern and up (true), or we cannot go on with it (false, start_failure_ says why); absent where
// it is to be taken for a legacy server.
awaitable<std::optional<bool>> HttpPeer::discover() {
  for (int tries = 0;; ++tries) {
    speak(Era::kModern, {});
    UpstreamReply reply = co_await shake_hands(
        std::string(kProbeMethod), modern_params({}, {.capabilities = capabilities_, .client_info = client_info_}));
    if (closed()) co_return false;
    switch (judge_probe(reply)) {
      case ProbeVerdict::kModern:
        start_failure_ = {};
        shared_->learn_modern(reply.result);
        speak(Era::kModern, raw_member(reply.result, "capabilities"));
        co_return true;
      case ProbeVerdict::kAgain:
        if (tries == 0) continue;
        [[fallthrough]];
      case ProbeVerdict::kUnsupported:
        start_failure_ = {.failure = Cause::kUpstreamProtocol, .detail = "speaks protocol versions that we do not"};
        co_return false;
      case ProbeVerdict::kLegacy:
        if (shared_->config.era != EraChoice::kModern) co_return std::nullopt;
        start_failure_ = {.failure = Cause::kUpstreamProtocol,
                          .detail = "does not speak " + std::string(kModernVersion) + ", as `era` demands"};
        co_return false;
      case ProbeVerdict::kFailed: break;
    }
    start_failure_ = std::move(reply);
    if (!start_failure_.failure) start_failure_.failure = Cause::kUpstreamProtocol;
    co_return false;
  }
}

bool HttpPeer::changed_era(const Outcome& outcome, std::uint64_t epoch) {
  if (shared_->config.era != EraChoice::kAuto) return false;
  const bool changed = modern() ? contradicts_modern(outcome.reply) : contradicts_legacy(outcome.reply);
  if (!changed) return false;
  shared_->forget_era();
  lose_session(epoch);
  return true;
}

Message HttpPeer::without_wrong_tools(Message message) {
  std::vector<std::string> refused;
  const auto kept = shared_->tool_headers.learn(message.result(), refused);
  for (const std::string& why : refused) {
    log(LogLevel::kWarn, "upstream_tool_refused", {{"upstream", shared_->config.name}, {"detail", why}});
  }
  if (!kept) return message;
  auto changed = Message::parse(make_result(message.id(), *kept), shared_->message_limits());
  return changed ? std::move(*changed) : std::move(message);
}

// Asks for the tools, because the headers of a call did not fit what they now demand.
awaitable<void> HttpPeer::learn_tools(std::string params) {
  const std::string meta(raw_member(params, "_meta"));
  std::string cursor;
  for (int page = 0; page < kPagesMax; ++page) {
    const Ticket key = ++shared_->last_ticket;
    std::string asked = "{\"_meta\":" + meta + (cursor.empty() ? "" : ",\"cursor\":" + cursor) + "}";
    Exchange exchange{.key = key, .text = make_request(std::to_string(key), "tools/list", asked)};
    exchange.headers = modern_headers("tools/list", asked);
    cursor.clear();
    exchange.on_message = [&](Message message) {
      if (message.id() != std::to_string(key)) return false;
      std::vector<std::string> refused;
      (void)shared_->tool_headers.learn(message.result(), refused);
      cursor = raw_member(message.result(), "nextCursor");
      return true;
    };
    ours_.insert(key);
    const Outcome outcome = co_await converse(std::move(exchange));
    ours_.erase(key);
    carrying_.erase(key);
    if (!outcome.answered || !cursor.starts_with('"')) co_return;
  }
}

// --- Subscriptions
// ------------------------------------------------------------------------------------------------------

void HttpPeer::stop_listening(std::uint64_t before) {
  for (const auto& [generation, link] : subscriptions_) {
    if (generation < before) link->close();
  }
}

void HttpPeer::listen() {
  if (state_ != State::kUp || closed()) return;
  const std::string params = hub_.all_events().empty() ? std::string() : side_.listen_params();
  if (params == listen_params_ && !params.empty()) {
    if (acknowledged_ == generation_) listening();
    return;
  }
  listen_params_ = params;
  generation_ += 1;
  if (params.empty()) {
    acknowledged_ = generation_;
    stop_listening(generation_);
    return listening();
  }
  asio::co_spawn(reactor_.context(), subscribe(self<HttpPeer>(), generation_), asio::detached);
}

// Holds one stream open, until another generation takes its place. The stream before goes on until this one is
// acknowledged, so that nothing is missed between the two.
awaitable<void> HttpPeer::subscribe(std::shared_ptr<HttpPeer> self, std::uint64_t generation) {
  const auto current = [&] {
    return !self->closed() && self->state_ == State::kUp && self->modern() && self->generation_ == generation;
  };
  milliseconds back_off = kRetryFirst;
  while (current()) {
    const Ticket id = ++self->shared_->last_ticket;
    const std::string params =
        modern_params(self->listen_params_, {.capabilities = self->capabilities_, .client_info = self->client_info_});
    const std::string text = make_request(std::to_string(id), "subscriptions/listen", params);
    HttpPool::Acquired acquired = co_await self->pool_->acquire();
    if (!current()) {
      if (acquired.link) self->pool_->release(acquired.link);
      break;
    }
    if (acquired.link) {
      const LinkPtr link = acquired.link;
      self->subscriptions_[generation] = link;
      const std::string request_head = self->head("POST", text.size(), modern_headers("subscriptions/listen", params));
      error_code failed = co_await link->send(request_head, text);
      if (!failed) failed = co_await link->read_head(self->shared_->limits.header_bytes);
      Outcome outcome;
      if (!failed) {
        outcome = co_await self->take_answer(
            link, id, [&](Message message) { return self->heard(std::move(message), id, generation); });
      } else {
        link->close();
      }
      self->subscriptions_.erase(generation);
      if (self->acknowledged_ == generation) back_off = kRetryFirst;
      const bool refused = !outcome.answered && outcome.reply.http_status >= 400 && outcome.reply.http_status < 500 &&
                           outcome.reply.http_status != 408 && outcome.reply.http_status != 429;
      if (refused && current()) {
        self->listen_params_.clear();
        self->listen_failed(outcome.reply.error);
        break;
      }
    }
    if (!current()) break;
    co_await self->pause(back_off);
    back_off = std::min(back_off * 2, kRetryMax);
  }
}

// A message of a subscription; true at its end.
bool HttpPeer::heard(Message message, Ticket id, std::uint64_t generation) {
  const bool answer = message.kind() == MessageKind::kResult || message.kind() == MessageKind::kError;
  if (answer && message.id() != std::to_string(id)) return false;
  if (message.kind() == MessageKind::kError && generation == generation_) {
    listen_params_.clear();
    generation_ += 1;  // refused: no further try
    listen_failed(std::string(message.error()));
  }
  if (answer) return true;
  if (message.kind() != MessageKind::kNotification) return false;
  if (message.method() == "notifications/subscriptions/acknowledged") {
    if (generation != generation_) return false;
    acknowledged_ = generation;
    stop_listening(generation);
    listening();
    return false;
  }
  hear(std::move(message));
  return false;
}

}  // namespace bursar::broker
