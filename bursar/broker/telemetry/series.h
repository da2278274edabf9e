// Counters that carry labels: found without a lock once they exist, and never more of them than the cap.
//
//   Series<Counter, 2> calls("bursar_calls_total", "Requests answered.", {"upstream", "outcome"});
//   calls.at({"files", "ok"}).add(1);
//   calls.each([](std::span<const std::string> labels, const Counter& c) { … });
//
// An open-addressing table of pointers that are only ever set, so readers need no lock; writers take one. A label value
// that does not fit the cap of its label, or a whole series past kMaxSeries, is counted under "other".
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/clock.h"

namespace bursar::broker {

class Counter {
 public:
  void add(std::int64_t by) { value_.fetch_add(by, std::memory_order_relaxed); }
  void set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_ = 0;
};

// Latencies from 100 µs to 60 s.
class LatencyHistogram {
 public:
  static constexpr std::array<std::int64_t, 18> kBoundsUs = {
      100,     250,     500,     1'000,     2'500,     5'000,     10'000,     25'000,     50'000,
      100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000, 30'000'000, 60'000'000};

  void observe(Duration latency) {
    const std::int64_t us = std::max<std::int64_t>(latency.count(), 0);
    const auto bucket = std::ranges::lower_bound(kBoundsUs, us) - kBoundsUs.begin();
    counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
    sum_us_.fetch_add(us, std::memory_order_relaxed);
  }
  // Per bucket, not cumulative; the last is what lies above every bound.
  [[nodiscard]] std::array<std::uint64_t, kBoundsUs.size() + 1> counts() const {
    std::array<std::uint64_t, kBoundsUs.size() + 1> out{};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = counts_[i].load(std::memory_order_relaxed);
    return out;
  }
  [[nodiscard]] double sum_seconds() const {
    return static_cast<double>(sum_us_.load(std::memory_order_relaxed)) / 1e6;
  }

 private:
  std::array<std::atomic<std::uint64_t>, kBoundsUs.size() + 1> counts_{};
  std::atomic<std::int64_t> sum_us_ = 0;
};

template <class Cell, std::size_t kLabels>
class Series {
 public:
  using Values = std::array<std::string_view, kLabels>;
  static constexpr std::size_t kMaxSeries = 1024;
  static constexpr std::size_t kMaxValueBytes = 128;

  Series(std::string name, std::string help, std::array<std::string, kLabels> labels, std::size_t max_values)
      : name_(std::move(name)), help_(std::move(help)), labels_(std::move(labels)), max_values_(max_values) {}

  [[nodiscard]] Cell& at(const Values& values) {
    if (Entry* found = find(values)) return found->cell;
    return insert(values);
  }

  template <class Visit>
  void each(Visit visit) const {
    const std::scoped_lock lock(mutex_);
    for (const auto& entry : entries_) visit(std::span<const std::string>(entry->values), entry->cell);
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& help() const { return help_; }
  [[nodiscard]] std::span<const std::string> labels() const { return labels_; }

 private:
  static constexpr std::size_t kSlots = std::bit_ceil(kMaxSeries * 2);
  static constexpr std::string_view kOther = "other";

  struct Entry {
    std::array<std::string, kLabels> values;
    Cell cell;
  };

  static std::size_t slot_of(const Values& values) {
    std::size_t hash = 0;
    for (const auto value : values) hash = hash * 1'000'003 + std::hash<std::string_view>{}(value);
    return hash % kSlots;
  }

  Entry* find(const Values& values) const {
    for (std::size_t slot = slot_of(values);; slot = (slot + 1) % kSlots) {
      Entry* entry = slots_[slot].load(std::memory_order_acquire);
      if (entry == nullptr || std::ranges::equal(entry->values, values)) return entry;
    }
  }

  Cell& insert(Values values) {
    const std::scoped_lock lock(mutex_);
    for (std::size_t i = 0; i < kLabels; ++i) values[i] = bounded(i, values[i]);
    if (Entry* found = find(values)) return found->cell;
    if (entries_.size() >= kMaxSeries - 1) {
      values.fill(kOther);
      if (Entry* found = find(values)) return found->cell;
    }
    auto entry = std::make_unique<Entry>();
    for (std::size_t i = 0; i < kLabels; ++i) {
      entry->values[i] = values[i];
      if (std::ranges::find(known_[i], values[i]) == known_[i].end()) known_[i].emplace_back(values[i]);
    }
    std::size_t slot = slot_of(values);
    while (slots_[slot].load(std::memory_order_relaxed) != nullptr) slot = (slot + 1) % kSlots;
    slots_[slot].store(entry.get(), std::memory_order_release);
    return entries_.emplace_back(std::move(entry))->cell;
  }

  std::string_view bounded(std::size_t label, std::string_view value) const {
    const auto& known = known_[label];
    if (std::ranges::find(known, value) != known.end()) return value;
    return known.size() < max_values_ && value.size() <= kMaxValueBytes ? value : kOther;
  }

  std::string name_, help_;
  std::array<std::string, kLabels> labels_;
  std::size_t max_values_;
  std::array<std::atomic<Entry*>, kSlots> slots_{};
  mutable std::mutex mutex_;  // guards what stands below, and every write to slots_
  std::vector<std::unique_ptr<Entry>> entries_;
  std::array<std::vector<std::string>, kLabels> known_;
};

}  // namespace bursar::broker
