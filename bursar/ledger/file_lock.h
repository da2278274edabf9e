// Keeps a file to one process: an advisory lock on a file beside it, which the kernel frees when its owner dies.
//
//   auto lock = FileLock::take("var/ledger.db.lock");   // errors: kUnavailable, naming the process that has it
#pragma once

#include <string>
#include <utility>

#include "bursar/core/result.h"

namespace bursar::ledger {

class FileLock {
 public:
  static Result<FileLock> take(const std::string& path);
  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace bursar::ledger
