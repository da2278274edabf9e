// bursar sample select: which answers to submit.
#include <algorithm>
#include <boost/json/array.hpp>
#include <cstdlib>
#include <iomanip>
#include <ostream>

#include "bursar/cli/sample/sample_command.h"
#include "bursar/cli/sample/sample_files.h"
#include "bursar/core/json.h"
#include "bursar/sample/pass_k.h"

namespace bursar::cli {
namespace {

namespace json = boost::json;
using sample::AnswerForm;

Result<sample::GroupReward> reward_named(const std::string& name) {
  if (name == "mean") return sample::GroupReward::kMean;
  if (name == "max") return sample::GroupReward::kMax;
  if (name == "heaviest") return sample::GroupReward::kHeaviest;
  return invalid_argument("--reward is \"" + name + "\"; take mean, max or heaviest");
}

struct Chosen {
  std::string id;
  sample::Ballot ballot;
  sample::Selection selection;
  std::optional<bool> passed;
};

struct Judged {
  std::vector<sample::Ballot> ballots;
  std::vector<std::optional<std::string>> gold;  // canonical
};

Result<Judged> group_all(const std::vector<AnsweredQuestion>& questions, const SelectWords& words) {
  const auto reward = reward_named(words.reward);
  if (!reward) return tl::unexpected(reward.error());
  const AnswerForm form = words.exact ? AnswerForm::kExact : AnswerForm::kMath;
  Judged out;
  for (const AnsweredQuestion& question : questions) {
    auto ballot = group_answers(question.traces, {.form = form, .reward = *reward});
    if (!ballot) return tl::unexpected(with_context("question " + question.id, ballot.error()));
    out.ballots.push_back(std::move(*ballot));
    out.gold.push_back(question.gold ? std::optional(canonical_answer(*question.gold, form)) : std::nullopt);
  }
  return out;
}

// "auto" is max(2 / N, .005), "validated" the best one on the questions of the file whose answer is known.
Result<std::optional<double>> threshold_of(const SelectWords& words, const Judged& judged, std::ostream& out) {
  if (words.threshold.empty() || words.threshold == "auto") return std::nullopt;
  if (words.threshold == "validated") {
    std::vector<sample::LabelledBallot> labelled;
    for (std::size_t q = 0; q < judged.ballots.size(); ++q) {
      if (judged.gold[q]) labelled.push_back({judged.ballots[q], *judged.gold[q]});
    }
    const auto choice = choose_threshold(labelled, words.k);
    if (!choice) return tl::unexpected(with_context("--threshold validated", choice.error()));
    if (!words.json)
      out << "threshold " << choice->threshold << ", Pass@" << words.k << " " << choice->pass_k
          << " on questions held out\n";
    return choice->threshold;
  }
  char* end = nullptr;
  const double value = std::strtod(words.threshold.c_str(), &end);
  if (end == nullptr || *end != '\0')
    return invalid_argument("--threshold is \"" + words.threshold + "\"; take a number, auto or validated");
  return value;
}

void print(const Chosen& chosen, std::ostream& out) {
  out << chosen.id << "\t";
  for (std::size_t i = 0; i < chosen.selection.groups.size(); ++i) {
    const std::size_t g = chosen.selection.groups[i];
    out << (i == 0 ? "" : " | ") << chosen.ballot.groups[g].key << " (" << chosen.ballot.groups[g].count << "/"
        << chosen.ballot.samples << ")";
  }
  if (chosen.passed) out << "\t" << (*chosen.passed ? "right" : "wrong");
  out << "\n";
}

json::object document(const Chosen& chosen) {
  json::array answers;
  for (const std::size_t g : chosen.selection.groups) {
    json::object answer{{"answer", chosen.ballot.groups[g].key}, {"frequency", chosen.ballot.frequency(g)}};
    if (chosen.ballot.groups[g].reward) answer["reward"] = *chosen.ballot.groups[g].reward;
    answers.push_back(std::move(answer));
  }
  json::object out{{"id", chosen.id},
                   {"answers", std::move(answers)},
                   {"samples", chosen.ballot.samples},
                   {"threshold", chosen.selection.threshold},
                   {"reward_calls", chosen.selection.reward_calls}};
  if (chosen.passed) out["passed"] = *chosen.passed;
  return out;
}

}  // namespace

Result<void> select_answers(const SelectWords& words, std::ostream& out) {
  const auto rule = sample::select_rule_named(words.rule);
  if (!rule) return tl::unexpected(with_context("--rule", rule.error()));
  const auto questions = read_questions(words.file);
  if (!questions) return tl::unexpected(questions.error());
  auto judged = group_all(*questions, words);
  if (!judged) return tl::unexpected(judged.error());
  const auto threshold = threshold_of(words, *judged, out);
  if (!threshold) return tl::unexpected(threshold.error());
  std::size_t known = 0, right = 0, calls = 0, samples = 0;
  for (std::size_t q = 0; q < questions->size(); ++q) {
    Chosen chosen{.id = (*questions)[q].id, .ballot = std::move(judged->ballots[q])};
    auto selection = select_pass_k(
        chosen.ballot,
        {.rule = *rule,
         .k = words.k,
         .threshold = threshold->value_or(std::min(.999, sample::default_threshold(chosen.ballot.samples))),
         .temperature = words.temperature,
         .seed = words.seed + q});
    if (!selection) return tl::unexpected(with_context("question " + chosen.id, selection.error()));
    chosen.selection = std::move(*selection);
    if (judged->gold[q]) {
      chosen.passed = std::ranges::any_of(
          chosen.selection.groups, [&](std::size_t g) { return chosen.ballot.groups[g].key == *judged->gold[q]; });
      ++known;
      right += *chosen.passed ? 1 : 0;
    }
    calls += chosen.selection.reward_calls;
    samples += static_cast<std::size_t>(chosen.ballot.samples);
    if (words.json)
      out << to_json(document(chosen)) << "\n";
    else
      print(chosen, out);
  }
  if (words.json) return {};
  out << "rewards asked for: " << calls << " of " << samples << " samples\n";
  if (known > 0)
    out << "Pass@" << words.k << ": " << static_cast<double>(right) / static_cast<double>(known) << " (" << right
        << " of " << known << ")\n";
  return {};
}

}  // namespace bursar::cli
