#include "bursar/schedule/latency_store.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <unordered_map>

#include "bursar/core/json.h"
#include "bursar/core/kaplan_meier.h"

namespace bursar::schedule {
namespace {

namespace json = boost::json;

constexpr std::size_t kRefreshEvery = 5;
constexpr std::size_t kEnough = 20;
// The estimate may be up to 4 records old, so that many more than a window are kept: enough to rebuild it after a load.
constexpr std::size_t kKept = LatencyStore::kWindow + kRefreshEvery - 1;
constexpr std::size_t kEvictedAtOnce = 64;  // spreads the search for the oldest over as many new tools
constexpr std::int64_t kLongest_us = Duration(std::chrono::hours{24}).count();
constexpr Duration kTailCap = std::chrono::seconds{20};
constexpr double kTailGrowth = 1.6;
constexpr Duration kUnknown = std::chrono::seconds{2};
constexpr double kUnknownCdf = .95;
constexpr std::int64_t kVersion = 1;
constexpr std::size_t kMaxStateBytes = std::size_t{64} << 20;

struct Estimate {
  KaplanMeier survival;
  Duration beyond;  // the answer where S never falls far enough

  explicit Estimate(std::span<const CensoredValue> window)
      : survival(window),
        beyond(std::min(kTailCap, Duration(static_cast<std::int64_t>(kTailGrowth * survival.largest())))) {}

  Duration quantile(double p) const {
    const auto value = survival.quantile(p);
    return value ? Duration(static_cast<std::int64_t>(*value)) : beyond;
  }
};

// The last observations of one tool or upstream and the estimate that is published of them.
class Window {
 public:
  void record(std::int64_t us, bool censored) {
    const std::scoped_lock lock(recording_);
    if (values_.size() < kKept) {
      values_.push_back(censored ? -us : us);
    } else {
      values_[oldest_] = censored ? -us : us;
      oldest_ = (oldest_ + 1) % kKept;
    }
    // What was cut off says that the estimate is too low: it counts at once, or the next calls would all be cut alike,
    // and a breaker would take a tool that got slower for one that is gone.
    if (++since_ == kRefreshEvery || censored) {
      since_ = 0;
      due_.store(true, std::memory_order_release);
    }
  }

  // Absent with fewer than 20 observations. What nobody asks for is not computed: the pool of an upstream whose tools
  // are all known, and tools that are called without a turn, cost a record and no sort.
  std::shared_ptr<const Estimate> estimate() const {
    if (due_.load(std::memory_order_acquire)) refresh();
    const std::scoped_lock lock(publishing_);
    return estimate_;
  }

  std::size_t observations() const {
    const std::scoped_lock lock(recording_);
    return std::min(values_.size(), LatencyStore::kWindow);
  }

  void save(json::object& out) const {
    const std::scoped_lock lock(recording_);
    json::array values;
    values.reserve(values_.size());
    for (std::size_t i = 0; i < values_.size(); ++i) values.push_back(at(i));
    out["since"] = since_;
    out["window"] = std::move(values);
  }

  Result<void> load(const JsonView& from) {
    const auto since = from.int_at("since", 0, kRefreshEvery - 1);
    if (!since) return tl::unexpected(since.error());
    const auto window = from.at("window");
    if (!window) return tl::unexpected(window.error());
    const auto size = window->array_size(kKept);
    if (!size) return tl::unexpected(size.error());
    if (*size == 0) return window->wrong("must hold at least one observation");
    const auto pending = static_cast<std::size_t>(*since);
    if (pending > *size) return from.wrong("\"since\" contradicts \"window\"");
    values_.reserve(*size);
    for (const json::value& value : window->value().get_array()) {
      const auto* us = value.if_int64();
      if (!us || *us == 0 || *us > kLongest_us || *us < -kLongest_us) {
        return window->wrong("must hold microseconds from 1 to 24 h, negative where censored");
      }
      values_.push_back(*us);
    }
    since_ = pending;
    due_.store(true, std::memory_order_release);
    return {};
  }

 private:
  std::int64_t at(std::size_t i) const { return values_[(oldest_ + i) % values_.size()]; }

  // Of the records up to the last that was due, however many have come since: the same estimate as if it had been
  // computed then.
  void refresh() const {
    const std::scoped_lock recording(recording_);
    if (!due_.load(std::memory_order_relaxed)) return;
    due_.store(false, std::memory_order_relaxed);
    const std::size_t known = values_.size() - since_;
    if (known < kEnough) return;
    const std::size_t used = std::min(known, LatencyStore::kWindow);
    std::array<CensoredValue, LatencyStore::kWindow> pairs;
    for (std::size_t i = 0; i < used; ++i) {
      const std::int64_t value = at(known - used + i);
      pairs[i] = {static_cast<double>(std::abs(value)), value < 0};
    }
    auto fresh = std::make_shared<const Estimate>(std::span(pairs).first(used));
    const std::scoped_lock lock(publishing_);
    estimate_.swap(fresh);
  }

