// The verbs of `bursar experiment`; for this program alone.
#pragma once

#include <istream>
#include <ostream>
#include <string>
#include <vector>

#include "bursar/cli/experiment/experiment_command.h"
#include "bursar/core/result.h"

namespace bursar::cli {

struct NewWords {
  std::string file, features, method = "halving", schedule = "halving", noise = "laplace", money, accountant, unit;
  std::vector<std::string> arms, prices;  // prices: NAME=AMOUNT
  std::uint64_t samples = 0;
  double delta = .05, tolerance = 0, low = 0, high = 1;
  double epsilon = 0, noise_delta = 0, user_weight = 1, epsilon_limit = 0, delta_limit = 0;
  bool clip = false;
};
[[nodiscard]] Result<bool> experiment_new(const NewWords& words, ExperimentStreams streams);

struct FileWords {
  std::string file;
  std::uint64_t count = 0;  // next: at most; 0: a batch
  bool json = false, now = false;
};
[[nodiscard]] Result<bool> experiment_next(const FileWords& words, ExperimentStreams streams);
[[nodiscard]] Result<bool> experiment_status(const FileWords& words, ExperimentStreams streams);
// False: the experiment has not ended, and --now was not given.
[[nodiscard]] Result<bool> experiment_decide(const FileWords& words, ExperimentStreams streams);

struct RecordWords {
  std::string file, arm, reward, id, from;
};
[[nodiscard]] Result<bool> experiment_record(const RecordWords& words, ExperimentStreams streams);

struct PlanGroupsWords {
  std::string file;
  double budget = 0, q = 2;
  bool json = false;
};
[[nodiscard]] Result<bool> experiment_plan(const PlanGroupsWords& words, ExperimentStreams streams);

struct SampleGroupsWords {
  std::string file, model = "ridge";
  std::vector<std::string> costs, weights;  // GROUP=NUMBER
  double budget = 0, q = 2, batch = 0, lambda = 1, tolerance = 0, validation = .2, test = .2;
  std::int64_t first = 0;
  std::uint64_t seed = 1;
  bool thompson = false, json = false;
};
[[nodiscard]] Result<bool> experiment_sample(const SampleGroupsWords& words, ExperimentStreams streams);

// "-" is standard input. kUnavailable for what cannot be read, kExhausted past 256 MiB.
[[nodiscard]] Result<std::string> read_text(const std::string& path, std::istream& standard);
// A table with a header: columns by name, every row as long as the header. Errors name the line.
struct TextTable {
  std::vector<std::string> columns;
  std::vector<std::string> cells;  // [rows x columns]
  [[nodiscard]] std::size_t rows() const { return columns.empty() ? 0 : cells.size() / columns.size(); }
  [[nodiscard]] const std::string& at(std::size_t row, std::size_t column) const {
    return cells[row * columns.size() + column];
  }
  [[nodiscard]] std::size_t find(std::string_view column) const;  // columns.size() where there is none
};
[[nodiscard]] Result<TextTable> read_table(const std::string& path, std::istream& standard);
[[nodiscard]] Result<double> number_of(const std::string& text, const std::string& what);
// "NAME=TEXT".
[[nodiscard]] Result<std::pair<std::string, std::string>> split_pair(const std::string& text, const std::string& what);

[[nodiscard]] std::string padded(std::string text, std::size_t width);
[[nodiscard]] std::string short_number(double x);  // four significant digits

}  // namespace bursar::cli
