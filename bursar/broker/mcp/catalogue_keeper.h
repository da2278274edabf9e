// Keeps the catalogue in step with the upstreams: asks each for its lists through a session of its own, again when the
// upstream says list_changed, and again in a while when it could not be reached.
//
//   auto keeper = CatalogueKeeper::make(reactors.at(0), contracts, [](const std::string& upstream, ListKind kind) {});
//   keeper->set(upstreams), keeper->when_loaded("", 10s, [&] { answer(keeper->current()->page(…)); });
//
// An upstream that is down keeps its last known lists (none, if it never answered) and takes nothing from the others.
// Lists of an upstream that does not announce changes are asked for again when they are older than a few seconds and an
// agent lists them. At most 10,000 items a list and 100 pages.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bursar/broker/http/reactor.h"
#include "bursar/broker/mcp/catalogue.h"
#include "bursar/broker/upstream/upstream.h"

namespace bursar::broker {

// The upstreams of one configuration, in its order; immutable.
struct UpstreamEntry {
  UpstreamConfig config;
  std::shared_ptr<Upstream> upstream;
  // Where the upstream exchanges tokens: OpenSession::authorization for the caller of that subject. Empty elsewhere.
  std::function<CallerAuthorization(const std::string& subject)> authorize = {};
};
struct UpstreamSet {
  std::vector<UpstreamEntry> entries;
  [[nodiscard]] const UpstreamEntry* find(std::string_view name) const;
};

class CatalogueKeeper {
 public:
  using Changed = std::function<void(const std::string& upstream, ListKind kind)>;  // on the keeper's reactor

  [[nodiscard]] static std::shared_ptr<CatalogueKeeper> make(Reactor& reactor, ContractCache& contracts,
                                                             Changed changed);
  virtual ~CatalogueKeeper() = default;

  // All of these from any thread; the functions given run on the keeper's reactor.
  virtual void set(std::shared_ptr<const UpstreamSet> upstreams) = 0;
  [[nodiscard]] virtual std::shared_ptr<const Catalogue> current() const = 0;
  virtual void refresh(std::string upstream, ListKind kind) = 0;
  virtual void when_loaded(std::string server, std::chrono::milliseconds patience, std::function<void()> then) = 0;
  virtual void when_fresh(std::string server, ListKind kind, std::function<void()> then) = 0;
  virtual void close() = 0;  // ends the keeper's sessions and timers
};

}  // namespace bursar::broker
