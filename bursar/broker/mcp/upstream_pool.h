// Sessions with the upstreams for requests that have no session of their own: the modern era's, one request at a time.
//
//   auto lease = pool.take(entry, {.principal = principal, .capabilities = "{}"}, reactor, holder);
//   (*lease)->session()->request(…);          // the lease is given back when it is dropped
//
// Sessions are kept per principal and per what the agent says it can, and used again; requests of one principal share
// one as long as nothing can go astray. Where the server may ask the agent something in the middle of a call (a legacy
// server, an agent that can be asked) or where the configuration isolates sessions, one session serves one request at
// a time: most recently used first, so that an agent that calls one thing after another finds the server as it left it.
// With isolation "shared" there is one session for all. Bounded; what nobody uses is closed after a minute.
// Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "bursar/broker/http/reactor.h"
#include "bursar/broker/identity/principal.h"
#include "bursar/broker/mcp/catalogue_keeper.h"
#include "bursar/broker/upstream/upstream.h"

namespace bursar::broker {

class UpstreamPool {
 public:
  static constexpr std::size_t kMaxSlots = 4096, kMaxSlotsPerPrincipal = 256;
  static constexpr std::chrono::seconds kIdle{60};

  // Who holds a session, and hears what its server says outside of a request; on the holder's reactor.
  class Holder {
   public:
    virtual ~Holder() = default;
    virtual void upstream_said(const std::shared_ptr<UpstreamSession>& from, const Message& message) = 0;
  };
  struct Wish {
    const Principal& principal;
    std::string_view capabilities;  // of the agent; raw JSON
    std::string_view client_info = {};
  };
  struct Slot;
  class Lease {
   public:
    explicit Lease(std::shared_ptr<Slot> slot) : slot_(std::move(slot)) {}
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    [[nodiscard]] const std::shared_ptr<UpstreamSession>& session() const;
    [[nodiscard]] const std::string& upstream() const;
    [[nodiscard]] bool lost() const;  // the session ended, or the configuration put another upstream in its place
    [[nodiscard]] const void* slot() const { return slot_.get(); }  // the same for all that share the session
    // Whether a legacy server must be told this level (log_level_rank) to send what this request wants to see: the
    // loudest that was asked for in this session counts, and each request picks its own.
    [[nodiscard]] bool louder(std::size_t level);

   private:
    std::shared_ptr<Slot> slot_;
  };

  // `said` is told of notifications for nobody in particular (resources/updated), on any thread.
  using Said = std::function<void(const void* slot, const Message& message)>;
  UpstreamPool(std::shared_ptr<CatalogueKeeper> catalogue, Said said);
  ~UpstreamPool();

  // Errors: kExhausted where the principal or all of them have too many, and those of Upstream::open.
  [[nodiscard]] Result<std::shared_ptr<Lease>> take(const UpstreamEntry& entry, const Wish& wish, Reactor& reactor,
                                                    std::weak_ptr<Holder> holder);
  void sweep();  // once a second
  void close();
  [[nodiscard]] std::size_t size() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Whether the agent declares something that a server could ask it for.
[[nodiscard]] bool can_be_asked(std::string_view capabilities);

}  // namespace bursar::broker
