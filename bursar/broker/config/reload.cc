#include "bursar/broker/config/reload.h"

#include <chrono>
#include <sys/stat.h>

namespace bursar::broker {
namespace {

constexpr std::chrono::milliseconds kSettles{250};

}  // namespace

std::vector<std::string> fixed_parts_changed(const Config& running, const Config& wanted) {
  std::vector<std::string> out;
  if (running.listen != wanted.listen) out.emplace_back("listen");
  if (running.database != wanted.database) out.emplace_back("database");
  if (running.policies != wanted.policies) out.emplace_back("policies");
  return out;
}

ConfigFile::Mark ConfigFile::mark_of(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return {};
  return {.device = info.st_dev,
          .inode = info.st_ino,
          .size = info.st_size,
          .changed_ns = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec};
}

// The same file as before, changed a moment ago: who writes it may have emptied it and not be done. Half a file can be
// a valid one.
bool ConfigFile::being_written(const Mark& mark) const {
  using std::chrono::nanoseconds;
  if (mark.inode != mark_.inode || mark.device != mark_.device) return false;
  const auto age = std::chrono::system_clock::now().time_since_epoch() - nanoseconds{mark.changed_ns};
  return age >= nanoseconds{0} && age < kSettles;
}

ConfigFile::ConfigFile(std::string path, Environment env, Mark mark, Config config)
    : path_(std::move(path)),
      env_(std::move(env)),
      current_(std::make_shared<const Config>(std::move(config))),
      mark_(mark) {}

Result<std::unique_ptr<ConfigFile>> ConfigFile::open(std::string path, Environment env) {
  const Mark mark = mark_of(path);  // before it is read: a change in between is then seen later
  auto config = load_config(path, env);
  if (!config) return tl::unexpected(config.error());
  return std::unique_ptr<ConfigFile>(new ConfigFile(std::move(path), std::move(env), mark, std::move(*config)));
}

std::unique_ptr<ConfigFile> ConfigFile::defaults() {
  auto config = parse_config("", "defaults", [](std::string_view) { return std::nullopt; });
  return std::unique_ptr<ConfigFile>(new ConfigFile("", {}, {}, std::move(config).value_or(Config{})));
}

ConfigFile::Outcome ConfigFile::maybe_reload(bool force) {
  if (path_.empty()) return Outcome::kUnchanged;
  const std::scoped_lock lock(mutex_);
  const Mark mark = mark_of(path_);
  if (!force && (mark == mark_ || being_written(mark))) return Outcome::kUnchanged;
  mark_ = mark;
  auto config = load_config(path_, env_);
  if (!config) {
    error_ = config.error().message;
    return Outcome::kRefused;
  }
  const auto running = current_.load();
  needs_restart_ = fixed_parts_changed(*running, *config);
  config->listen = running->listen;
  config->database = running->database;
  config->policies = running->policies;
  config->limits = running->limits;
  error_.clear();
  current_.store(std::make_shared<const Config>(std::move(*config)));
  ++generation_;
  return Outcome::kAccepted;
}

std::string ConfigFile::error() const {
  const std::scoped_lock lock(mutex_);
  return error_;
}

std::vector<std::string> ConfigFile::needs_restart() const {
  const std::scoped_lock lock(mutex_);
  return needs_restart_;
}

}  // namespace bursar::broker
