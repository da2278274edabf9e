// Time as Bursar counts it: microseconds. Deciding code takes the time as an argument; a Clock stands only at the
// edges.
//
//   SimulatedClock clock{wall_from_unix_us(0)};
//   clock.advance(std::chrono::seconds{2});
//   ledger.expire(clock.now());
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace bursar {

using Duration = std::chrono::microseconds;
using WallTime = std::chrono::sys_time<Duration>;  // UTC, since 1970

[[nodiscard]] constexpr WallTime wall_from_unix_us(std::int64_t us) { return WallTime{Duration{us}}; }
[[nodiscard]] constexpr std::int64_t unix_us(WallTime t) { return t.time_since_epoch().count(); }

// Thread-safe. now() never runs backwards within one process.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual WallTime now() const = 0;
};

// The machine's wall clock, read once at the start and carried on by the steady clock, so that an administrator who
// sets the time back cannot make a budget window run twice in one process.
class SystemClock final : public Clock {
 public:
  SystemClock();
  [[nodiscard]] WallTime now() const override;

 private:
  WallTime wall_start_;
  std::chrono::steady_clock::time_point steady_start_;
};

// Moves only when told to; for tests, simulation and replay.
class SimulatedClock final : public Clock {
 public:
  explicit SimulatedClock(WallTime start = wall_from_unix_us(0)) : now_us_(unix_us(start)) {}
  [[nodiscard]] WallTime now() const override { return wall_from_unix_us(now_us_.load(std::memory_order_relaxed)); }
  void advance(Duration by) { now_us_.fetch_add(by.count(), std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> now_us_;
};

}  // namespace bursar
