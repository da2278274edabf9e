#include "bursar/broker/state_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace bursar::broker {

Result<std::optional<std::string>> read_whole(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::optional<std::string>();
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  if (!in) return fail(ErrorCode::kUnavailable, path + ": cannot be read; check its permissions");
  return std::optional(std::move(text));
}

Result<void> write_whole(const std::string& path, std::string_view text) {
  const std::string beside = path + ".new";
  {
    std::ofstream out(beside, std::ios::binary | std::ios::trunc);
    out << text;
    if (!out.flush()) return fail(ErrorCode::kUnavailable, beside + ": cannot be written", true);
  }
  std::error_code error;
  using std::filesystem::perms;
  std::filesystem::permissions(beside, perms::owner_read | perms::owner_write, error);  // as the database's own
  std::filesystem::rename(beside, path, error);
  if (error) return fail(ErrorCode::kUnavailable, path + ": " + error.message(), true);
  return {};
}

}  // namespace bursar::broker
