#include <utility>

#include "bursar/broker/upstream/modern.h"
#include "bursar/broker/upstream/peer.h"

namespace bursar::broker {
namespace {

// Runs at once on the reactor's own thread, so that a call that stays on its thread costs no queue.
template <class Action>
void enter(Reactor& reactor, Action action) {
  if (reactor.on_this_thread()) {
    action();
  } else {
    reactor.post(std::move(action));
  }
}

// std::function wants what it holds to be copyable.
struct SharedCall {
  std::shared_ptr<Peer> peer;
  Ticket ticket;
  std::shared_ptr<SessionHub::Call> call;
  void operator()() const { peer->request(ticket, std::move(*call)); }
};

class PeerSession final : public UpstreamSession {
 public:
  PeerSession(std::shared_ptr<PeerShared> shared, std::shared_ptr<Peer> peer, SessionHub::MemberId member)
      : shared_(std::move(shared)), peer_(std::move(peer)), member_(member) {
    shared_->sessions += 1;
  }

  // Always later: the last owner may let go of us inside a callback of the peer.
  ~PeerSession() override {
    shared_->sessions -= 1;
    {
      const std::scoped_lock lock(shared_->mutex);
      const auto share = shared_->shares.find(peer_.get());
      if (share != shared_->shares.end() && share->second > 0) share->second -= 1;
    }
    peer_->reactor().post([peer = peer_, member = member_] { peer->leave(member); });
  }

  Ticket request(UpstreamRequest request, RequestSink sink, RequestDone done) override {
    const Ticket ticket = ++shared_->last_ticket;
    if (shared_->in_flight.fetch_add(1) >= shared_->config.max_concurrent) {
      shared_->in_flight -= 1;
      peer_->reactor().post([done = std::move(done)] {
        done({.failure = Cause::kConcurrency, .detail = "max_concurrent calls are in flight"});
      });
      return ticket;
    }
    SessionHub::Call call{.member = member_, .request = std::move(request), .sink = std::move(sink)};
    call.done = [shared = shared_, done = std::move(done)](UpstreamReply reply) {
      shared->in_flight -= 1;
      done(std::move(reply));
    };
    if (peer_->reactor().on_this_thread()) {
      peer_->request(ticket, std::move(call));
    } else {
      peer_->reactor().post(SharedCall{peer_, ticket, std::make_shared<SessionHub::Call>(std::move(call))});
    }
    return ticket;
  }

  // Later even on the reactor's thread: `done` must not run inside cancel() of a caller that holds its own lock.
  void cancel(Ticket ticket, std::string_view reason) override {
    peer_->reactor().post([peer = peer_, ticket, reason = std::string(reason)] { peer->cancel(ticket, reason); });
  }

  void notify(std::string method, std::string params) override {
    enter(peer_->reactor(),
          [peer = peer_, method = std::move(method), params = std::move(params)] { peer->notify(method, params); });
  }

  void respond(std::string message) override {
    enter(peer_->reactor(),
          [peer = peer_, member = member_, message = std::move(message)] { peer->respond(member, message); });
  }

 private:
  std::shared_ptr<PeerShared> shared_;
  std::shared_ptr<Peer> peer_;
  SessionHub::MemberId member_;
};

class PeerPool final : public Upstream {
 public:
  PeerPool(const UpstreamConfig& config, Reactors& reactors, const UpstreamLimits& limits, PeerPoolOptions options,
           MakePeer make)
      : reactors_(reactors), options_(options), make_(std::move(make)), shared_(std::make_shared<PeerShared>()) {
    shared_->config = config;
    shared_->limits = limits;
  }

  ~PeerPool() override { end(); }

  Result<std::shared_ptr<UpstreamSession>> open(OpenSession open) override {
    const SessionHub::MemberId member = ++shared_->last_member;
    const Place place = key_of(open, member);
    auto peer = share_peer(place, open);
    if (!peer) return tl::unexpected(peer.error());
    enter((*peer)->reactor(), [peer = *peer, member, open = std::move(open)] { peer->join(member, open); });
    return std::make_shared<PeerSession>(shared_, *peer, member);
  }

