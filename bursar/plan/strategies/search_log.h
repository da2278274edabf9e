// What strategies that search share: how many calls of the tool are left, what was asked, and what it brought.
//
//   SearchLog log(job);                                        // parameters calls, query_argument, context
//   std::vector<Action> asks;
//   if (log.left(job.purse()) > 0) asks.push_back(log.ask("who built it"));
//   const std::vector<Observation> seen = co_await job.run(std::move(asks));
//   const SearchLog::Taken taken = log.take("who built it", seen.front());
//   log.add_evidence(sections);                                         // <evidence> for each piece, the newest last
//
// The budget is the smaller of `calls` and the calls of the job's purse; the ledger behind enforces both. What is shown
// to a model is cut to `context` bytes: the newest pieces whole as far as they fit, then the oldest are left out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/policy.h"
#include "bursar/plan/budget_tracker.h"
#include "bursar/plan/job/script.h"
#include "bursar/plan/strategies/prompts.h"

namespace bursar::plan {

class SearchLog {
 public:
  explicit SearchLog(const Job& job);

  struct Piece {
    std::string query, text;
  };
  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }
  [[nodiscard]] const BudgetTracker& tracker() const { return tracker_; }
  [[nodiscard]] std::int64_t budget() const { return tracker_.tools().front().budget; }
  [[nodiscard]] std::int64_t used() const { return tracker_.tools().front().used; }
  // Calls that can still be made; 0 after one was refused.
  [[nodiscard]] std::int64_t left(const Purse& purse) const;
  [[nodiscard]] bool tried(std::string_view query) const;

  [[nodiscard]] Action ask(const std::string& query) const;
  struct Taken {
    std::optional<std::size_t> piece;  // absent where the call failed or brought no text
    bool fresh = false;                // no search before brought the same
  };
  // Counts what was sent.
  Taken take(std::string query, const Observation& seen);

  // All pieces from one on, or those listed, in their order.
  void add_evidence(std::vector<Section>& sections, std::size_t from = 0) const;
  void add_evidence(std::vector<Section>& sections, std::span<const std::size_t> pieces) const;
  [[nodiscard]] const std::vector<std::string>& queries() const { return queries_; }  // all that were sent

 private:
  std::string tool_, argument_;
  std::size_t context_;
  BudgetTracker tracker_;
  std::vector<Piece> pieces_;
  std::vector<std::string> queries_;
  bool refused_ = false;
};

// What a step of a search may write, so that the answer can still be paid: its prompt, and `answer_tokens` after it.
//
//   AnswerReserve reserve(job);
//   if (reserve.room(job.purse().left(kTokens)) < AnswerReserve::kLeastStep) …                  // answer now
//   reserve.saw(seen); reserve.grew(piece.text);                    // prompts are as long as the last, and what came
class AnswerReserve {
 public:
  static constexpr std::int64_t kLeastStep = 48;  // tokens: less is not worth a call [choice]

  explicit AnswerReserve(const Job& job);
  void saw(const Observation& seen);
  void grew(std::string_view evidence);
  [[nodiscard]] std::int64_t prompt() const { return prompt_; }  // tokens of the next one, about
  // At most `step_tokens`, and that where nothing is limited.
  [[nodiscard]] std::int64_t room(std::optional<std::int64_t> tokens_left) const;

 private:
  std::int64_t step_, answer_, prompt_;
};

// The queries that a reply asks for, in its lines "Search: …", each once.
[[nodiscard]] std::vector<std::string> queries_in(std::string_view reply);
// One line each, with a dash.
[[nodiscard]] std::string listed(std::span<const std::string> lines);
// At most so many bytes, whole characters.
[[nodiscard]] std::string_view cut_text(std::string_view text, std::size_t bytes);

inline constexpr PolicyParameter kCallsParameter{.name = "calls",
                                                 .about = "calls of the tool, at most",
                                                 .kind = ParameterKind::kInteger,
                                                 .preset = "8",
                                                 .low = 0,
                                                 .high = 100};
inline constexpr PolicyParameter kQueryArgumentParameter{.name = "query_argument",
                                                         .about = "the tool's argument that takes the query",
                                                         .kind = ParameterKind::kText,
                                                         .preset = "\"query\""};
inline constexpr PolicyParameter kContextParameter{.name = "context",
                                                   .about = "bytes of evidence that a prompt shows",
                                                   .kind = ParameterKind::kInteger,
                                                   .preset = "24000",
                                                   .low = 500,
                                                   .high = 1000000};
inline constexpr PolicyParameter kStepTokensParameter{.name = "step_tokens",
                                                      .about = "tokens of one step, one critic, one check",
                                                      .kind = ParameterKind::kInteger,
                                                      .preset = "512",
                                                      .low = 16,
                                                      .high = 100000};

inline constexpr PolicyParameter kSearchTokensParameter{
    .name = "tokens",
    .about = "tokens of the whole search, where the purse has no limit of its own",
    .kind = ParameterKind::kInteger,
    .preset = "16000",
    .low = 100,
    .high = 10000000};
inline constexpr PolicyParameter kAnswerTokensParameter{.name = "answer_tokens",
                                                        .about = "tokens of the purse that are kept for the answer",
                                                        .kind = ParameterKind::kInteger,
                                                        .preset = "256",
                                                        .low = 16,
                                                        .high = 100000};

}  // namespace bursar::plan
