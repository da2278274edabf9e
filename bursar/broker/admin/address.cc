#include "bursar/broker/admin/address.h"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxLine = 512;

std::string file_of(const std::string& database) { return database + ".url"; }

}  // namespace

Result<void> publish_address(const std::string& database, const LocalAddress& address) {
  const std::string path = file_of(database), fresh = path + ".new";
  std::error_code error;
  std::filesystem::remove(fresh, error);
  // Made for its owner only from the start: there is no moment in which others could open it.
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  const std::string text = address.url + '\n' + address.secret + '\n' + address.certificate + '\n';
  const bool written = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (file >= 0) ::close(file);
  if (!written) return fail(ErrorCode::kUnavailable, path + " cannot be written; check the folder's permissions");
  std::filesystem::rename(fresh, path, error);
  if (error) return fail(ErrorCode::kUnavailable, path + " cannot be written: " + error.message());
  return {};
}

void withdraw_address(const std::string& database) {
  std::error_code ignored;
  std::filesystem::remove(file_of(database), ignored);
}

std::optional<LocalAddress> published_address(const std::string& database) {
  std::ifstream file(file_of(database), std::ios::binary);
  LocalAddress out;
  const bool read = std::getline(file, out.url) && std::getline(file, out.secret);
  if (!read || out.url.size() > kMaxLine || out.secret.size() > kMaxLine) return std::nullopt;
  std::getline(file, out.certificate);
  const bool pinned = out.url.starts_with("https://") && out.certificate.size() == 64;
  if (!pinned && !out.url.starts_with("http://")) return std::nullopt;
  return out;
}

}  // namespace bursar::broker
