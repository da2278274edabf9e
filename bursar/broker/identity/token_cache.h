// Tokens that were verified a moment ago, so that the next request costs a hash and a look instead of a signature.
//
//   if (auto known = cache.find(hash, now)) return known->principal;
//   cache.put(hash, std::make_shared<VerifiedToken>(…));
//
// Holds no token, only its SHA-256. An entry lives until the token expires; a cache belongs to one state of the keys
// and of the rules, and ends with it. Bounded: a full shard drops what has expired, then whatever comes first.
// Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "bursar/broker/audit/digest.h"
#include "bursar/broker/identity/principal.h"
#include "bursar/broker/identity/subject_token.h"
#include "bursar/core/clock.h"
#include "bursar/ledger/account.h"

namespace bursar::broker {

struct VerifiedToken {
  Principal principal;                        // without its token
  WallTime until{};                           // it is refused from then on
  WallTime expires{};                         // as it says itself
  std::optional<ledger::AccountSpec> create;  // the account to make where it is missing
  mutable std::atomic<bool> account_seen{false};
};

class TokenCache {
 public:
  static constexpr std::size_t kShards = 16, kPerShard = 1024;

  [[nodiscard]] std::shared_ptr<const VerifiedToken> find(const Sha256& hash, WallTime now) const {
    Shard& shard = of(hash);
    const std::scoped_lock lock(shard.mutex);
    const auto found = shard.entries.find(hash);
    return found == shard.entries.end() || found->second->until <= now ? nullptr : found->second;
  }

  void put(const Sha256& hash, std::shared_ptr<const VerifiedToken> token, WallTime now) const {
    Shard& shard = of(hash);
    const std::scoped_lock lock(shard.mutex);
    if (shard.entries.size() >= kPerShard) {
      std::erase_if(shard.entries, [&](const auto& entry) { return entry.second->until <= now; });
    }
    if (shard.entries.size() >= kPerShard) shard.entries.erase(shard.entries.begin());
    shard.entries.insert_or_assign(hash, std::move(token));
  }

  [[nodiscard]] std::size_t size() const {
    std::size_t out = 0;
    for (Shard& shard : shards_) {
      const std::scoped_lock lock(shard.mutex);
      out += shard.entries.size();
    }
    return out;
  }

 private:
  struct Front {  // a hash is as good as random already
    std::size_t operator()(const Sha256& hash) const {
      std::size_t out = 0;
      std::memcpy(&out, hash.data(), sizeof out);
      return out;
    }
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<Sha256, std::shared_ptr<const VerifiedToken>, Front> entries;
  };
  Shard& of(const Sha256& hash) const { return shards_[hash.back() % kShards]; }

  mutable std::array<Shard, kShards> shards_;
};

}  // namespace bursar::broker
