// The configuration of a running gateway: read again when its file changes, and never worse than the last good one.
//
//   auto file = ConfigFile::open("bursar.yaml", process_environment());
//   auto config = (*file)->current();                       // an immutable snapshot
//   if ((*file)->maybe_reload() == ConfigFile::Outcome::kAccepted) use((*file)->current());   // once a second
//   (*file)->maybe_reload(/*force=*/true);                  // on SIGHUP
//
// A file that is refused leaves everything as it was; error() says why until a file is accepted. What only a restart
// can change (listen, database, limits) keeps its old value, and needs_restart() names it. A file that is written in
// place is read when it has rested for a moment; one that was moved there, at once.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bursar/broker/config/config.h"
#include "bursar/core/published.h"

namespace bursar::broker {

// Names of the parts that differ and that a running gateway cannot change.
[[nodiscard]] std::vector<std::string> fixed_parts_changed(const Config& running, const Config& wanted);

// Thread-safe.
class ConfigFile {
 public:
  enum class Outcome : std::uint8_t { kUnchanged, kAccepted, kRefused };

  // The errors of load_config.
  [[nodiscard]] static Result<std::unique_ptr<ConfigFile>> open(std::string path, Environment env);
  // Without a file: the defaults, and nothing ever changes.
  [[nodiscard]] static std::unique_ptr<ConfigFile> defaults();

  [[nodiscard]] std::shared_ptr<const Config> current() const { return current_.load(); }
  Outcome maybe_reload(bool force = false);

  [[nodiscard]] const std::string& path() const { return path_; }                // empty for defaults()
  [[nodiscard]] std::uint64_t generation() const { return generation_.load(); }  // 1, and one more a change
  [[nodiscard]] std::string error() const;
  [[nodiscard]] std::vector<std::string> needs_restart() const;

 private:
  // What tells one state of a file from another without reading it.
  struct Mark {
    std::uint64_t device = 0, inode = 0;
    std::int64_t size = -1, changed_ns = 0;
    bool operator==(const Mark&) const = default;
  };
  [[nodiscard]] static Mark mark_of(const std::string& path);
  [[nodiscard]] bool being_written(const Mark& mark) const;

  ConfigFile(std::string path, Environment env, Mark mark, Config config);

  const std::string path_;
  const Environment env_;
  Published<const Config> current_;
  std::atomic<std::uint64_t> generation_ = 1;
  mutable std::mutex mutex_;  // guards what follows
  Mark mark_;
  std::string error_;
  std::vector<std::string> needs_restart_;
};

}  // namespace bursar::broker
