// bursar plan compare: strategies on simulated questions, against the majority at equal tokens.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <iomanip>
#include <ostream>

#include "bursar/cli/plan/plan_command.h"
#include "bursar/cli/plan/study.h"
#include "bursar/core/json.h"
#include "bursar/plan/strategies/strategies.h"

namespace bursar::cli {
namespace {

constexpr std::size_t kWidth = 34;

Result<StudySetup> setup_of(const CompareWords& words) {
  StudySetup setup{.questions = static_cast<std::size_t>(words.questions),
                   .seed = words.seed,
                   .kind = {},
                   .difficulty = words.difficulty,
                   .model = words.model,
                   .small_model = words.small_model,
                   .judge_model = words.judge_model,
                   .max_tokens = words.max_tokens,
                   .limits = {}};
  if (words.kind == "options")
    setup.kind = QuestionKind::kOptions;
  else if (words.kind == "search")
    setup.kind = QuestionKind::kSearch;
  else if (words.kind != "open")
    return invalid_argument("--kind is \"" + words.kind + "\"; take open, options or search");
  if (!words.purse.empty()) {
    auto purse = parse_amounts(words.purse);
    if (!purse) return tl::unexpected(with_context("--purse", purse.error()));
    setup.limits.purse = *purse;
  }
  return setup;
}

void print_row(const StudyRow& row, bool strategy, std::ostream& out) {
  std::string name = row.name;
  if (name.size() >= kWidth) name = name.substr(0, kWidth - 2) + "~";
  out << std::left << std::setw(kWidth) << name << std::right << std::fixed << std::setprecision(3) << std::setw(8)
      << row.accuracy << std::setprecision(0) << std::setw(9) << row.tokens << std::setprecision(1) << std::setw(8)
      << row.calls << std::setprecision(0) << std::setw(14) << row.tokens_right;
  if (strategy) {
    out << std::setprecision(3) << std::setw(15) << row.majority << (row.beyond ? "*" : " ") << std::showpos
        << std::setw(10) << row.difference << std::noshowpos << " +- " << 2 * row.error;
    if (row.unanswered > 0) out << "  (" << row.unanswered << " without an answer)";
  }
  out << "\n" << std::defaultfloat;
}

boost::json::object document(const StudyRow& row) {
  return {{"strategy", row.name},
          {"accuracy", row.accuracy},
          {"tokens", row.tokens},
          {"calls", row.calls},
          {"tokens_right", row.tokens_right},
          {"majority_equal_tokens", row.majority},
          {"difference", row.difference},
          {"error", row.error},
          {"unanswered", row.unanswered},
          {"beyond_majorities", row.beyond}};
}

}  // namespace

Result<void> compare_strategies(const CompareWords& words, std::ostream& out) {
  const auto setup = setup_of(words);
  if (!setup) return tl::unexpected(setup.error());
  std::vector<PolicyWords> strategies;
  for (const std::string& word : words.strategies) {
    auto read = parse_policy_words(word);
    if (!read) return tl::unexpected(read.error());
    strategies.push_back(std::move(*read));
  }
  if (strategies.empty()) {
    for (const plan::StrategyEntry& entry : plan::strategies()) {
      const bool searched = setup->kind == QuestionKind::kSearch;
      const bool whole =
          std::ranges::none_of(entry.parameters, [](const PolicyParameter& p) { return p.preset.empty(); });
      if (whole && (!entry.searches || searched))
        strategies.push_back({.name = std::string(entry.name), .parameters = {}});
    }
  }
  const Study study(*setup);
  std::vector<StudyRow> rows;
  for (std::size_t i = 0; i < strategies.size(); ++i) {
    auto row = study.run(strategies[i]);
    if (!row) return tl::unexpected(with_context(strategies[i].name, row.error()));
    if (i < words.strategies.size()) row->name = words.strategies[i];
    rows.push_back(std::move(*row));
  }
  if (words.json) {
    boost::json::array majorities, given;
    for (std::size_t m = 0; m < Study::kMajorities.size(); ++m) majorities.push_back(document(study.majority_of(m)));
    for (const StudyRow& row : rows) given.push_back(document(row));
    out << to_json(boost::json::object{{"simulated", true}, {"majorities", majorities}, {"strategies", given}}) << "\n";
    return {};
  }
  out << "Simulated: " << setup->questions << " questions of a seeded game (seed " << setup->seed << "), played by "
      << setup->model << "; no model was asked.\n"
      << std::left << std::setw(kWidth) << ""
      << "accuracy   tokens   calls  tokens/right  majority there  difference\n";
  for (const std::size_t m : {std::size_t{0}, std::size_t{4}}) print_row(study.majority_of(m), false, out);
  for (const StudyRow& row : rows) print_row(row, true, out);
  out << "tokens: prompts too. majority there: of as many samples as cost the same tokens; the difference is paired, "
         "+- 2 "
         "standard errors.\n";
  if (std::ranges::any_of(rows, &StudyRow::beyond))
    out << "* spends more than the largest majority that was tried, which it is held against.\n";
  return {};
}

}  // namespace bursar::cli
