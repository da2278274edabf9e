// Laws of what is left of the thinking, by where it stands and what kind of line comes next; learned from traces.
//
//   std::vector<LengthSample> samples;
//   append_samples(trace, samples);                                    // of every whole trace there is
//   LengthTable table = *LengthTable::fit(class_names(), samples);
//   table.predict({.line = 7}, std::vector<std::string_view>{" Wait", "</think>"});   // a law each, where one is known
//   write(to_json(table.save()));
//
// A cell (state, class) with too few samples, or whose law misfits them, takes the law of its class over all states;
// where that does not serve either there is none. The end mark always has one: kEndsNow. The state of predict() is
// step_bucket(line); law() takes any states and classes that the samples had. fit O(samples log samples), a prediction
// O(candidates). Source: systems/budget-guidance.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bursar/sample/guidance/length_law.h"
#include "bursar/sample/guidance/line_class.h"

namespace bursar::sample {

// What is known at the start of a line.
struct LineContext {
  std::size_t line = 0;                 // lines before it
  std::int64_t tokens = 0, budget = 0;  // of thinking, so far and in all
  std::string_view last_line;           // without its newline
};

// One law a candidate, in their order; absent where nothing is known. Implementations: LengthTable, and what a caller
// brings (a network, a function of Python).
class LengthPredictor {
 public:
  virtual ~LengthPredictor() = default;
  [[nodiscard]] virtual std::vector<std::optional<LengthLaw>> predict(
      const LineContext& context, std::span<const std::string_view> candidates) const = 0;
};

struct LengthSample {
  std::size_t state = 0, kind = 0;  // kind: position in the class names
  double length = 0;                // tokens left, this line and the end mark among them; > 0
};

struct LengthTableOptions {
  std::size_t min_samples = 30;  // of a cell, >= 2
  double max_distance = .15;     // Kolmogorov-Smirnov, of a cell's law, in (0, 1]; 1 keeps every law
  bool of_classes = true;        // a cell without a law takes that of its class over all states
};

struct LengthCell {
  LengthLaw law;
  std::size_t samples = 0;
  double distance = 0;  // of the law from its samples
};

class LengthTable final : public LengthPredictor {
 public:
  static constexpr std::size_t kMostCells = 1 << 16;

  // Errors: kInvalidArgument for names that are empty or not unique, naming the sample whose kind has no name or whose
  // length is not positive, for options out of range, and where no cell is left; kExhausted past kMostCells.
  [[nodiscard]] static Result<LengthTable> fit(std::vector<std::string> classes, std::span<const LengthSample> samples,
                                               const LengthTableOptions& options = {});

  [[nodiscard]] std::optional<LengthLaw> law(std::size_t state, std::size_t kind) const;
  [[nodiscard]] std::vector<std::optional<LengthLaw>> predict(
      const LineContext& context, std::span<const std::string_view> candidates) const override;

  [[nodiscard]] const std::vector<std::string>& classes() const { return classes_; }
  using Cells = std::map<std::pair<std::size_t, std::size_t>, LengthCell>;  // by state and kind
  [[nodiscard]] const Cells& cells() const { return cells_; }
  [[nodiscard]] const std::map<std::size_t, LengthCell>& of_classes() const { return of_classes_; }

  [[nodiscard]] boost::json::object save() const;
  [[nodiscard]] static Result<LengthTable> restore(const boost::json::object& saved);  // kCorrupt, naming the place

 private:
  std::vector<std::string> classes_;
  std::vector<std::size_t> kind_of_line_;  // [line_classes()]: position in classes_, or their number
  Cells cells_;
  std::map<std::size_t, LengthCell> of_classes_;
  void name_classes(std::vector<std::string> classes);
};

// line_classes() as strings, for fit().
[[nodiscard]] std::vector<std::string> class_names();

struct TraceLine {
  std::string text;         // its beginning is enough
  std::int64_t tokens = 0;  // its newline among them; >= 1
};
// The samples of one trace that ended by itself, by line_classes() and step_bucket; a last one for the end mark.
// Errors: kInvalidArgument naming the line without tokens, and for no lines.
[[nodiscard]] Result<void> append_samples(std::span<const TraceLine> lines, std::vector<LengthSample>& to,
                                          std::string_view end_mark = kEndOfThinking);

}  // namespace bursar::sample
