#include "bursar/cli/explore/bandit_file.h"

#include <boost/json/array.hpp>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

#include "bursar/core/json.h"
#include "bursar/explore/policies.h"

namespace bursar::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostBytes = 1 << 30, kMostName = 256;

tl::unexpected<Error> refused(const std::string& path, const char* what) {
  return fail(ErrorCode::kUnavailable, path + ": " + what + ": " + std::strerror(errno));
}

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

BanditFile::BanditFile(BanditFile&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      policy_(std::move(other.policy_)),
      names_(std::move(other.names_)) {}

BanditFile::~BanditFile() {
  if (lock_ >= 0) ::close(lock_);
}

Result<BanditFile> BanditFile::open(std::string path, Access access) {
  BanditFile out(std::move(path));
  if (access == Access::kWrite) {
    if (auto ok = out.lock(); !ok) return tl::unexpected(ok.error());
  }
  if (auto ok = out.read(); !ok) return tl::unexpected(ok.error());
  return out;
}

Result<void> BanditFile::lock() {
  const std::string beside = path_ + ".lock";
  lock_ = ::open(beside.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
  if (lock_ < 0) return refused(beside, "cannot be opened");
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return refused(beside, "cannot be locked");
  return fail(ErrorCode::kUnavailable, path_ + ": another `bursar explore run` has it open", true);
}

Result<void> BanditFile::read() {
  std::error_code code;
  if (!std::filesystem::exists(path_, code)) return {};
  std::ifstream file(path_, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) return refused(path_, "cannot be read");
  const auto corrupt = [&](const Error& error) {
    return fail(ErrorCode::kCorrupt, path_ + ": is no bandit that `bursar explore run` kept: " + error.message);
  };
  const auto document = parse_json(std::move(text).str(), {.max_bytes = kMostBytes});
  if (!document) return corrupt(document.error());
  const JsonView root(*document);
  if (const auto version = root.int_at("bursar-explore", 1, 1); !version) return corrupt(version.error());
  const auto state = root.at("state");
  if (!state) return corrupt(state.error());
  auto policy = restore_policy(explore::policies(), state->value());
  if (!policy) return corrupt(policy.error());
  const auto names = root.at("names");
  if (!names) return corrupt(names.error());
  const auto size = names->array_size();
  if (!size) return corrupt(size.error());
  for (std::size_t i = 0; i < *size; ++i) {
    const auto name = names->element(i).and_then([](const JsonView& v) { return v.as_string(kMostName); });
    if (!name) return corrupt(name.error());
    names_.emplace_back(*name);
  }
  policy_ = std::move(*policy);
  return {};
}

std::string BanditFile::name(std::size_t arm) const { return arm < names_.size() ? names_[arm] : std::to_string(arm); }

void BanditFile::begin(std::unique_ptr<Policy> policy, std::vector<std::string> names) {
  policy_ = std::move(policy);
  names_ = std::move(names);
}

Result<void> BanditFile::save() const {
  json::array names;
  for (const std::string& name : names_) names.emplace_back(name);
  const std::string text =
      to_json(json::object{{"bursar-explore", 1}, {"names", std::move(names)}, {"state", policy_->save()}}) + "\n";
  const std::string beside = path_ + ".new";
  const int file = ::open(beside.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  if (file < 0) return refused(beside, "cannot be opened");
  const bool written = write_all(file, text) && ::fsync(file) == 0;
  const int wrong = errno;
  ::close(file);
  errno = wrong;
  if (!written) return refused(beside, "cannot be written");
  if (::rename(beside.c_str(), path_.c_str()) != 0) return refused(path_, "cannot be replaced");
  const auto folder = std::filesystem::path(path_).parent_path();
  const int directory = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    (void)::fsync(directory);
    ::close(directory);
  }
  return {};
}

}  // namespace bursar::cli
