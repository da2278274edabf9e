#include "bursar/broker/pipeline/idempotency.h"

#include <array>
#include <openssl/evp.h>

namespace bursar::broker {

std::string digest_of(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) {
    text += std::to_string(part.size());
    text += ':';
    text += part;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), hash.data(), &size, EVP_sha256(), nullptr);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < 16; ++i) {
    out += kHex[hash[i] >> 4];
    out += kHex[hash[i] & 15];
  }
  return out;
}

IdempotencyTable::Claim& IdempotencyTable::Claim::operator=(Claim&& other) noexcept {
  if (this != &other) {
    drop();
    table_ = std::exchange(other.table_, nullptr);
    key_ = std::move(other.key_);
  }
  return *this;
}

void IdempotencyTable::Claim::store(StoredAnswer answer, WallTime now) {
  if (table_ == nullptr) return;
  IdempotencyTable& table = *std::exchange(table_, nullptr);
  const std::lock_guard lock(table.mutex_);
  const auto it = table.index_.find(key_);
  if (it == table.index_.end()) return;
  Entry& entry = *it->second;
  table.bytes_ += answer.result.size() + answer.error.size();
  entry.answer = std::make_shared<const StoredAnswer>(std::move(answer));
  entry.at = now;
  table.entries_.splice(table.entries_.end(), table.entries_, it->second);
  table.make_room(now);
}

void IdempotencyTable::Claim::drop() {
  if (table_ == nullptr) return;
  IdempotencyTable& table = *std::exchange(table_, nullptr);
  const std::lock_guard lock(table.mutex_);
  if (const auto it = table.index_.find(key_); it != table.index_.end()) table.erase(it->second);
}

void IdempotencyTable::erase(Entries::iterator entry) {
  if (entry->answer) bytes_ -= entry->answer->result.size() + entry->answer->error.size();
  index_.erase(entry->key);
  entries_.erase(entry);
}

void IdempotencyTable::make_room(WallTime now) {
  for (auto it = entries_.begin(); it != entries_.end();) {
    const auto entry = it++;
    const bool old = entry->at + kKeptFor < now;
    if (!old && entries_.size() < kMaxEntries && bytes_ <= kMaxBytes) break;
    if (entry->answer) erase(entry);  // a call that still runs keeps its key
  }
}

IdempotencyTable::Begun IdempotencyTable::begin(std::string_view key, std::string_view fingerprint, WallTime now) {
  const std::lock_guard lock(mutex_);
  make_room(now);
  const auto it = index_.find(key);
  if (it != index_.end()) {
    const Entry& entry = *it->second;
    if (entry.fingerprint != fingerprint) return {.found = Found::kConflict};
    if (!entry.answer) return {.found = Found::kRunning};
    return {.found = Found::kStored, .answer = entry.answer};
  }
  if (entries_.size() >= kMaxEntries) return {.found = Found::kFull};
  entries_.push_back({.key = std::string(key), .fingerprint = std::string(fingerprint), .answer = nullptr, .at = now});
  index_.emplace(std::string(key), std::prev(entries_.end()));
  return {.found = Found::kNew, .answer = nullptr, .claim = Claim(this, std::string(key))};
}

std::size_t IdempotencyTable::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace bursar::broker
