#include "bursar/broker/telemetry/security_log.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace bursar::broker {
namespace {

int open_file(const std::string& path) { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600); }

bool append(const std::string& path, std::string_view line) {
  const int fd = open_file(path);
  if (fd < 0) return false;
  const bool whole = ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  ::close(fd);
  return whole;
}

}  // namespace

Result<void> SecurityLog::open(const std::string& path) {
  if (!path.empty()) {
    const int fd = open_file(path);
    if (fd < 0) {
      return fail(ErrorCode::kUnavailable,
                  "audit.security_log: cannot write " + path + ": " + std::strerror(errno) + "; name another file",
                  true);
    }
    ::close(fd);
  }
  path_.store(std::make_shared<const std::string>(path));
  return {};
}

void SecurityLog::write(std::string_view event, std::initializer_list<LogField> fields) {
  const auto path = path_.load();
  if (!path || path->empty()) return;
  const std::uint64_t lost = lost_.exchange(0);
  std::string line = log_line(LogLevel::kWarn, event, fields) + '\n';
  if (lost > 0) line += log_line(LogLevel::kWarn, "denials_lost", {{"lines", lost}}) + '\n';
  const bool taken = writer_.post([this, path, lost, line = std::move(line)] {
    if (!append(*path, line)) lost_.fetch_add(lost + 1);
  });
  if (!taken) lost_.fetch_add(lost + 1);
}

}  // namespace bursar::broker
