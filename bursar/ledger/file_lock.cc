#include "bursar/ledger/file_lock.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace bursar::ledger {

Result<FileLock> FileLock::take(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    return fail(ErrorCode::kUnavailable,
                "cannot write " + path + ": " + std::strerror(errno) + "; let this user write the database's folder",
                true);
  }
  FileLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    char owner[32] = {};
    const auto size = ::pread(fd, owner, sizeof owner - 1, 0);
    return fail(ErrorCode::kUnavailable,
                "database is in use by process " + std::string(size > 0 ? owner : "(unknown)") + " (lock " + path +
                    "); stop it first, or give this one a file of its own",
                true);
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    // Only the name of the owner is lost; a full disk must not keep the ledger from opening to say so itself.
  }
  return lock;
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace bursar::ledger
