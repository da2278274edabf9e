// The tables of policies that Python makes by name ("admit" or "explore"), and who is using one.
//
//   const PolicyInUse in_use(policy);      // while the interpreter lock is released
//
// A policy has one caller at a time. Where a call has released the lock, another thread (or a signal's handler) that
// uses the same policy is refused instead of reading what is half written. Called with the lock held.
#pragma once

#include <string>
#include <vector>

#include "bursar/core/policy.h"

namespace bursar::python {

[[nodiscard]] PolicyTable table_of(const std::string& room);

// kUnavailable, retryable, where the policy is in use.
void require_idle(const Policy& policy);

class PolicyInUse {
 public:
  explicit PolicyInUse(const Policy& policy);
  PolicyInUse(const PolicyInUse&) = delete;
  PolicyInUse& operator=(const PolicyInUse&) = delete;
  ~PolicyInUse();

 private:
  const Policy* policy_;
};

}  // namespace bursar::python
