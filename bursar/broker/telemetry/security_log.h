// The denials, apart from everything else: a file of JSON lines for those who watch for attacks.
//
//   SecurityLog log;
//   log.open("security.jsonl");                   // errors: kUnavailable; the empty path closes
//   log.write("request_denied", {{"status", 401}, {"host", host}});
//
// Lines go through the same filter as the log: no secret is written. Appended by a thread of its own, so nobody waits
// for the disk; while more than 4,096 lines wait, further ones are counted and the next line says how many were lost.
// The file is opened anew for each group of lines, so it may be moved away at any time. Thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "bursar/broker/http/workers.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/core/published.h"
#include "bursar/core/result.h"

namespace bursar::broker {

class SecurityLog {
 public:
  Result<void> open(const std::string& path);  // creates it for its owner only
  void write(std::string_view event, std::initializer_list<LogField> fields);

 private:
  Published<const std::string> path_;
  std::atomic<std::uint64_t> lost_{0};
  Workers writer_{1, 4096};
};

}  // namespace bursar::broker