  mutable std::mutex recording_;        // before publishing_
  std::vector<std::int64_t> values_;    // microseconds, negative where censored; a ring once it is full
  std::size_t oldest_ = 0, since_ = 0;  // since_: records after the estimate
  mutable std::atomic<bool> due_ = false;
  mutable std::mutex publishing_;
  mutable std::shared_ptr<const Estimate> estimate_;
};

struct Upstream {
  Window pooled;
  std::size_t tools = 0;  // guarded by State::mutex
};

struct Entry {
  Window own;
  std::shared_ptr<Upstream> upstream;
  std::atomic<std::uint64_t> recorded_at = 0;  // a tick, for the order of eviction

  std::shared_ptr<const Estimate> estimate() const {
    auto estimate = own.estimate();
    return estimate ? estimate : upstream->pooled.estimate();
  }
};

struct HashTool {
  std::size_t operator()(const ToolId& id) const {
    const std::hash<std::string> hash;
    return hash(id.upstream) * 0x9e3779b97f4a7c15 + hash(id.tool);
  }
};

bool is_name(std::string_view name) { return name.size() <= LatencyStore::kMaxNameBytes && is_utf8(name); }

}  // namespace

struct LatencyStore::State {
  mutable std::shared_mutex mutex;  // of the two maps; what they hold has its own
  std::unordered_map<ToolId, std::shared_ptr<Entry>, HashTool> tools;
  std::unordered_map<std::string, std::shared_ptr<Upstream>> upstreams;
  std::atomic<std::uint64_t> tick = 0;

  std::shared_ptr<Entry> find(const ToolId& id) const {
    const std::shared_lock lock(mutex);
    const auto found = tools.find(id);
    return found == tools.end() ? nullptr : found->second;
  }

  std::shared_ptr<Entry> find_or_create(const ToolId& id) {
    if (auto entry = find(id)) return entry;
    const std::scoped_lock lock(mutex);
    if (const auto found = tools.find(id); found != tools.end()) return found->second;
    if (tools.size() >= kMaxTools) evict();
    return create(id);
  }

  // Of a tool that is unknown itself but whose upstream is known.
  std::shared_ptr<const Estimate> estimate(const ToolId& id) const {
    const std::shared_lock lock(mutex);
    if (const auto found = tools.find(id); found != tools.end()) return found->second->estimate();
    const auto pool = upstreams.find(id.upstream);
    return pool == upstreams.end() ? nullptr : pool->second->pooled.estimate();
  }

  std::shared_ptr<Entry> create(const ToolId& id) {
    auto& upstream = upstreams[id.upstream];
    if (!upstream) upstream = std::make_shared<Upstream>();
    ++upstream->tools;
    auto entry = std::make_shared<Entry>();
    entry->upstream = upstream;
    entry->recorded_at = tick++;
    tools.emplace(id, entry);
    return entry;
  }

  std::vector<std::pair<std::uint64_t, ToolId>> by_age() const {
    std::vector<std::pair<std::uint64_t, ToolId>> out;
    out.reserve(tools.size());
    for (const auto& [id, entry] : tools) out.emplace_back(entry->recorded_at.load(), id);
    std::ranges::sort(out);
    return out;
  }

  void evict() {
    const auto aged = by_age();
    for (std::size_t i = 0; i < std::min(kEvictedAtOnce, aged.size()); ++i) {
      const ToolId& id = aged[i].second;
      tools.erase(id);
      const auto pool = upstreams.find(id.upstream);
      if (--pool->second->tools == 0) upstreams.erase(pool);
    }
  }

  Result<void> load_pool(const JsonView& from) {
    const auto name = from.string_at("upstream", kMaxNameBytes);
    if (!name) return tl::unexpected(name.error());
    if (auto ok = from.only({"upstream", "since", "window"}); !ok) return ok;
    const auto [place, is_new] = upstreams.emplace(std::string(*name), std::make_shared<Upstream>());
    if (!is_new) return from.wrong("stands twice");
    return place->second->pooled.load(from);
  }

