#include "bursar/broker/pipeline/breaker.h"

#include <algorithm>
#include <utility>

namespace bursar::broker {

class Circuit {
 public:
  void enter(WallTime now, bool& allowed, bool& probe, Duration& retry_after) {
    const std::lock_guard lock(mutex_);
    allowed = true;
    if (failures_ < kFailuresToOpen) return;
    if (now < open_until_) {
      allowed = false;
      retry_after = open_until_ - now;
    } else if (probing_) {
      // The probe may take its time; a second is a fair guess of when to ask again.
      allowed = false;
      retry_after = std::chrono::seconds{1};
    } else {
      probing_ = probe = true;
    }
  }

  void report(bool healthy, bool probe, WallTime now) {
    const std::lock_guard lock(mutex_);
    if (probe) probing_ = false;
    if (healthy) {
      failures_ = 0;
      answered_ = now;
      return;
    }
    failures_ = std::min(failures_ + 1, kFailuresToOpen);
    // Late failures of calls that started before the circuit opened must not keep it open for longer.
    if (failures_ == kFailuresToOpen && (probe || now >= open_until_)) open_until_ = now + kOpenFor;
  }

  void report_timeout(bool probe, WallTime sent, WallTime now) {
    {
      const std::lock_guard lock(mutex_);
      if (!probe && answered_ > sent) return;
    }
    report(false, probe, now);
  }

  void abandon_probe() {
    const std::lock_guard lock(mutex_);
    probing_ = false;
  }

  void count(WallTime now, bool retry) {
    const std::lock_guard lock(mutex_);
    Cell& cell = cells_[slot(now)];
    if (cell.second != second(now)) cell = {.second = second(now)};
    ++(retry ? cell.retries : cell.calls);
  }

  double retry_share(WallTime now) const {
    const std::lock_guard lock(mutex_);
    std::int64_t calls = 0, retries = 0;
    for (const Cell& cell : cells_) {
      if (cell.second > second(now) - static_cast<std::int64_t>(kRetryWindowSeconds) && cell.second <= second(now)) {
        calls += cell.calls;
        retries += cell.retries;
      }
    }
    if (retries < kFreeRetries) return 0;
    return static_cast<double>(retries) / static_cast<double>(std::max<std::int64_t>(calls, 1));
  }

  CircuitState state(WallTime now) const {
    const std::lock_guard lock(mutex_);
    if (failures_ < kFailuresToOpen) return CircuitState::kClosed;
    return now < open_until_ ? CircuitState::kOpen : CircuitState::kProbing;
  }

 private:
  struct Cell {
    std::int64_t second = -1, calls = 0, retries = 0;
  };
  static std::int64_t second(WallTime t) { return unix_us(t) / 1'000'000; }
  static std::size_t slot(WallTime t) { return static_cast<std::size_t>(second(t)) % kRetryWindowSeconds; }

  mutable std::mutex mutex_;
  int failures_ = 0;
  bool probing_ = false;
  WallTime open_until_{};
  WallTime answered_{};  // last healthy report
  std::array<Cell, kRetryWindowSeconds> cells_{};
};

BreakerPass& BreakerPass::operator=(BreakerPass&& other) noexcept {
  if (this != &other) {
    if (probe_ && circuit_) circuit_->abandon_probe();
    circuit_ = std::move(other.circuit_);
    allowed_ = other.allowed_;
    probe_ = std::exchange(other.probe_, false);
    retry_after_ = other.retry_after_;
  }
  return *this;
}

BreakerPass::~BreakerPass() {
  if (probe_ && circuit_) circuit_->abandon_probe();
}

void BreakerPass::report(bool healthy, WallTime now) {
  if (circuit_) circuit_->report(healthy, std::exchange(probe_, false), now);
}

void BreakerPass::report_timeout(WallTime sent, WallTime now) {
  if (circuit_) circuit_->report_timeout(std::exchange(probe_, false), sent, now);
}

std::shared_ptr<Circuit> Breakers::circuit(std::string_view upstream) const {
  {
    const std::shared_lock lock(mutex_);
    if (auto it = circuits_.find(upstream); it != circuits_.end()) return it->second;
  }
  const std::unique_lock lock(mutex_);
  auto& slot = circuits_[std::string(upstream)];
  if (!slot) slot = std::make_shared<Circuit>();
  return slot;
}

BreakerPass Breakers::enter(std::string_view upstream, WallTime now) {
  BreakerPass pass;
  pass.circuit_ = circuit(upstream);
  pass.circuit_->enter(now, pass.allowed_, pass.probe_, pass.retry_after_);
  return pass;
}

void Breakers::count_call(std::string_view upstream, WallTime now) { circuit(upstream)->count(now, false); }
void Breakers::count_retry(std::string_view upstream, WallTime now) { circuit(upstream)->count(now, true); }
double Breakers::retry_share(std::string_view upstream, WallTime now) const {
  return circuit(upstream)->retry_share(now);
}
CircuitState Breakers::state(std::string_view upstream, WallTime now) const { return circuit(upstream)->state(now); }

}  // namespace bursar::broker
