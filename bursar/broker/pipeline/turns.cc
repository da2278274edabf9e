#include "bursar/broker/pipeline/turns.h"

#include <algorithm>
#include <boost/json/value.hpp>
#include <cmath>

#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxTurnId = 128;
constexpr std::size_t kMaxToolName = 256;
constexpr std::int64_t kMaxMs = 86'400'000;

struct Cap {
  std::string_view member;
  Resource resource;
};
constexpr Cap kCaps[] = {{"usd_left", kUsd}, {"calls_left", kCalls}, {"tokens_left", kTokens}};

// What the way to us and back may have eaten of a relative deadline already.
Duration after_margin(Duration left) {
  const Duration margin = std::max<Duration>(std::chrono::milliseconds{50}, left / 50);
  return std::max(left - margin, Duration{0});
}

Result<Amount> cap_of(const JsonView& value, Resource resource) {
  constexpr double kLargest = 1e12;
  const auto number = value.as_double(0, kLargest);
  if (!number) return tl::unexpected(number.error());
  const double scale = std::pow(10.0, resource.decimals());
  const double units = *number * scale;
  if (units > 9e18) return value.wrong("is too large");
  return Amount{resource, static_cast<std::int64_t>(std::floor(units + 1e-6))};
}

Result<PlannedStep> step_of(const JsonView& item) {
  const auto tool = item.string_at("tool", kMaxToolName);
  if (!tool) return tl::unexpected(tool.error());
  PlannedStep step{.tool = std::string(*tool)};
  if (const auto optional = item.find("optional"); !optional) {
    return tl::unexpected(optional.error());
  } else if (*optional) {
    const auto is_optional = (*optional)->as_bool();
    if (!is_optional) return tl::unexpected(is_optional.error());
    step.optional = *is_optional;
  }
  if (const auto weight = item.find("weight"); !weight) {
    return tl::unexpected(weight.error());
  } else if (*weight) {
    const auto number = (*weight)->as_double(0, 1e9);
    if (!number) return tl::unexpected(number.error());
    step.weight = *number;
  }
  return step;
}

Result<void> read_plan(const JsonView& turn, TurnRequest& out) {
  const auto plan = turn.find("plan");
  if (!plan) return tl::unexpected(plan.error());
  if (!*plan) return {};
  const auto size = (*plan)->array_size(kMaxPlan);
  if (!size) return tl::unexpected(size.error());
  for (std::size_t i = 0; i < *size; ++i) {
    auto step = step_of(*(*plan)->element(i));
    if (!step) return tl::unexpected(step.error());
    out.plan.push_back(std::move(*step));
  }
  out.plan_known = true;
  return {};
}

Result<void> read_named_turn(const JsonView& turn, TurnRequest& out) {
  const auto id = turn.find("id");
  if (!id) return tl::unexpected(id.error());
  if (*id) {
    const auto text = (*id)->as_string(kMaxTurnId);
    if (!text) return tl::unexpected(text.error());
    out.id = std::string(*text);
  }
  const auto left = turn.find("ms_left");
  if (!left) return tl::unexpected(left.error());
  if (*left) {
    const auto ms = (*left)->as_double(0, kMaxMs);
    if (!ms) return tl::unexpected(ms.error());
    out.left = after_margin(Duration{static_cast<std::int64_t>(*ms * 1000)});
  }
  for (const Cap& cap : kCaps) {
    const auto value = turn.find(cap.member);
    if (!value) return tl::unexpected(value.error());
    if (!*value) continue;
    const auto amount = cap_of(**value, cap.resource);
    if (!amount) return tl::unexpected(amount.error());
    out.caps.push_back(*amount);
  }
  return read_plan(turn, out);
}

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

std::string trace_id_of(std::string_view traceparent) {
  // version - 32 hex digits - 16 hex digits - flags
  if (traceparent.size() < 55 || traceparent[2] != '-' || traceparent[35] != '-' || traceparent[52] != '-') return {};
  const std::string_view id = traceparent.substr(3, 32);
  if (!is_hex(id) || !is_hex(traceparent.substr(36, 16)) || id.find_first_not_of('0') == std::string_view::npos)
    return {};
  return std::string(id);
}

