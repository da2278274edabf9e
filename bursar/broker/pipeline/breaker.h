// The circuit of each upstream, and how many of its calls were retries.
//
//   Breakers breakers;
//   BreakerPass pass = breakers.enter("cloud", now);
//   if (!pass.allowed()) refuse(pass.retry_after());
//   … the call …
//   pass.report(/*healthy=*/true, now);              // a pass that is dropped without a report decides nothing
//
// 5 consecutive failures open the circuit for 30 s; then one probe goes through: its success closes the circuit, its
// failure opens it for another 30 s, and a probe that is dropped lets the next call probe. The retry share counts the
// retries and first attempts of the last 60 s. Source: systems/mcp-production, section B rule 5.
// Thread-safe; one lock an upstream, held for a few instructions.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "bursar/core/clock.h"

namespace bursar::broker {

inline constexpr int kFailuresToOpen = 5;
inline constexpr Duration kOpenFor = std::chrono::seconds{30};
inline constexpr std::size_t kRetryWindowSeconds = 60;
// So few retries a minute are always in budget: a share says nothing about an upstream with three calls.
inline constexpr int kFreeRetries = 10;

class Circuit;

class BreakerPass {
 public:
  BreakerPass() = default;
  BreakerPass(BreakerPass&&) noexcept = default;
  BreakerPass& operator=(BreakerPass&& other) noexcept;
  ~BreakerPass();

  [[nodiscard]] bool allowed() const { return allowed_; }
  [[nodiscard]] bool probe() const { return probe_; }
  [[nodiscard]] Duration retry_after() const { return retry_after_; }
  // May be called once an attempt; the first report ends a probe.
  void report(bool healthy, WallTime now);
  // A call that was sent at `sent` got no answer in time. That says nothing about the upstream where it has answered
  // another call since: one slow call, or a burst of our own, is no outage.
  void report_timeout(WallTime sent, WallTime now);

 private:
  friend class Breakers;
  std::shared_ptr<Circuit> circuit_;
  bool allowed_ = true, probe_ = false;
  Duration retry_after_{0};
};

enum class CircuitState : std::uint8_t { kClosed, kOpen, kProbing };

class Breakers {
 public:
  [[nodiscard]] BreakerPass enter(std::string_view upstream, WallTime now);
  void count_call(std::string_view upstream, WallTime now);
  void count_retry(std::string_view upstream, WallTime now);
  // Retries / first attempts of the last 60 s; 0 while there were at most kFreeRetries retries.
  [[nodiscard]] double retry_share(std::string_view upstream, WallTime now) const;
  [[nodiscard]] CircuitState state(std::string_view upstream, WallTime now) const;

 private:
  // Upstream names come from the configuration, so the map needs no bound of its own.
  [[nodiscard]] std::shared_ptr<Circuit> circuit(std::string_view upstream) const;
  mutable std::shared_mutex mutex_;
  mutable std::map<std::string, std::shared_ptr<Circuit>, std::less<>> circuits_;
};

}  // namespace bursar::broker
