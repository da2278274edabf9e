// What bounds the traffic of one principal or one tool before any budget is asked: token buckets and concurrency.
//
//   constexpr BucketRate rate{.per_second = 2, .burst = 5};
//   TokenBucket bucket(rate, now);
//   bucket.take(rate, now);                          // absent: taken; otherwise how long until the next token
//
//   ConcurrencyLimiter in_flight;
//   if (auto unit = in_flight.acquire("key:ada", 256)) …   // the unit gives its place back when it is dropped
//
// Tables are sharded and bounded: a bucket that is full again knows nothing worth keeping and is the first to go.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "bursar/core/clock.h"

namespace bursar::broker {

struct BucketRate {
  double per_second = 0;  // > 0
  double burst = 1;       // >= 1; the bucket starts full
};

class TokenBucket {
 public:
  TokenBucket(BucketRate rate, WallTime now) : tokens_(rate.burst), at_(now) {}
  // Takes one token, or says how long until there is one (rounded up to a microsecond).
  [[nodiscard]] std::optional<Duration> take(BucketRate rate, WallTime now);
  void give_back(BucketRate rate);
  [[nodiscard]] bool full(BucketRate rate, WallTime now) const;

 private:
  void refill(BucketRate rate, WallTime now);
  double tokens_;
  WallTime at_;
};

// So that a map keyed by std::string is asked with a std::string_view.
struct StringHash {
  using is_transparent = void;
  [[nodiscard]] std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
template <class T>
using StringMap = std::unordered_map<std::string, T, StringHash, std::equal_to<>>;

inline constexpr std::size_t kLimiterShards = 16;

// Thread-safe. One bucket a key, all of one rate.
class BucketTable {
 public:
  static constexpr std::size_t kMaxKeysPerShard = 4096;
  [[nodiscard]] std::optional<Duration> take(std::string_view key, BucketRate rate, WallTime now);
  void give_back(std::string_view key, BucketRate rate);

 private:
  struct Shard {
    std::mutex mutex;
    StringMap<TokenBucket> buckets;
  };
  std::array<Shard, kLimiterShards> shards_;
};

// Thread-safe; must outlive its units. Holds one entry a key with something in flight.
class ConcurrencyLimiter {
 public:
  class Unit {
   public:
    Unit() = default;
    Unit(Unit&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), key_(std::move(other.key_)) {}
    Unit& operator=(Unit&& other) noexcept;
    ~Unit() { release(); }
    void release();
    [[nodiscard]] bool active() const { return owner_ != nullptr; }

   private:
    friend class ConcurrencyLimiter;
    Unit(ConcurrencyLimiter* owner, std::string key) : owner_(owner), key_(std::move(key)) {}
    ConcurrencyLimiter* owner_ = nullptr;
    std::string key_;
  };

  // Absent where `limit` units of that key are out already.
  [[nodiscard]] std::optional<Unit> acquire(std::string_view key, std::size_t limit);
  [[nodiscard]] std::size_t in_flight(std::string_view key) const;

 private:
  struct Shard {
    mutable std::mutex mutex;
    StringMap<std::size_t> counts;
  };
  std::array<Shard, kLimiterShards> shards_;
};

}  // namespace bursar::broker
