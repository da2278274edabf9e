#include "bursar/broker/mcp/catalogue_keeper.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <map>

#include "bursar/broker/mcp/own_tools.h"
#include "bursar/broker/pipeline/contract.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/core/json.h"
#include "bursar/core/published.h"

namespace bursar::broker {
namespace {

using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::seconds;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kMaxItems = 10'000;
constexpr int kMaxPages = 100;
constexpr seconds kListDeadline{20};
constexpr milliseconds kFreshPatience{3000};
constexpr milliseconds kFirstPause{500}, kLongestPause{30'000};
constexpr seconds kSilentListAge{2};  // of an upstream that does not announce changes
constexpr std::chrono::minutes kListAge{5};
constexpr std::string_view kAgentCapabilities = R"({"roots":{"listChanged":true},"sampling":{},"elicitation":{}})";
constexpr std::string_view kClientInfo = R"({"name":"bursar","version":"0.1.0"})";

std::size_t at(ListKind kind) { return static_cast<std::size_t>(kind); }

std::optional<ListKind> changed_list(std::string_view method) {
  if (method == "notifications/tools/list_changed") return ListKind::kTools;
  if (method == "notifications/prompts/list_changed") return ListKind::kPrompts;
  if (method == "notifications/resources/list_changed") return ListKind::kResources;
  return std::nullopt;
}

std::string_view capability_of(ListKind kind) {
  if (kind == ListKind::kTools) return "tools";
  return kind == ListKind::kPrompts ? "prompts" : "resources";
}

bool same_items(const CatalogueItems& a, const CatalogueItems& b) {
  if (!a || !b) return (!a || a->empty()) && (!b || b->empty());
  return std::equal(a->begin(), a->end(), b->begin(), b->end(),
                    [](const CatalogueItem& x, const CatalogueItem& y) { return x.raw == y.raw; });
}

class Keeper;

// One upstream as the keeper sees it.
struct Source : UpstreamEvents, std::enable_shared_from_this<Source> {
  struct List {
    bool loading = false, again = false;
    bool told = false;  // the upstream said that it changed: agents are told even if nothing can be seen
    CacheHint hint;     // of the load that is under way
    SteadyTime loaded{};
    std::vector<CatalogueItem> pages;  // of the load that is under way
    int page = 0;
    std::vector<std::function<void()>> waiting;
  };

  Source(Keeper& k, const UpstreamEntry& e, boost::asio::io_context& context);
  void on_notification(Message message) override;
  void on_request(Message message) override;
  void on_closed(std::string reason) override;

  std::weak_ptr<Keeper> keeper;
  Reactor& reactor;
  UpstreamEntry entry;
  std::shared_ptr<UpstreamSession> session;
  UpstreamLists lists;
  std::array<List, kListKinds> states{};
  boost::asio::steady_timer retry;
  milliseconds pause = kFirstPause;
  bool gone = false;
  bool newcomer = false;  // came by a reload: agents are told when its lists are there
};

class Keeper final : public CatalogueKeeper, public std::enable_shared_from_this<Keeper> {
 public:
  Keeper(Reactor& reactor, ContractCache& contracts, Changed changed)
      : reactor_(reactor), contracts_(contracts), changed_(std::move(changed)) {
    current_.store(Catalogue::build({}));
  }

  void set(std::shared_ptr<const UpstreamSet> upstreams) override {
    // Until the reactor gets to it, what was never asked is known by name, so that its agents wait for it.
    if (!named_.exchange(true)) {
      std::vector<std::shared_ptr<const UpstreamLists>> lists;
      for (const UpstreamEntry& entry : upstreams->entries) {
        auto unknown = std::make_shared<UpstreamLists>();
        unknown->upstream = entry.config.name;
        lists.push_back(std::move(unknown));
      }
      current_.store(Catalogue::build(std::move(lists)));
    }
    run([this, upstreams] { replace(*upstreams); });
  }
  std::shared_ptr<const Catalogue> current() const override { return current_.load(); }
  void refresh(std::string upstream, ListKind kind) override {
    run([this, upstream = std::move(upstream), kind] {
      const auto source = find(upstream);
      if (!source) return;
      source->states[at(kind)].told = true;
      load(source, kind);
    });
  }
  void when_loaded(std::string server, milliseconds patience, std::function<void()> then) override {
    run([this, server = std::move(server), patience, then = std::move(then)]() mutable {
      if (closed_ || current()->loaded(server)) return then();
      wait([this, server] { return current()->loaded(server); }, patience, std::move(then));
    });
  }
  void when_fresh(std::string server, ListKind kind, std::function<void()> then) override {
    run([this, server = std::move(server), kind, then = std::move(then)]() mutable {
      freshen(server, kind, std::move(then));
    });
  }
  void close() override {
    run([this] {
      closed_ = true;
      for (auto& source : sources_) retire(*source);
      sources_.clear();
      settle_waiters();
    });
  }

  void load(const std::shared_ptr<Source>& source, ListKind kind);
  Reactor& reactor() { return reactor_; }

 private:
  struct Waiter {
    std::function<bool()> ready;
    std::function<void()> then;
    std::unique_ptr<boost::asio::steady_timer> timer;
  };

  void run(std::function<void()> task) {
    if (reactor_.on_this_thread()) return task();
    reactor_.post([self = shared_from_this(), task = std::move(task)] { task(); });
  }

  std::shared_ptr<Source> find(std::string_view name) const {
    for (const auto& source : sources_) {
      if (source->entry.config.name == name) return source;
    }
    return nullptr;
  }

  void replace(const UpstreamSet& upstreams);
  void retire(Source& source);
  void ask(const std::shared_ptr<Source>& source, ListKind kind, std::string cursor);
  void answered(const std::shared_ptr<Source>& source, ListKind kind, UpstreamReply reply);
  void loaded(const std::shared_ptr<Source>& source, ListKind kind);
  void failed(const std::shared_ptr<Source>& source, ListKind kind, const std::string& why);
  void done_with(Source& source, ListKind kind);
  void load_next(const std::shared_ptr<Source>& source, ListKind after);
  void tell_all(const Source& source);
  void publish();
  void let_go(Source& source);
  void freshen(const std::string& server, ListKind kind, std::function<void()> then);
  void wait(std::function<bool()> ready, milliseconds patience, std::function<void()> then);
  void settle_waiters();

  Reactor& reactor_;
  ContractCache& contracts_;
  Changed changed_;
  std::vector<std::shared_ptr<Source>> sources_;
  std::list<Waiter> waiters_;
  Published<const Catalogue> current_;
  std::atomic<bool> named_{false};
  bool started_ = false, closed_ = false;
};

Source::Source(Keeper& k, const UpstreamEntry& e, boost::asio::io_context& context)
    : keeper(k.weak_from_this()), reactor(k.reactor()), entry(e), retry(context) {
  lists.upstream = e.config.name;
  lists.prefix = e.config.prefix.value_or(e.config.name + ".");
}

void Source::on_notification(Message message) {
  const std::optional<ListKind> kind = changed_list(message.method());
  if (!kind) return;
  reactor.post([self = shared_from_this(), kind = *kind] {
    const auto owner = self->keeper.lock();
    if (!owner || self->gone) return;
    self->states[at(kind)].told = true;
    owner->load(self, kind);
    if (kind == ListKind::kResources) owner->load(self, ListKind::kTemplates);
  });
}

// Nobody is behind this session: it has no roots, and nobody to ask.
void Source::on_request(Message message) {
  std::string answer;
  if (message.method() == "ping")
    answer = make_result(message.id(), "{}");
  else if (message.method() == "roots/list")
    answer = make_result(message.id(), R"({"roots":[]})");
  else
    answer = make_error(message.id(), -32601, "no agent is behind this session");
  reactor.post([self = shared_from_this(), answer = std::move(answer)] {
    if (self->session) self->session->respond(answer);
  });
}

void Source::on_closed(std::string) {
  reactor.post([self = shared_from_this()] { self->session.reset(); });
}

void Keeper::replace(const UpstreamSet& upstreams) {
  if (closed_) return;
  std::vector<std::shared_ptr<Source>> next;
  std::vector<std::shared_ptr<Source>> fresh;
  for (const UpstreamEntry& entry : upstreams.entries) {
    auto source = find(entry.config.name);
    if (source && source->entry.upstream == entry.upstream) {
      source->entry = entry;
      source->lists.prefix = entry.config.prefix.value_or(entry.config.name + ".");
    } else {
      source = std::make_shared<Source>(*this, entry, reactor_.context());
      fresh.push_back(source);
    }
    next.push_back(std::move(source));
  }
  std::swap(sources_, next);
  for (const auto& old : next) {
    if (std::find(sources_.begin(), sources_.end(), old) == sources_.end()) retire(*old);
  }
  publish();
  for (const auto& source : fresh) {
    source->newcomer = started_;
    load(source, ListKind::kTools);
  }
  for (const auto& old : next) {
    if (find(old->entry.config.name) == nullptr) tell_all(*old);
  }
  started_ = true;
}

void Keeper::tell_all(const Source& source) {
  for (std::size_t kind = 0; kind < kListKinds; ++kind) {
    const CatalogueItems& items = source.lists.items[kind];
    if (items && !items->empty() && changed_)
      changed_(source.entry.config.name, ListKind{static_cast<std::uint8_t>(kind)});
  }
}

void Keeper::retire(Source& source) {
  source.gone = true;
  source.retry.cancel();
  source.session.reset();
  for (auto& list : source.states) {
    for (auto& then : std::exchange(list.waiting, {})) then();
  }
}

void Keeper::load(const std::shared_ptr<Source>& source, ListKind kind) {
  if (closed_ || source->gone) return;
  Source::List& list = source->states[at(kind)];
  if (list.loading) {
    list.again = true;
    return;
  }
  list.loading = true;
  list.pages.clear();
  list.page = 0;
  ask(source, kind, "");
}

void Keeper::ask(const std::shared_ptr<Source>& source, ListKind kind, std::string cursor) {
  if (!source->session) {
    const bool shared = source->entry.config.isolation == Isolation::kShared;
    auto session = source->entry.upstream->open({.key = shared ? "" : "bursar",
                                                 .capabilities = std::string(kAgentCapabilities),
                                                 .client_info = std::string(kClientInfo),
                                                 .events = source});
    // The only child is an agent's: what is known of its lists stands.
    if (!session && session.error().code == ErrorCode::kExhausted && source->lists.up) return done_with(*source, kind);
    if (!session) return failed(source, kind, session.error().message);
    source->session = std::move(*session);
  }
  UpstreamRequest request{.method = std::string(list_method(kind)), .deadline = kListDeadline};
  if (!cursor.empty()) request.params = "{\"cursor\":" + cursor + "}";
  source->session->request(
      std::move(request), [](Message) {},
      [self = shared_from_this(), source, kind](UpstreamReply reply) {
        auto shared_reply = std::make_shared<UpstreamReply>(std::move(reply));
        self->reactor_.post(
            [self, source, kind, shared_reply] { self->answered(source, kind, std::move(*shared_reply)); });
      });
}

void Keeper::answered(const std::shared_ptr<Source>& source, ListKind kind, UpstreamReply reply) {
  if (closed_ || source->gone) return;
  if (reply.failure) return failed(source, kind, reply.detail);
  Source::List& list = source->states[at(kind)];
  if (!reply.error.empty()) {  // a server without that list says so; it is up all the same
    list.pages.clear();
    list.hint = {};
    return loaded(source, kind);
  }
  auto items = read_items(kind, reply.result, kMaxItems - std::min(kMaxItems, list.pages.size()), &contracts_);
  if (!items) return failed(source, kind, items.error().message);
  std::move(items->begin(), items->end(), std::back_inserter(list.pages));
  const CacheHint hint = cache_hint(reply.result);
  list.hint = list.page == 0 ? hint : list.hint.stricter(hint);
  const std::string_view cursor = raw_member(reply.result, "nextCursor");
  if (cursor.starts_with('"') && ++list.page < kMaxPages && list.pages.size() < kMaxItems) {
    return ask(source, kind, std::string(cursor));
  }
  loaded(source, kind);
}

void Keeper::loaded(const std::shared_ptr<Source>& source, ListKind kind) {
  Source::List& list = source->states[at(kind)];
  auto items = std::make_shared<const std::vector<CatalogueItem>>(std::exchange(list.pages, {}));
  const bool known = source->lists.loaded;
  const bool told = std::exchange(list.told, false);
  const bool changed = known && (told || !same_items(source->lists.items[at(kind)], items));
  source->lists.items[at(kind)] = std::move(items);
  source->lists.hints[at(kind)] = list.hint;
  const UpstreamStatus status = source->entry.upstream->status();
  source->lists.capabilities = status.capabilities;
  source->lists.instructions = status.instructions;
  source->pause = kFirstPause;
  list.loaded = std::chrono::steady_clock::now();
  const bool recovered = known && !source->lists.up;
  source->lists.up = true;
  if (recovered) log(LogLevel::kInfo, "upstream_up", {{"upstream", source->entry.config.name}});
  // The first round goes through every list before the upstream counts as loaded.
  if (known) publish();
  done_with(*source, kind);
  if (changed && changed_) changed_(source->entry.config.name, kind);
  if (!known || recovered)
    load_next(source, kind);
  else if (std::exchange(list.again, false))
    load(source, kind);
  else
    let_go(*source);
}

// A server that may have one child only has it for an agent: ours stays until somebody else needs its place.
void Keeper::let_go(Source& source) {
  const UpstreamConfig& config = source.entry.config;
  if (config.command.empty() || config.max_children > 1 || config.isolation == Isolation::kShared) return;
  for (const Source::List& list : source.states) {
    if (list.loading) return;
  }
  source.session.reset();
}

void Keeper::load_next(const std::shared_ptr<Source>& source, ListKind after) {
  for (std::size_t next = at(after) + 1; next < kListKinds; ++next) {
    const ListKind kind{static_cast<std::uint8_t>(next)};
    const std::string& can = source->lists.capabilities;
    if (can.empty() || !raw_member(can, capability_of(kind)).empty()) return load(source, kind);
  }
  source->lists.loaded = true;
  publish();
  let_go(*source);
  if (std::exchange(source->newcomer, false)) tell_all(*source);
}

void Keeper::failed(const std::shared_ptr<Source>& source, ListKind kind, const std::string& why) {
  Source::List& list = source->states[at(kind)];
  list.pages.clear();
  list.again = false;
  log(LogLevel::kWarn, "upstream_lists_failed",
      {{"upstream", source->entry.config.name}, {"method", list_method(kind)}, {"reason", why}});
  source->lists.up = false;
  source->lists.loaded = true;
  publish();
  done_with(*source, kind);
  source->retry.expires_after(source->pause);
  source->pause = std::min(source->pause * 2, kLongestPause);
  source->retry.async_wait([self = shared_from_this(), source](const error_code& error) {
    if (!error && !source->gone) self->load(source, ListKind::kTools);
  });
}

void Keeper::done_with(Source& source, ListKind kind) {
  Source::List& list = source.states[at(kind)];
  list.loading = false;
  for (auto& then : std::exchange(list.waiting, {})) then();
}

void Keeper::publish() {
  std::vector<std::shared_ptr<const UpstreamLists>> lists;
  for (const auto& source : sources_) lists.push_back(std::make_shared<const UpstreamLists>(source->lists));
  lists.push_back(own_lists());
  current_.store(Catalogue::build(std::move(lists)));
  settle_waiters();
}

void Keeper::freshen(const std::string& server, ListKind kind, std::function<void()> then) {
  auto missing = std::make_shared<int>(0);
  const SteadyTime now = std::chrono::steady_clock::now();
  for (const auto& source : sources_) {
    if (!server.empty() && source->entry.config.name != server) continue;
    if (!source->lists.up) continue;
    const std::string_view capability = raw_member(source->lists.capabilities, capability_of(kind));
    if (capability.empty()) continue;
    // Who has let go of its child does not hear what it announces.
    const bool announces = source->session && raw_member(capability, "listChanged") == "true";
    Source::List& list = source->states[at(kind)];
    const auto age = now - list.loaded;
    const auto silent_age = std::max<SteadyTime::duration>(kSilentListAge, milliseconds{list.hint.ttl_ms});
    if (!list.loading && age < (announces ? kListAge : silent_age)) continue;
    ++*missing;
    list.waiting.emplace_back([self = shared_from_this(), missing] {
      --*missing;
      self->settle_waiters();
    });
    load(source, kind);
  }
  if (*missing == 0) return then();
  wait([missing] { return *missing == 0; }, kFreshPatience, std::move(then));
}

void Keeper::wait(std::function<bool()> ready, milliseconds patience, std::function<void()> then) {
  waiters_.push_back(
      {std::move(ready), std::move(then), std::make_unique<boost::asio::steady_timer>(reactor_.context(), patience)});
  const auto waiter = std::prev(waiters_.end());
  waiter->timer->async_wait([self = shared_from_this(), waiter](const error_code& error) {
    if (error) return;  // it was ready, and is gone
    auto late = std::move(waiter->then);
    self->waiters_.erase(waiter);
    late();
  });
}

void Keeper::settle_waiters() {
  std::vector<std::function<void()>> ready;
  for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
    // A timer that has fired already owns its waiter: cancel() tells.
    if ((closed_ || waiter->ready()) && waiter->timer->cancel() > 0) {
      ready.push_back(std::move(waiter->then));
      waiter = waiters_.erase(waiter);
    } else {
      ++waiter;
    }
  }
  for (auto& then : ready) then();
}

}  // namespace

const UpstreamEntry* UpstreamSet::find(std::string_view name) const {
  for (const UpstreamEntry& entry : entries) {
    if (entry.config.name == name) return &entry;
  }
  return nullptr;
}

std::shared_ptr<CatalogueKeeper> CatalogueKeeper::make(Reactor& reactor, ContractCache& contracts, Changed changed) {
  return std::make_shared<Keeper>(reactor, contracts, std::move(changed));
}

}  // namespace bursar::broker
