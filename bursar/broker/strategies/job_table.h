// The jobs that run, for whoever drains or stops the gateway. Thread-safe; shared with the jobs, which may outlive the
// doors.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "bursar/broker/strategies/live_job.h"

namespace bursar::broker {

class JobTable {
 public:
  void add(const std::shared_ptr<LiveJob>& job) {
    const std::scoped_lock lock(mutex_);
    jobs_.emplace(job.get(), job);
  }
  void erase(const LiveJob& job) {
    const std::scoped_lock lock(mutex_);
    jobs_.erase(&job);
  }
  [[nodiscard]] std::size_t size() const {
    const std::scoped_lock lock(mutex_);
    return jobs_.size();
  }
  void stop() {
    std::vector<std::shared_ptr<LiveJob>> jobs;
    {
      const std::scoped_lock lock(mutex_);
      for (const auto& [key, weak] : jobs_) {
        if (auto job = weak.lock()) jobs.push_back(std::move(job));
      }
    }
    for (const auto& job : jobs) job->stop();
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<const LiveJob*, std::weak_ptr<LiveJob>> jobs_;
};

}  // namespace bursar::broker
