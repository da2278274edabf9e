#include "bursar/cli/experiment/experiment_file.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "bursar/core/json.h"
#include "bursar/core/utc_text.h"

namespace bursar::cli {
namespace {

namespace json = boost::json;

constexpr auto kLongestWait = std::chrono::seconds(10);
constexpr auto kPause = std::chrono::milliseconds(20);

Error corrupt(const std::string& what) { return {.code = ErrorCode::kCorrupt, .message = what, .payload = {}}; }

// A file that was made is only sure to be found again when its folder is on disk, too.
bool sync_folder(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool ok = ::fsync(fd) == 0;
  ::close(fd);
  return ok;
}

}  // namespace

json::object reward_line(std::string_view arm, double reward, std::string_view id, WallTime now) {
  json::object line{{"at", utc_text(now)}, {"arm", arm}, {"reward", reward}};
  if (!id.empty()) line["id"] = id;
  return line;
}

json::object decision_line(std::string_view arm, bool finished, WallTime now) {
  return {{"at", utc_text(now)}, {"decided", arm}, {"finished", finished}};
}

ExperimentFile::ExperimentFile(ExperimentFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      good_bytes_(other.good_bytes_),
      experiment_(std::move(other.experiment_)),
      accountant_(std::move(other.accountant_)),
      decision_(std::move(other.decision_)),
      notes_(std::move(other.notes_)) {}

ExperimentFile::~ExperimentFile() {
  if (fd_ >= 0) ::close(fd_);
}

tl::unexpected<Error> ExperimentFile::refused(const std::string& what) const {
  return fail(ErrorCode::kUnavailable, path_ + ": " + what + ": " + std::strerror(errno));
}

Result<ExperimentFile> ExperimentFile::create(std::string path, explore::ExperimentDesign design,
                                              std::optional<AccountantHold> accountant, WallTime now) {
  json::object first{{"bursar-experiment", 1}, {"at", utc_text(now)}, {"design", to_json_object(design)}};
  if (accountant) {
    first["accountant"] = {
        {"file", accountant->file}, {"unit", accountant->unit}, {"hold", static_cast<std::int64_t>(accountant->hold)}};
  }
  auto experiment = explore::Experiment::make(std::move(design));
  if (!experiment) return tl::unexpected(experiment.error());
  const bool secret = experiment->design().method == explore::ExperimentMethod::kPrivate;
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, secret ? 0600 : 0644);
  if (fd < 0 && errno == EEXIST) {
    return fail(ErrorCode::kAlreadyExists, path + ": there is such a file already; go on with it, or name another");
  }
  ExperimentFile file(std::move(path), fd);
  if (fd < 0) return file.refused("cannot be made");
  if (auto ok = file.lock(FileAccess::kWrite); !ok) return tl::unexpected(ok.error());
  file.experiment_ = *std::move(experiment);
  file.accountant_ = std::move(accountant);
  if (auto ok = file.append({first}); !ok) return tl::unexpected(ok.error());
  if (!sync_folder(file.path_)) return file.refused("its folder cannot be synced");
  return file;
}

Result<ExperimentFile> ExperimentFile::open(std::string path, FileAccess access) {
  const int fd = ::open(path.c_str(), (access == FileAccess::kWrite ? O_RDWR | O_APPEND : O_RDONLY) | O_CLOEXEC);
  ExperimentFile file(std::move(path), fd);
  if (fd < 0) return file.refused("cannot be opened");
  if (auto ok = file.lock(access); !ok) return tl::unexpected(ok.error());
  const auto text = file.read_all();
  if (!text) return tl::unexpected(text.error());
  if (auto ok = file.replay(*text); !ok) return tl::unexpected(with_context(file.path_, ok.error()));
  return file;
}

Result<void> ExperimentFile::lock(FileAccess access) {
  const auto deadline = std::chrono::steady_clock::now() + kLongestWait;
  while (::flock(fd_, (access == FileAccess::kWrite ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return refused("cannot be locked");
    if (std::chrono::steady_clock::now() > deadline) {
      return fail(ErrorCode::kUnavailable, path_ + ": another process has held it for ten seconds; try again later",
                  true);
    }
    std::this_thread::sleep_for(kPause);
  }
  return {};
}

Result<std::string> ExperimentFile::read_all() {
  struct stat about{};
  if (::fstat(fd_, &about) != 0) return refused("cannot be read");
  if (!S_ISREG(about.st_mode)) return fail(ErrorCode::kUnavailable, path_ + ": is not a file");
  if (static_cast<std::uint64_t>(about.st_size) > kMostBytes)
    return fail(ErrorCode::kExhausted, path_ + ": is longer than 256 MiB");
  std::string text(static_cast<std::size_t>(about.st_size), '\0');
  std::size_t got = 0;
  while (got < text.size()) {
    const ssize_t n = ::pread(fd_, text.data() + got, text.size() - got, static_cast<off_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refused("cannot be read");
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  text.resize(got);
  return text;
}

Result<void> ExperimentFile::replay(std::string_view text) {
  std::size_t number = 0;
  while (good_bytes_ < text.size()) {
    const std::size_t end = text.find('\n', good_bytes_);
    if (end == std::string_view::npos) {
      notes_.push_back("the last line was cut off and is left out (" + std::to_string(text.size() - good_bytes_) +
                       " bytes); it was never acknowledged");
      break;
    }
    ++number;
    const auto line = parse_json(text.substr(good_bytes_, end - good_bytes_), {.max_bytes = kMostBytes});
    if (!line) return tl::unexpected(corrupt("line " + std::to_string(number) + ": " + line.error().message));
    if (auto ok = take_line(*line, number); !ok) {
      return tl::unexpected(corrupt("line " + std::to_string(number) + ": " + ok.error().message));
    }
    good_bytes_ = end + 1;
  }
  if (!experiment_) return tl::unexpected(corrupt("is no experiment: its first line is not a design"));
  return {};
}

Result<void> ExperimentFile::take_line(const json::value& line, std::size_t number) {
  const JsonView view(line);
  if (number == 1) {
    if (auto version = view.int_at("bursar-experiment", 1, 1); !version) return tl::unexpected(version.error());
    const auto design = view.at("design").and_then([](const JsonView& v) { return explore::read_design(v.value()); });
    if (!design) return tl::unexpected(design.error());
    auto experiment = explore::Experiment::make(*design);
    if (!experiment) return tl::unexpected(experiment.error());
    experiment_ = *std::move(experiment);
    const auto found = view.find("accountant");
    if (!found || !*found) return found.map([](const auto&) {});
    const JsonView& own = **found;
    const auto file = own.string_at("file"), unit = own.string_at("unit");
    const auto hold = own.int_at("hold", 1);
    if (!file || !unit || !hold) return own.wrong("is not complete");
    accountant_ = AccountantHold{std::string(*file), std::string(*unit), static_cast<explore::PrivacyHold>(*hold)};
    return {};
  }
  if (const auto decided = view.find("decided"); decided && *decided) {
    const auto arm = (*decided)->as_string();
    const auto finished = view.bool_at("finished");
    const auto at = view.string_at("at");
    if (!arm || !finished || !at) return view.wrong("is no decision");
    decision_ = RecordedDecision{std::string(*arm), std::string(*at), *finished};
    return {};
  }
  const auto name = view.string_at("arm");
  const auto reward = view.double_at("reward", -1e300, 1e300);
  const auto id = view.find("id");
  if (!name || !reward || !id) return view.wrong("is neither a reward nor a decision");
  const auto arm = arm_named(*name);
  if (!arm) return tl::unexpected(arm.error());
  const auto text = *id ? (*id)->as_string() : Result<std::string_view>("");
  if (!text) return tl::unexpected(text.error());
  return experiment_->record(*arm, *reward, *text).map([](bool) {});
}

Result<std::size_t> ExperimentFile::arm_named(std::string_view name) const {
  const auto& arms = experiment_->design().arms;
  const auto found = std::ranges::find(arms, name);
  if (found != arms.end()) return static_cast<std::size_t>(found - arms.begin());
  std::string all;
  for (std::size_t a = 0; a < std::min<std::size_t>(arms.size(), 10); ++a) all += (a > 0 ? ", " : "") + arms[a];
  return fail(ErrorCode::kNotFound,
              "arm '" + std::string(name) + "' does not exist; there are " + all + (arms.size() > 10 ? ", …" : ""));
}

Result<void> ExperimentFile::append(const std::vector<json::object>& lines) {
  std::string text;
  for (const json::object& line : lines) text += to_json(line) + '\n';
  if (good_bytes_ + text.size() > kMostBytes) return fail(ErrorCode::kExhausted, path_ + ": would exceed 256 MiB");
  // What a crash left after the last whole line goes first, or it would end up in the middle.
  const auto rewind = [&] { return ::ftruncate(fd_, static_cast<off_t>(good_bytes_)) == 0; };
  if (!rewind()) return refused("cannot be written");
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(fd_, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const auto error = refused("cannot be written");
      (void)rewind();
      return error;
    }
    done += static_cast<std::size_t>(n);
  }
  if (::fsync(fd_) != 0) return refused("cannot be synced");
  good_bytes_ += text.size();
  return {};
}

}  // namespace bursar::cli
