#include "bursar/cli/tts/search_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/file.h>
#include <unistd.h>

#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

namespace json = boost::json;

constexpr std::int64_t kMost = 1'000'000;
constexpr double kLongestTimeout = 1e7;

tl::unexpected<Error> refused(const std::string& path, const std::string& what) {
  return fail(ErrorCode::kUnavailable, path + ": " + what + ": " + std::strerror(errno));
}

bool sync_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool ok = fd >= 0 && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  return ok;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return ::fsync(fd) == 0;
}

Result<SearchSetup> setup_of(const JsonView& root) {
  SearchSetup out;
  auto pipeline = root.at("pipeline").and_then([](const JsonView& v) { return plan::pipeline_of(v); });
  if (!pipeline) return tl::unexpected(pipeline.error());
  out.pipeline = *std::move(pipeline);
  for (const auto& [key, to] : {std::pair{"run", &out.run}, std::pair{"ask", &out.ask}}) {
    const auto text = root.string_at(key, 1 << 16);
    if (!text) return tl::unexpected(text.error());
    *to = *text;
  }
  for (const auto& [key, to, least] : {std::tuple{"trials", &out.trials, 1}, std::tuple{"batch", &out.batch, 1},
                                       std::tuple{"examples", &out.examples, 1}, std::tuple{"again", &out.again, 0}}) {
    const auto number = root.int_at(key, least, kMost);
    if (!number) return tl::unexpected(number.error());
    *to = *number;
  }
  const auto timeout = root.double_at("timeout_s", 0, kLongestTimeout);
  if (!timeout) return tl::unexpected(timeout.error());
  out.timeout_s = *timeout;
  return out;
}

}  // namespace

Result<void> write_whole(const std::string& path, std::string_view text) {
  const std::string part = path + ".part";
  const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return refused(path, "cannot be written");
  const bool written = write_all(fd, text);
  ::close(fd);
  if (!written || ::rename(part.c_str(), path.c_str()) != 0) return refused(path, "cannot be written");
  return sync_folder_of(path) ? Result<void>{} : refused(path, "its folder cannot be synced");
}

Result<std::string> read_whole(const std::string& path) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) return fail(ErrorCode::kUnavailable, path + ": is a folder");
  std::ifstream file(path, std::ios::binary);
  if (!file) return refused(path, "cannot be opened");
  std::string out;
  char buffer[1 << 16];
  while (file.read(buffer, sizeof buffer) || file.gcount() > 0) {
    out.append(buffer, static_cast<std::size_t>(file.gcount()));
    if (out.size() > SearchFile::kMostBytes) return fail(ErrorCode::kExhausted, path + ": is longer than 256 MiB");
  }
  if (file.bad()) return refused(path, "cannot be read");
  return out;
}

SearchFile::SearchFile(SearchFile&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      setup_(std::move(other.setup_)),
      search_(std::move(other.search_)),
      measured_again_(other.measured_again_) {}

SearchFile::~SearchFile() {
  if (lock_ >= 0) ::close(lock_);
}

Result<SearchFile> SearchFile::lock(std::string path) {
  const std::string beside = path + ".lock";
  SearchFile file(std::move(path), ::open(beside.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (file.lock_ < 0) return refused(file.path_, "cannot be locked");
  while (::flock(file.lock_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return refused(file.path_, "cannot be locked");
    return fail(ErrorCode::kUnavailable, file.path_ + ": another process is searching with it", true);
  }
  return file;
}

Result<SearchFile> SearchFile::create(std::string path, SearchSetup setup) {
  auto search =
      plan::ConfigSearch::make(setup.pipeline.subtasks(), {.space = setup.pipeline.space(), .seed = setup.seed});
  if (!search) return tl::unexpected(search.error());
  auto file = lock(std::move(path));
  if (!file) return tl::unexpected(file.error());
  std::error_code code;
  if (std::filesystem::exists(file->path_, code))
    return fail(
        ErrorCode::kAlreadyExists,
        file->path_ + ": there is a search already; `bursar tts resume` goes on with it, --state names another");
  file->setup_ = std::move(setup);
  file->search_ = *std::move(search);
  if (auto ok = file->save(); !ok) return tl::unexpected(ok.error());
  return file;
}

Result<SearchFile> SearchFile::open(std::string path) {
  std::error_code code;
  if (!std::filesystem::exists(path, code))
    return fail(ErrorCode::kUnavailable, path + ": does not exist; `bursar tts search` makes one");
  auto file = lock(std::move(path));
  if (!file) return tl::unexpected(file.error());
  const auto text = read_whole(file->path_);
  if (!text) return tl::unexpected(text.error());
  if (auto ok = file->read(*text); !ok) return tl::unexpected(with_context(file->path_, ok.error()));
  return file;
}

Result<void> SearchFile::read(std::string_view text) {
  const auto document = parse_json(text, {.max_bytes = kMostBytes});
  if (!document) return fail(ErrorCode::kCorrupt, document.error().message);
  const JsonView root(*document);
  if (const auto version = root.int_at("bursar-tts", 1, 1); !version)
    return fail(ErrorCode::kCorrupt, "is no search of `bursar tts`: " + version.error().message);
  auto setup = setup_of(root);
  if (!setup) return fail(ErrorCode::kCorrupt, setup.error().message);
  const auto again = root.int_at("measured_again", 0, kMost);
  const auto state = root.at("search");
  if (!again) return fail(ErrorCode::kCorrupt, again.error().message);
  if (!state || !state->value().is_object()) return fail(ErrorCode::kCorrupt, "$.search: must be an object");
  auto search = plan::ConfigSearch::restore(state->value().get_object());
  if (!search) return tl::unexpected(search.error());
  setup_ = *std::move(setup);
  search_ = *std::move(search);
  setup_.seed = search_->options().seed;
  measured_again_ = *again;
  return {};
}

Result<void> SearchFile::save() const {
  const json::object whole{{"bursar-tts", 1},
                           {"pipeline", to_json_object(setup_.pipeline)},
                           {"run", setup_.run},
                           {"ask", setup_.ask},
                           {"trials", setup_.trials},
                           {"batch", setup_.batch},
                           {"examples", setup_.examples},
                           {"again", setup_.again},
                           {"timeout_s", setup_.timeout_s},
                           {"measured_again", measured_again_},
                           {"search", search_->save()}};
  return write_whole(path_, to_json(whole) + "\n");
}

}  // namespace bursar::cli
