// A search of configurations in a file: what is searched, how a trial is run, and all that came of it.
//
//   auto file = SearchFile::create("qa.search.json", setup);        // or SearchFile::open(path)
//   file->search().report(configuration, score);
//   auto ok = file->save();                                         // beside, synced, renamed: whole or not at all
//
// Locked by a file beside it (FILE.lock) while it is open: one process at a time. Errors: kAlreadyExists, kUnavailable,
// kCorrupt.
#pragma once

#include <string>

#include "bursar/plan/config_search/config_search.h"
#include "bursar/plan/pipeline_file.h"

namespace bursar::cli {

struct SearchSetup {
  plan::Pipeline pipeline;
  std::string run, ask;  // commands: a trial; proposals by a language model, or empty
  std::int64_t trials = 50, batch = 10, examples = 50, again = 3;
  double timeout_s = 3600;
  std::uint64_t seed = 1;
};

class SearchFile {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{256} << 20;

  [[nodiscard]] static Result<SearchFile> create(std::string path, SearchSetup setup);
  [[nodiscard]] static Result<SearchFile> open(std::string path);
  SearchFile(SearchFile&& other) noexcept;
  SearchFile& operator=(SearchFile&&) = delete;
  ~SearchFile();

  [[nodiscard]] SearchSetup& setup() { return setup_; }
  [[nodiscard]] plan::ConfigSearch& search() { return *search_; }
  [[nodiscard]] std::int64_t measured_again() const { return measured_again_; }  // of the leaders, at the end
  void count_measured_again() { ++measured_again_; }
  [[nodiscard]] Result<void> save() const;

 private:
  SearchFile(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  [[nodiscard]] static Result<SearchFile> lock(std::string path);
  [[nodiscard]] Result<void> read(std::string_view text);

  std::string path_;
  int lock_ = -1;
  SearchSetup setup_;
  std::optional<plan::ConfigSearch> search_;
  std::int64_t measured_again_ = 0;
};

// Beside `path`, synced, and renamed over it. Errors: kUnavailable.
[[nodiscard]] Result<void> write_whole(const std::string& path, std::string_view text);
[[nodiscard]] Result<std::string> read_whole(const std::string& path);

}  // namespace bursar::cli
