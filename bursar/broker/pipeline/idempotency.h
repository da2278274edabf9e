// Answers that were given under an idempotency key, so that a repeated call is not made twice.
//
//   auto begun = table.begin(key, fingerprint, now);
//   if (begun.found == Found::kStored) return *begun.answer;
//   … the call …
//   begun.claim.store(answer, now);           // a claim that is dropped without an answer frees its key
//
// The key is the agent's _meta["dev.bursar/idempotency_key"] (<= 128 bytes) under the principal's name; the fingerprint
// stands for the tool and its arguments. An answer whose outcome is unknown is stored too: repeating the call must not
// apply it a second time. What surely was not applied frees the key. Kept 10 minutes, at most 16,384 answers and 64
// MiB. Thread-safe.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "bursar/broker/pipeline/limiters.h"
#include "bursar/core/clock.h"

namespace bursar::broker {

inline constexpr std::size_t kMaxIdempotencyKey = 128;

// 32 hex digits of a SHA-256 over the parts and their lengths.
[[nodiscard]] std::string digest_of(std::initializer_list<std::string_view> parts);

struct StoredAnswer {
  std::string result;  // raw JSON result, or
  std::string error;   // raw JSON-RPC error
};

class IdempotencyTable {
 public:
  static constexpr std::size_t kMaxEntries = 16'384;
  static constexpr std::size_t kMaxBytes = 64 << 20;
  static constexpr Duration kKeptFor = std::chrono::minutes{10};

  enum class Found : std::uint8_t { kNew, kRunning, kStored, kConflict, kFull };

  class Claim {
   public:
    Claim() = default;
    Claim(Claim&& other) noexcept : table_(std::exchange(other.table_, nullptr)), key_(std::move(other.key_)) {}
    Claim& operator=(Claim&& other) noexcept;
    ~Claim() { drop(); }
    [[nodiscard]] bool active() const { return table_ != nullptr; }
    void store(StoredAnswer answer, WallTime now);
    void drop();

   private:
    friend class IdempotencyTable;
    Claim(IdempotencyTable* table, std::string key) : table_(table), key_(std::move(key)) {}
    IdempotencyTable* table_ = nullptr;
    std::string key_;
  };

  struct Begun {
    Found found = Found::kNew;
    std::shared_ptr<const StoredAnswer> answer = nullptr;  // kStored
    Claim claim = {};                                      // kNew
  };
  [[nodiscard]] Begun begin(std::string_view key, std::string_view fingerprint, WallTime now);
  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry {
    std::string key, fingerprint;
    std::shared_ptr<const StoredAnswer> answer;  // null while the call runs
    WallTime at{};
  };
  using Entries = std::list<Entry>;  // oldest first
  void erase(Entries::iterator entry);
  void make_room(WallTime now);

  mutable std::mutex mutex_;
  Entries entries_;
  StringMap<Entries::iterator> index_;
  std::size_t bytes_ = 0;
};

}  // namespace bursar::broker
