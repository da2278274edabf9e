#include "bursar/broker/pipeline/limiters.h"

#include <algorithm>
#include <cmath>

namespace bursar::broker {
namespace {

std::size_t shard_of(std::string_view key) { return StringHash{}(key) % kLimiterShards; }

}  // namespace

void TokenBucket::refill(BucketRate rate, WallTime now) {
  if (now <= at_) return;
  const double seconds = std::chrono::duration<double>(now - at_).count();
  tokens_ = std::min(rate.burst, tokens_ + seconds * rate.per_second);
  at_ = now;
}

std::optional<Duration> TokenBucket::take(BucketRate rate, WallTime now) {
  refill(rate, now);
  // A refill that is exactly due must not be refused for the last bit of a double.
  constexpr double kRounding = 1e-9;
  if (tokens_ >= 1 - kRounding) {
    tokens_ = std::max(0.0, tokens_ - 1);
    return std::nullopt;
  }
  const double wait_us = std::ceil((1 - tokens_) / rate.per_second * 1e6 - 1e-3);
  return Duration{static_cast<std::int64_t>(std::clamp(wait_us, 1.0, 86'400e6))};
}

void TokenBucket::give_back(BucketRate rate) { tokens_ = std::min(rate.burst, tokens_ + 1); }

bool TokenBucket::full(BucketRate rate, WallTime now) const {
  return tokens_ + std::chrono::duration<double>(now - at_).count() * rate.per_second >= rate.burst;
}

std::optional<Duration> BucketTable::take(std::string_view key, BucketRate rate, WallTime now) {
  Shard& shard = shards_[shard_of(key)];
  const std::lock_guard lock(shard.mutex);
  auto it = shard.buckets.find(key);
  if (it == shard.buckets.end()) {
    if (shard.buckets.size() >= kMaxKeysPerShard) {
      std::erase_if(shard.buckets, [&](const auto& entry) { return entry.second.full(rate, now); });
      // Everybody is busy: rather forget half than grow without end, or search the table again for the next key.
      for (std::size_t left = shard.buckets.size(); left > kMaxKeysPerShard / 2; --left) {
        shard.buckets.erase(shard.buckets.begin());
      }
    }
    it = shard.buckets.emplace(std::string(key), TokenBucket(rate, now)).first;
  }
  return it->second.take(rate, now);
}

void BucketTable::give_back(std::string_view key, BucketRate rate) {
  Shard& shard = shards_[shard_of(key)];
  const std::lock_guard lock(shard.mutex);
  if (auto it = shard.buckets.find(key); it != shard.buckets.end()) it->second.give_back(rate);
}

ConcurrencyLimiter::Unit& ConcurrencyLimiter::Unit::operator=(Unit&& other) noexcept {
  if (this != &other) {
    release();
    owner_ = std::exchange(other.owner_, nullptr);
    key_ = std::move(other.key_);
  }
  return *this;
}

void ConcurrencyLimiter::Unit::release() {
  if (owner_ == nullptr) return;
  Shard& shard = owner_->shards_[shard_of(key_)];
  owner_ = nullptr;
  const std::lock_guard lock(shard.mutex);
  if (auto it = shard.counts.find(key_); it != shard.counts.end() && --it->second == 0) shard.counts.erase(it);
}

std::optional<ConcurrencyLimiter::Unit> ConcurrencyLimiter::acquire(std::string_view key, std::size_t limit) {
  Shard& shard = shards_[shard_of(key)];
  {
    const std::lock_guard lock(shard.mutex);
    auto it = shard.counts.find(key);
    if (it == shard.counts.end()) it = shard.counts.emplace(std::string(key), 0).first;
    if (it->second >= limit) {
      if (it->second == 0) shard.counts.erase(it);
      return std::nullopt;
    }
    ++it->second;
  }
  return Unit(this, std::string(key));
}

std::size_t ConcurrencyLimiter::in_flight(std::string_view key) const {
  const Shard& shard = shards_[shard_of(key)];
  const std::lock_guard lock(shard.mutex);
  const auto it = shard.counts.find(key);
  return it == shard.counts.end() ? 0 : it->second;
}

}  // namespace bursar::broker
