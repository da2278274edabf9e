#include "bursar/cli/experiment/accountant_file.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sstream>
#include <sys/file.h>
#include <thread>
#include <unistd.h>

#include "bursar/cli/experiment/experiment_verbs.h"
#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

constexpr auto kLongestWait = std::chrono::seconds(10);
constexpr auto kPause = std::chrono::milliseconds(20);

tl::unexpected<Error> refused(const std::string& path, const std::string& what) {
  return fail(ErrorCode::kUnavailable, path + ": " + what + ": " + std::strerror(errno));
}

}  // namespace

AccountantFile::AccountantFile(AccountantFile&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)), accountant_(std::move(other.accountant_)) {}

AccountantFile::~AccountantFile() {
  if (lock_ >= 0) ::close(lock_);
}

Result<AccountantFile> AccountantFile::open(std::string path, std::optional<explore::PrivacyLoss> limit) {
  AccountantFile file(path, ::open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.lock_ < 0) return refused(path, "cannot be locked");
  const auto deadline = std::chrono::steady_clock::now() + kLongestWait;
  while (::flock(file.lock_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return refused(path, "cannot be locked");
    if (std::chrono::steady_clock::now() > deadline)
      return fail(ErrorCode::kUnavailable, path + ": another process has held it for ten seconds", true);
    std::this_thread::sleep_for(kPause);
  }
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    if (!limit) return invalid_argument(path + ": does not exist; give --epsilon-limit to make it");
    auto made = explore::PrivacyAccountant::make(*limit);
    if (!made) return tl::unexpected(made.error());
    file.accountant_ = *std::move(made);
    return file;
  }
  std::istringstream none;
  const auto document = read_text(path, none).and_then([](const std::string& text) {
    return parse_json(text, {.max_bytes = std::size_t{256} << 20});
  });
  if (!document) return tl::unexpected(with_context(path, document.error()));
  if (!document->is_object()) return fail(ErrorCode::kCorrupt, path + ": is no accountant");
  auto restored = explore::PrivacyAccountant::restore(document->get_object());
  if (!restored) return tl::unexpected(with_context(path, restored.error()));
  file.accountant_ = *std::move(restored);
  if (limit && limit->epsilon != file.accountant_->limit().epsilon) {
    return invalid_argument("--epsilon-limit: " + path + " has the limit " +
                            short_number(file.accountant_->limit().epsilon) + " already; leave it out");
  }
  return file;
}

Result<void> AccountantFile::save() const {
  const std::string text = to_json(accountant_->save()) + '\n', part = path_ + ".part";
  const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return refused(path_, "cannot be written");
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  ::close(fd);
  if (!written || ::rename(part.c_str(), path_.c_str()) != 0) return refused(path_, "cannot be written");
  const std::filesystem::path folder = std::filesystem::path(path_).parent_path();
  const int parent = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = parent >= 0 && ::fsync(parent) == 0;
  if (parent >= 0) ::close(parent);
  return synced ? Result<void>{} : refused(path_, "its folder cannot be synced");
}

}  // namespace bursar::cli
