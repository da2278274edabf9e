// Guides hidden reasoning line by line through any endpoint that continues a text and shows its likeliest next tokens.
//
//   LineGuide guide = *LineGuide::make({.budget = 500, .seed = 7}, std::make_shared<LengthTable>(table));
//   for (LineAsk ask = guide.next(); ask.kind != LineAskKind::kDone; ask = guide.next()) {
//     if (ask.kind == LineAskKind::kCandidates)           // one token, logprobs of the likeliest 20, no stop
//       guide.report_candidates(top_logprobs(prompt + guide.text()));
//     else                                                // go on to the end of the line, stop = "\n"
//       guide.report_line(complete(prompt + guide.text(), ask.max_tokens));
//   }
//   guide.text();                                         // the thinking with its end mark: now ask for the answer
//
// At each line start the candidates are re-weighted (budget_guide.h) and one of them is drawn; the rest of the line is
// the model's own. With the cap the thinking ends, by our end mark, when the budget has been spent: `max_tokens` never
// asks for more than is left, so that a reservation of `budget` holds. Without it, it ends when the model ends it, or
// after `most_lines`. One extra round trip a line. Sans-I/O; the draws follow from the seed, and a guide that was saved
// goes on exactly. Where an endpoint hides its reasoning there is nothing to guide: use a cap alone and say so.
// Source: systems/budget-guidance (this driver [choice]).
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bursar/sample/guidance/budget_guide.h"
#include "bursar/sample/guidance/length_table.h"

namespace bursar::sample {

struct LineGuideOptions {
  std::int64_t budget = 0;               // tokens of thinking, 1 … 2^40; for no budget use no guide
  bool cap = true;                       // never beyond the budget
  std::string end_mark{kEndOfThinking};  // not empty, no newline in it
  std::int64_t longest_line = 1024;      // tokens asked for at once, >= 1
  std::size_t most_lines = 4096;         // then the thinking is ended; 1 … 2^20
  GuideOptions guide;
  bool greedy = false;  // the likeliest candidate instead of a draw
  std::uint64_t seed = 1;
};

enum class LineAskKind : std::uint8_t { kCandidates, kLine, kDone };
struct LineAsk {
  LineAskKind kind = LineAskKind::kDone;
  std::int64_t max_tokens = 0;  // kCandidates: 1
};

struct LineCandidate {
  std::string token;
  double logprob = 0;  // natural logarithm, <= 0 up to rounding; -infinity: impossible
};

enum class LineStop : std::uint8_t {
  kNewline,  // at the newline, which is not part of the text
  kEnd,      // the model ended, by its end mark or its end of text
  kLength,   // at max_tokens
};
struct LineText {
  std::string text;
  std::int64_t tokens = 0;  // as the endpoint counts them, its stop among them; >= 0
  LineStop stop = LineStop::kNewline;
};

// One line start, for the decision trace.
struct LineRecord {
  std::size_t line = 0;
  std::int64_t remaining = 0;
  std::string token;             // chosen
  double before = 0, after = 0;  // its share of the candidates, as the model had it and as guided
  double finish = 0;             // its chance to end in time
  std::size_t without_law = 0;   // candidates nothing was known of
  bool fell_back = false;
};

enum class ThinkingEnd : std::uint8_t { kNotYet, kOwn, kCut, kTooManyLines };

class LineGuide {
 public:
  // Errors: kInvalidArgument naming the option, or for no predictor.
  [[nodiscard]] static Result<LineGuide> make(LineGuideOptions options, std::shared_ptr<const LengthPredictor> laws);

  [[nodiscard]] LineAsk next() const;
  // Errors, with the state as it was: kInvalidArgument for a report that was not asked for, no candidates, one that is
  // empty, a logprob above .01 or NaN, all of them -infinity, and what the predictor gives wrongly. Returns the choice.
  Result<std::string> report_candidates(std::span<const LineCandidate> candidates);
  Result<void> report_line(const LineText& line);  // and for a newline in the text of kNewline

  [[nodiscard]] const std::string& text() const { return text_; }  // what follows the prompt
  [[nodiscard]] std::int64_t spent() const { return spent_; }      // tokens
  [[nodiscard]] ThinkingEnd ended() const { return end_; }
  [[nodiscard]] const std::vector<LineRecord>& records() const { return records_; }

  [[nodiscard]] boost::json::object save() const;  // all but the records and the predictor
  [[nodiscard]] static Result<LineGuide> restore(const boost::json::object& saved,
                                                 std::shared_ptr<const LengthPredictor> laws);

 private:
  LineGuide(LineGuideOptions options, std::shared_ptr<const LengthPredictor> laws)
      : options_(std::move(options)), laws_(std::move(laws)) {}
  [[nodiscard]] std::int64_t remaining() const { return options_.budget > spent_ ? options_.budget - spent_ : 0; }
  [[nodiscard]] Result<std::size_t> choose(std::span<const LineCandidate> candidates, LineRecord& record) const;
  void append(std::string_view text);
  void end_line();
  void end_by(ThinkingEnd end);

  LineGuideOptions options_;
  std::shared_ptr<const LengthPredictor> laws_;
  std::string text_;
  std::int64_t spent_ = 0;
  std::size_t line_ = 0, drawn_ = 0, line_begins_ = 0;  // line_begins_: in text_
  bool within_line_ = false;
  ThinkingEnd end_ = ThinkingEnd::kNotYet;
  std::vector<LineRecord> records_;
};

[[nodiscard]] std::string_view name_of(ThinkingEnd end);  // "not yet", "own", "cut", "too many lines"

}  // namespace bursar::sample