  UpstreamStatus status() const override { return shared_->status(); }

  void probe(std::function<void(Result<UpstreamStatus>)> done) override {
    auto session = open({.key = std::string("probe\0", 6)});
    if (!session) {
      return reactors_.at(0).post([done = std::move(done), error = session.error()] { done(tl::unexpected(error)); });
    }
    // The session lives until it is answered; a legacy server is sent a ping.
    (*session)->request({.method = std::string(kProbeMethod), .deadline = shared_->config.start_timeout}, nullptr,
                        [shared = shared_, session = *session, done = std::move(done)](const UpstreamReply& reply) {
                          if (!reply.failure) return done(shared->status());
                          done(fail(ErrorCode::kUnavailable, shared->config.name + ": " + reply.detail, true));
                        });
  }

  void close() override { end(); }

 private:
  struct Place {
    std::string key;
    Reactor* reactor;
  };

  // A shared upstream session exists once a reactor, so that sharing never moves a call to another thread.
  Place key_of(const OpenSession& open, SessionHub::MemberId member) {
    Reactor* reactor = options_.fixed != nullptr ? options_.fixed : reactors_.current();
    if (reactor == nullptr) reactor = &reactors_.at(member % reactors_.size());
    std::string key = std::to_string(reinterpret_cast<std::uintptr_t>(reactor));
    if (shared_->config.isolation == Isolation::kPrincipal) key += " principal " + open.key;
    if (shared_->config.isolation == Isolation::kSession) key += " session " + std::to_string(member);
    return {std::move(key), reactor};
  }

  Result<std::shared_ptr<Peer>> share_peer(const Place& place, const OpenSession& first) {
    const std::scoped_lock lock(shared_->mutex);
    const std::string& name = shared_->config.name;
    if (shared_->closed) return fail(ErrorCode::kCancelled, name + " was closed");
    auto found = shared_->peers.find(place.key);
    if (found == shared_->peers.end()) {
      if (shared_->peers.size() >= options_.peers_max && !evict()) {
        const std::string limit = std::string(options_.limit_name) + " (" + std::to_string(options_.peers_max) + ")";
        return fail(ErrorCode::kExhausted, name + ": " + limit + " are in use; raise it, or share them by isolation",
                    true);
      }
      found = shared_->peers.emplace(place.key, make_(*place.reactor, shared_, first)).first;
    }
    shared_->shares[found->second.get()] += 1;
    return found->second;
  }

  // Makes room by stopping a peer that nobody holds. The lock is held.
  bool evict() {
    for (auto it = shared_->peers.begin(); it != shared_->peers.end(); ++it) {
      if (shared_->shares[it->second.get()] > 0) continue;
      it->second->reactor().post([peer = it->second] { peer->stop("made room for another"); });
      shared_->shares.erase(it->second.get());
      shared_->peers.erase(it);
      return true;
    }
    return false;
  }

  void end() {
    std::map<std::string, std::shared_ptr<Peer>> peers;
    {
      const std::scoped_lock lock(shared_->mutex);
      shared_->closed = true;
      peers.swap(shared_->peers);
      shared_->shares.clear();
    }
    for (auto& [key, peer] : peers) {
      peer->reactor().post([peer] { peer->stop("the upstream was closed"); });
    }
  }

  Reactors& reactors_;
  PeerPoolOptions options_;
  MakePeer make_;
  std::shared_ptr<PeerShared> shared_;
};

}  // namespace

std::shared_ptr<Upstream> make_peer_pool(const UpstreamConfig& config, Reactors& reactors, const UpstreamLimits& limits,
                                         PeerPoolOptions options, MakePeer make) {
  return std::make_shared<PeerPool>(config, reactors, limits, options, std::move(make));
}

}  // namespace bursar::broker
