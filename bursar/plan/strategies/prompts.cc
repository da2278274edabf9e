#include "bursar/plan/strategies/prompts.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace bursar::plan {
namespace {

std::string_view words_of(Task task) {
  switch (task) {
    case Task::kSolve: return "Solve the question. Think step by step. End with one line:\nAnswer: <the answer alone>";
    case Task::kStep:
      return "Answer the one sub-question in <step>, which is part of the question. Earlier steps may be given. Be "
             "brief. End with one line:\nAnswer: <the answer of this step alone>";
    case Task::kCombine:
      return "Use the answers of the steps to answer the question. End with one line:\nAnswer: <the answer alone>";
    case Task::kFinalise:
      return "Answer the question now, from the evidence that is there. End with one line:\nAnswer: <the answer alone>";
    case Task::kRepair:
      return "The answer given may be wrong. Find what is wrong with it and give a better one, or the same if it is "
             "right. End with one line:\nAnswer: <the answer alone>";
    case Task::kVerify:
      return "Check the answer given, in at least two independent ways. Then write a line\nVerdict: "
             "right\nor\nVerdict: "
             "wrong\nand end with one line:\nAnswer: <the answer that is right>";
    case Task::kJudge:
      return "Judge how likely the answer given is right. End with one line:\nScore: <a number from 0 to 1>";
    case Task::kAssess:
      return "Say how hard the question is, from 1 (one step) to 5 (many steps, easy to get wrong). End with one "
             "line:\nLevel: <1 to 5>";
    case Task::kDecompose:
      return "Cut the question into 2 to 5 sub-questions that lead to its answer, in order. Write each as\n1. <the "
             "sub-question>\nHint: <what to look out for>\nand nothing else.";
    case Task::kCritic:
      return "Say how far the newest piece of evidence, the last one, advances the question beyond the ones before it. "
             "End with one line:\nGain: <a number from -1 to 1>";
    case Task::kSufficiency:
      return "Say how far the evidence alone is enough to answer the question. End with one line:\nSufficiency: <a "
             "number from 0 to 1>";
    case Task::kAct:
      return "You can search. Decide what comes next and end with one line, either\nSearch: <a query other than those "
             "that were tried>\nor, once the evidence is enough,\nAnswer: <the answer alone>";
    case Task::kSelect:
      return "Say which of the answers given, numbered from 1, is the best. End with one line:\nChoice: <its number>";
    case Task::kCheck:
      return "Check the answer given against each numbered clue, by the evidence alone. Write one line for each clue, "
             "\nClue <its number>: satisfied\nor contradicted, or unknown where the evidence does not tell.";
  }
  return "";
}

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string without(std::string text, std::string_view part) {
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at)) text.erase(at, part.size());
  return text;
}

std::string_view last_box(std::string_view text) {
  constexpr std::string_view kBox = "\\boxed{";
  const std::size_t at = text.rfind(kBox);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = text.substr(at + kBox.size());
  int depth = 1;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    depth += rest[i] == '{' ? 1 : rest[i] == '}' ? -1 : 0;
    if (depth == 0) return rest.substr(0, i);
  }
  return {};
}

}  // namespace

std::string_view name_of(Task task) {
  switch (task) {
    case Task::kSolve: return "solve";
    case Task::kStep: return "step";
    case Task::kCombine: return "combine";
    case Task::kFinalise: return "finalise";
    case Task::kRepair: return "repair";
    case Task::kVerify: return "verify";
    case Task::kJudge: return "judge";
    case Task::kAssess: return "assess";
    case Task::kDecompose: return "decompose";
    case Task::kCritic: return "critic";
    case Task::kSufficiency: return "sufficiency";
    case Task::kAct: return "act";
    case Task::kSelect: return "select";
    case Task::kCheck: return "check";
  }
  return "";
}

ModelAsk prompt_for(Task task, std::span<const Section> sections, ModelAsk ask) {
  std::string user;
  for (const auto& [tag, text] : sections) {
    const std::string name(tag);
    const std::string close = "</" + name + ">";
    user.append("<").append(name).append(">\n").append(without(text, close)).append("\n").append(close).append("\n");
  }
  ask.messages = {{"system", "Task: " + std::string(name_of(task)) + "\n" + std::string(words_of(task))},
                  {"user", std::move(user)}};
  return ask;
}

std::string_view labelled(std::string_view text, std::string_view label) {
  for (std::size_t end = text.size();;) {
    const std::size_t newline = end == 0 ? std::string_view::npos : text.rfind('\n', end - 1);
    const std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
    std::string_view line = trimmed(text.substr(begin, end - begin));
    while (line.starts_with('*') || line.starts_with('#')) line = trimmed(line.substr(1));  // as models embellish
    if (line.starts_with(label)) {
      line.remove_prefix(label.size());
      while (line.starts_with('*')) line.remove_prefix(1);
      if (line.starts_with(':')) {
        line = trimmed(line.substr(1));
        while (line.starts_with('*')) line = trimmed(line.substr(1));
        while (line.ends_with('*')) line = trimmed(line.substr(0, line.size() - 1));
        return line;
      }
    }
    if (newline == std::string_view::npos) return {};
    end = newline;
  }
}

std::optional<double> read_number(std::string_view text, std::string_view label) {
  const std::string_view found = labelled(text, label);
  double value = 0;
  const auto [end, error] = std::from_chars(found.data(), found.data() + found.size(), value);
  if (error != std::errc{} || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::string final_answer(std::string_view reply) {
  if (const std::string_view line = labelled(reply, "Answer"); !line.empty()) {
    const std::string_view boxed = last_box(line);
    return std::string(boxed.empty() ? line : boxed);
  }
  if (const std::string_view boxed = last_box(reply); !boxed.empty()) return std::string(trimmed(boxed));
  const std::string_view all = trimmed(reply);
  const std::size_t newline = all.rfind('\n');
  return std::string(newline == std::string_view::npos ? all : trimmed(all.substr(newline + 1)));
}

}  // namespace bursar::plan
