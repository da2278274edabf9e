#include "bursar/broker/upstream/stdio_upstream.h"

#include <utility>

#include "bursar/broker/upstream/stdio_child.h"

namespace bursar::broker {
namespace {

class StdioSession final : public UpstreamSession {
 public:
  StdioSession(std::shared_ptr<StdioShared> shared, std::shared_ptr<StdioChild> child, SessionHub::MemberId member)
      : shared_(std::move(shared)), child_(std::move(child)), member_(member) {
    shared_->sessions += 1;
  }

  ~StdioSession() override {
    shared_->sessions -= 1;
    {
      const std::scoped_lock lock(shared_->mutex);
      const auto share = shared_->shares.find(child_.get());
      if (share != shared_->shares.end() && share->second > 0) share->second -= 1;
    }
    child_->reactor().post([child = child_, member = member_] { child->leave(member); });
  }

  Ticket request(UpstreamRequest request, RequestSink sink, RequestDone done) override {
    const Ticket ticket = ++shared_->last_ticket;
    if (shared_->in_flight.fetch_add(1) >= shared_->config.max_concurrent) {
      shared_->in_flight -= 1;
      child_->reactor().post([done = std::move(done)] {
        done({.failure = Cause::kConcurrency, .detail = "max_concurrent calls are in flight"});
      });
      return ticket;
    }
    SessionHub::Call call{.member = member_, .request = std::move(request), .sink = std::move(sink)};
    call.done = [shared = shared_, done = std::move(done)](UpstreamReply reply) {
      shared->in_flight -= 1;
      done(std::move(reply));
    };
    child_->reactor().post(
        [child = child_, ticket, call = std::move(call)]() mutable { child->request(ticket, std::move(call)); });
    return ticket;
  }

  void cancel(Ticket ticket, std::string_view reason) override {
    child_->reactor().post([child = child_, ticket, reason = std::string(reason)] { child->cancel(ticket, reason); });
  }

  void notify(std::string method, std::string params) override {
    child_->reactor().post(
        [child = child_, method = std::move(method), params = std::move(params)] { child->notify(method, params); });
  }

  void respond(std::string message) override {
    child_->reactor().post([child = child_, member = member_, message = std::move(message)]() mutable {
      child->respond(member, std::move(message));
    });
  }

 private:
  std::shared_ptr<StdioShared> shared_;
  std::shared_ptr<StdioChild> child_;
  SessionHub::MemberId member_;
};

class StdioUpstream final : public Upstream {
 public:
  StdioUpstream(const UpstreamConfig& config, Reactor& reactor, const UpstreamLimits& limits)
      : reactor_(reactor), shared_(std::make_shared<StdioShared>()) {
    shared_->config = config;
    shared_->limits = limits;
  }

  ~StdioUpstream() override { end(); }

  Result<std::shared_ptr<UpstreamSession>> open(OpenSession open) override {
    const SessionHub::MemberId member = ++shared_->last_member;
    std::string key;
    if (shared_->config.isolation == Isolation::kPrincipal) key = "principal " + open.key;
    if (shared_->config.isolation == Isolation::kSession) key = "session " + std::to_string(member);
    auto events = open.events;
    auto child = share_child(key, std::move(open));
    if (!child) return tl::unexpected(child.error());
    reactor_.post([child = *child, member, events = std::move(events)] { child->join(member, events); });
    return std::make_shared<StdioSession>(shared_, *child, member);
  }

  UpstreamStatus status() const override {
    UpstreamStatus status;
    {
      const std::scoped_lock lock(shared_->mutex);
      status = shared_->learned;
    }
    status.name = shared_->config.name;
    status.sessions = shared_->sessions;
    status.children = shared_->running;
    status.restarts = shared_->restarts;
    status.in_flight = shared_->in_flight;
    return status;
  }

  void probe(std::function<void(Result<UpstreamStatus>)> done) override {
    auto session = open({.key = std::string("probe\0", 6)});
    if (!session) {
      return reactor_.post([done = std::move(done), error = session.error()] { done(tl::unexpected(error)); });
    }
    // The session lives until its ping is answered.
    (*session)->request({.method = "ping", .deadline = shared_->config.start_timeout}, nullptr,
                        [shared = shared_, session = *session, done = std::move(done)](const UpstreamReply& reply) {
                          UpstreamStatus status;
                          {
                            const std::scoped_lock lock(shared->mutex);
                            status = shared->learned;
                          }
                          status.name = shared->config.name;
                          if (!reply.failure) return done(status);
                          done(fail(ErrorCode::kUnavailable, shared->config.name + ": " + reply.detail, true));
                        });
  }

  void close() override { end(); }

 private:
  Result<std::shared_ptr<StdioChild>> share_child(const std::string& key, OpenSession first) {
    const std::scoped_lock lock(shared_->mutex);
    if (shared_->closed) return fail(ErrorCode::kCancelled, shared_->config.name + " was closed");
    auto found = shared_->children.find(key);
    if (found == shared_->children.end()) {
      if (shared_->children.size() >= shared_->config.max_children && !evict()) {
        return fail(ErrorCode::kExhausted,
                    shared_->config.name + ": max_children (" + std::to_string(shared_->config.max_children) +
                        ") are in use; raise it, or share children by isolation",
                    true);
      }
      found = shared_->children.emplace(key, std::make_shared<StdioChild>(reactor_, shared_, std::move(first))).first;
    }
    shared_->shares[found->second.get()] += 1;
    return found->second;
  }

  // Makes room by stopping a child that nobody holds. The lock is held.
  bool evict() {
    for (auto it = shared_->children.begin(); it != shared_->children.end(); ++it) {
      if (shared_->shares[it->second.get()] > 0) continue;
      reactor_.post([child = it->second] { child->stop("made room for another", Cause::kShutdown); });
      shared_->shares.erase(it->second.get());
      shared_->children.erase(it);
      return true;
    }
    return false;
  }

  void end() {
    std::map<std::string, std::shared_ptr<StdioChild>> children;
    {
      const std::scoped_lock lock(shared_->mutex);
      shared_->closed = true;
      children.swap(shared_->children);
      shared_->shares.clear();
    }
    for (auto& [key, child] : children) {
      reactor_.post([child] { child->stop("the upstream was closed", Cause::kShutdown); });
    }
  }

  Reactor& reactor_;
  std::shared_ptr<StdioShared> shared_;
};

}  // namespace

std::shared_ptr<Upstream> make_stdio_upstream(const UpstreamConfig& config, Reactor& reactor,
                                              const UpstreamLimits& limits) {
  return std::make_shared<StdioUpstream>(config, reactor, limits);
}

}  // namespace bursar::broker