Result<TurnRequest> read_turn(std::string_view meta, std::string_view traceparent) {
  TurnRequest out;
  std::string_view named;
  std::string trace(traceparent);
  for (MemberCursor at(meta); at.next();) {
    if (at.key() == "dev.bursar/turn") named = at.value();
    if (at.key() == "traceparent") trace = raw_string(at.value());
  }
  if (!named.empty()) {
    const auto document = parse_json(named, {.max_bytes = 64 << 10, .max_depth = 8});
    if (!document) return tl::unexpected(with_context("_meta[\"dev.bursar/turn\"]", document.error()));
    if (!document->is_object()) return invalid_argument("_meta[\"dev.bursar/turn\"]: must be an object");
    const JsonView turn(*document, "_meta[\"dev.bursar/turn\"]");
    if (auto ok = read_named_turn(turn, out); !ok) return tl::unexpected(ok.error());
  }
  if (out.id.empty()) {
    out.id = trace_id_of(trace);
    out.from_trace = !out.id.empty();
  }
  return out;
}

std::string TurnTable::key_of(std::string_view principal, std::string_view id) {
  std::string key;
  key.reserve(principal.size() + 1 + id.size());
  key.append(principal).append(1, '\0').append(id);
  return key;
}

TurnTable::Shard& TurnTable::shard_of(std::string_view key) const {
  return shards_[StringHash{}(key) % kLimiterShards];
}

TurnView TurnTable::enter(std::string_view principal, const TurnRequest& asked, Duration policy, WallTime now) {
  const Duration first = asked.left ? std::min(*asked.left, policy) : policy;
  if (asked.id.empty()) return {.total = first, .ends = now + first};

  std::string key = key_of(principal, asked.id);
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  while (!shard.entries.empty() &&
         (shard.entries.size() > kMaxTurnsPerShard || shard.entries.back().last_used + kKeptFor < now)) {
    shard.index.erase(shard.entries.back().key);
    shard.entries.pop_back();
  }
  auto it = shard.index.find(key);
  const bool known = it != shard.index.end();
  const bool begins_anew = known && asked.from_trace && it->second->ends <= now;
  if (!known) {
    shard.entries.push_front({.key = key});
    it = shard.index.emplace(std::move(key), shard.entries.begin()).first;
  } else {
    shard.entries.splice(shard.entries.begin(), shard.entries, it->second);
  }
  Entry& entry = *it->second;
  if (!known || begins_anew) {
    entry.total = first;
    entry.ends = now + first;
    entry.caps.clear();
  } else if (asked.left) {
    entry.ends = std::min(entry.ends, now + *asked.left);
  }
  entry.last_used = now;
  for (const Amount& cap : asked.caps) {
    const auto mine = std::ranges::find(entry.caps, cap.resource, &Amount::resource);
    if (mine == entry.caps.end()) {
      entry.caps.push_back(cap);
    } else {
      mine->units = std::min(mine->units, cap.units);
    }
  }
  return {.total = entry.total, .ends = entry.ends};
}

std::optional<Amount> TurnTable::charge(std::string_view principal, std::string_view id, const Amounts& price) {
  const std::string key = key_of(principal, id);
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto it = shard.index.find(key);
  if (it == shard.index.end()) return std::nullopt;
  for (const Amount& cap : it->second->caps) {
    if (price[cap.resource] > cap.units) return cap;
  }
  for (Amount& cap : it->second->caps) cap.units -= price[cap.resource];
  return std::nullopt;
}

void TurnTable::refund(std::string_view principal, std::string_view id, const Amounts& unspent) {
  const std::string key = key_of(principal, id);
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto it = shard.index.find(key);
  if (it == shard.index.end()) return;
  for (Amount& cap : it->second->caps) cap.units += unspent[cap.resource];
}

std::vector<Amount> TurnTable::caps(std::string_view principal, std::string_view id) const {
  const std::string key = key_of(principal, id);
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto it = shard.index.find(key);
  return it == shard.index.end() ? std::vector<Amount>{} : it->second->caps;
}

std::size_t TurnTable::size() const {
  std::size_t total = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    total += shard.entries.size();
  }
  return total;
}

}  // namespace bursar::broker