  Result<void> load_tool(const JsonView& from) {
    const auto upstream = from.string_at("upstream", kMaxNameBytes);
    if (!upstream) return tl::unexpected(upstream.error());
    const auto tool = from.string_at("tool", kMaxNameBytes);
    if (!tool) return tl::unexpected(tool.error());
    if (auto ok = from.only({"upstream", "tool", "since", "window"}); !ok) return ok;
    const ToolId id{std::string(*upstream), std::string(*tool)};
    if (!upstreams.contains(id.upstream)) return from.wrong("belongs to an upstream that is not listed");
    if (tools.contains(id)) return from.wrong("stands twice");
    return create(id)->own.load(from);
  }
};

LatencyStore::LatencyStore() : state_(std::make_unique<State>()) {}
LatencyStore::~LatencyStore() = default;
LatencyStore::LatencyStore(LatencyStore&&) noexcept = default;
LatencyStore& LatencyStore::operator=(LatencyStore&&) noexcept = default;

void LatencyStore::record(const ToolId& tool, Duration latency, bool censored) {
  if (!is_name(tool.upstream) || !is_name(tool.tool)) return;
  const std::int64_t us = std::clamp<std::int64_t>(latency.count(), 1, kLongest_us);
  const auto entry = state_->find_or_create(tool);
  entry->recorded_at.store(state_->tick++, std::memory_order_relaxed);
  entry->own.record(us, censored);
  entry->upstream->pooled.record(us, censored);
}

Duration LatencyStore::quantile(const ToolId& tool, double p) const {
  const auto estimate = state_->estimate(tool);
  return estimate ? estimate->quantile(p) : kUnknown;
}

double LatencyStore::cdf(const ToolId& tool, Duration t) const {
  const auto estimate = state_->estimate(tool);
  if (!estimate) return t < kUnknown ? 0 : kUnknownCdf;
  return estimate->survival.cdf(static_cast<double>(t.count()));
}

bool LatencyStore::knows(const ToolId& tool) const { return state_->estimate(tool) != nullptr; }

std::size_t LatencyStore::observations(const ToolId& tool) const {
  const auto entry = state_->find(tool);
  return entry ? entry->own.observations() : 0;
}

std::vector<ToolId> LatencyStore::tools() const {
  std::vector<ToolId> out;
  const std::shared_lock lock(state_->mutex);
  out.reserve(state_->tools.size());
  for (const auto& [id, entry] : state_->tools) out.push_back(id);
  std::ranges::sort(out);
  return out;
}

std::string LatencyStore::save() const {
  const std::shared_lock lock(state_->mutex);
  json::array pools, tools;
  std::vector<std::string> names;
  for (const auto& [name, upstream] : state_->upstreams) names.push_back(name);
  std::ranges::sort(names);
  for (const std::string& name : names) {
    json::object& out = pools.emplace_back(json::object{{"upstream", name}}).as_object();
    state_->upstreams.at(name)->pooled.save(out);
  }
  for (const auto& [recorded_at, id] : state_->by_age()) {
    json::object& out = tools.emplace_back(json::object{{"upstream", id.upstream}, {"tool", id.tool}}).as_object();
    state_->tools.at(id)->own.save(out);
  }
  return to_json(json::object{{"version", kVersion}, {"pools", std::move(pools)}, {"tools", std::move(tools)}});
}

Result<LatencyStore> LatencyStore::load(std::string_view text) {
  const auto document = parse_json(text, {.max_bytes = kMaxStateBytes, .max_depth = 4});
  if (!document) return tl::unexpected(document.error());
  const JsonView root(*document, "latencies");
  if (auto ok = root.only({"version", "pools", "tools"}); !ok) return tl::unexpected(ok.error());
  if (auto version = root.int_at("version", kVersion, kVersion); !version) return tl::unexpected(version.error());

  LatencyStore store;
  const auto each = [&](std::string_view key, auto load_one) -> Result<void> {
    const auto list = root.at(key);
    if (!list) return tl::unexpected(list.error());
    const auto size = list->array_size(kMaxTools);
    if (!size) return tl::unexpected(size.error());
    for (std::size_t i = 0; i < *size; ++i) {
      if (Result<void> ok = ((*store.state_).*load_one)(*list->element(i)); !ok) return ok;
    }
    return {};
  };
  if (auto ok = each("pools", &State::load_pool); !ok) return tl::unexpected(ok.error());
  if (auto ok = each("tools", &State::load_tool); !ok) return tl::unexpected(ok.error());
  for (const auto& [name, upstream] : store.state_->upstreams) {
    if (upstream->tools == 0) return root.wrong("lists an upstream without tools among its pools");
  }
  return store;
}

}  // namespace bursar::schedule
