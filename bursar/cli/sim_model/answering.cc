#include "bursar/cli/sim_model/answering.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>

#include "bursar/broker/http/abort.h"

namespace bursar::cli {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr Milliseconds kSlow{333};
constexpr std::size_t kAtOnce = 64;  // events that are written together where tokens take no time

class Run : public std::enable_shared_from_this<Run> {
 public:
  explicit Run(Answering answering)
      : a_(std::move(answering)), timer_(a_.exchange->reactor().context()), break_at_(std::string::npos) {}

  void begin() {
    // The client left, or the connection was broken off: whatever was computed stays computed.
    a_.exchange->on_closed([call = a_.call, weak = weak_from_this()] {
      call->broken();
      if (const auto self = weak.lock()) self->timer_.cancel();
    });
    const double scale = a_.latency_scale;
    const Milliseconds slow = a_.fault.kind == Fault::kSlow ? kSlow : Milliseconds{0};
    if (a_.asked.stream) return after(slow + Milliseconds{scale * a_.reply.first_token_ms}, &Run::begin_stream);
    std::size_t longest = 0;
    for (const auto& choice : a_.reply.choices) longest = std::max(longest, choice.tokens.size());
    const double whole = a_.reply.first_token_ms + a_.reply.token_ms * static_cast<double>(longest);
    a_.call->computed(a_.reply.usage.completion_tokens);
    after(slow + Milliseconds{scale * whole}, &Run::answer);
  }

 private:
  void after(Milliseconds wait, void (Run::*then)()) {
    if (wait.count() <= 0) return (this->*then)();
    timer_.expires_after(std::chrono::duration_cast<std::chrono::nanoseconds>(wait));
    timer_.async_wait([self = shared_from_this(), then](const boost::system::error_code& error) {
      if (!error) (self.get()->*then)();
    });
  }

  void answer() {
    const std::string body = whole_answer(a_.asked, a_.reply, a_.labels);
    switch (a_.fault.kind) {
      case Fault::kDrop: return abort_connection(*a_.exchange);
      case Fault::kStall: return;  // until the client leaves
      case Fault::kHalf:
        a_.exchange->stream({}, "");
        a_.exchange->write(body.substr(0, body.size() / 2));
        return a_.exchange->when_taken([exchange = a_.exchange] { abort_connection(*exchange); });
      default: break;
    }
    a_.call->whole();
    a_.exchange->answer({.body = body});
  }

  void begin_stream() {
    if (a_.fault.kind == Fault::kDrop) return abort_connection(*a_.exchange);
    events_ = stream_events(a_.asked, a_.reply, a_.labels);
    if (a_.fault.kind == Fault::kHalf || a_.fault.kind == Fault::kStall) break_at_ = events_.size() / 2;
    a_.exchange->stream({.content_type = "text/event-stream", .headers = {{"cache-control", "no-cache"}}}, "");
    go_on();
  }

  // The next events, and then again.
  void go_on() {
    const double pause = a_.latency_scale * a_.reply.token_ms;
    const std::size_t end = std::min({next_ + (pause > 0 ? 1 : kAtOnce), events_.size(), break_at_});
    std::string piece;
    for (; next_ < end; ++next_) {
      piece += events_[next_].text;
      tokens_ += events_[next_].tokens;
    }
    if (next_ == break_at_) return break_off(std::move(piece));
    a_.call->computed(tokens_);
    const bool over = next_ == events_.size();
    a_.exchange->write(std::move(piece));
    if (over) {
      a_.call->whole();
      return a_.exchange->finish();
    }
    a_.exchange->when_taken([self = shared_from_this(), pause] { self->after(Milliseconds{pause}, &Run::go_on); });
  }

  void break_off(std::string piece) {
    if (a_.fault.kind == Fault::kHalf) {
      const StreamEvent& event = events_[next_];
      piece += event.text.substr(0, event.text.size() / 2);
      tokens_ += event.tokens;
    }
    a_.call->computed(tokens_);
    a_.exchange->write(std::move(piece));
    if (a_.fault.kind == Fault::kStall) return;
    a_.exchange->when_taken([exchange = a_.exchange] { abort_connection(*exchange); });
  }

  Answering a_;
  boost::asio::steady_timer timer_;
  std::vector<StreamEvent> events_;
  std::size_t next_ = 0, break_at_;
  std::int64_t tokens_ = 0;
};

}  // namespace

void answer_call(Answering answering) { std::make_shared<Run>(std::move(answering))->begin(); }

}  // namespace bursar::cli
