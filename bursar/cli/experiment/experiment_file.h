// An experiment as an append-only file of JSON lines: the design, then a line a reward, then the decision.
//
//   auto file = ExperimentFile::open("prompts.jsonl", FileAccess::kWrite);     // locked: one writer at a time
//   file->experiment().record(arm, .8, "17");
//   auto ok = file->append({reward_line("new", .8, "17")});                // on disk when it returns
//
//   {"bursar-experiment":1,"at":"2026-11-25T14:00:00Z","design":{…}}
//   {"at":"…","arm":"new","reward":0.8,"id":"17"}
//   {"at":"…","decided":"new","finished":true}
//
// Lines are written in one piece and synced before append() returns. A last line that a crash cut off was never
// acknowledged: it is left out, said in notes(), and removed by the next append. Anything else that does not fit is
// kCorrupt and names the line. Readers share the file, a writer has it alone; both wait for ten seconds.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bursar/core/clock.h"
#include "bursar/explore/experiment/experiment.h"

namespace bursar::cli {

enum class FileAccess : std::uint8_t { kRead, kWrite };

// Where the private method's epsilon is kept, for all experiments on the same people.
struct AccountantHold {
  std::string file, unit;
  explore::PrivacyHold hold = 0;
};

struct RecordedDecision {
  std::string arm, at;
  bool finished = false;
};

class ExperimentFile {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{256} << 20;

  // kAlreadyExists where there is such a file; it is readable by its owner alone where the design asks for privacy.
  [[nodiscard]] static Result<ExperimentFile> create(std::string path, explore::ExperimentDesign design,
                                                     std::optional<AccountantHold> accountant, WallTime now);
  [[nodiscard]] static Result<ExperimentFile> open(std::string path, FileAccess access);
  ExperimentFile(ExperimentFile&& other) noexcept;
  ExperimentFile& operator=(ExperimentFile&&) = delete;
  ~ExperimentFile();

  [[nodiscard]] explore::Experiment& experiment() { return *experiment_; }
  [[nodiscard]] const std::optional<AccountantHold>& accountant() const { return accountant_; }
  [[nodiscard]] const std::optional<RecordedDecision>& decision() const { return decision_; }
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }
  [[nodiscard]] Result<std::size_t> arm_named(std::string_view name) const;

  // All lines or none. Errors: kUnavailable.
  [[nodiscard]] Result<void> append(const std::vector<boost::json::object>& lines);

 private:
  ExperimentFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  [[nodiscard]] Result<void> lock(FileAccess access);
  [[nodiscard]] Result<std::string> read_all();
  [[nodiscard]] Result<void> replay(std::string_view text);
  [[nodiscard]] Result<void> take_line(const boost::json::value& line, std::size_t number);
  [[nodiscard]] tl::unexpected<Error> refused(const std::string& what) const;

  std::string path_;
  int fd_ = -1;
  std::size_t good_bytes_ = 0;  // up to the end of the last whole line
  std::optional<explore::Experiment> experiment_;
  std::optional<AccountantHold> accountant_;
  std::optional<RecordedDecision> decision_;
  std::vector<std::string> notes_;
};

[[nodiscard]] boost::json::object reward_line(std::string_view arm, double reward, std::string_view id, WallTime now);
[[nodiscard]] boost::json::object decision_line(std::string_view arm, bool finished, WallTime now);

}  // namespace bursar::cli
