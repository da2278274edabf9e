#include "bursar/simulate/tasks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "bursar/simulate/prose.h"
#include "bursar/simulate/solving.h"
#include "bursar/simulate/tokens.h"
#include "bursar/simulate/world.h"

namespace bursar::simulate {
namespace {

std::string two_digits(double value) {
  std::array<char, 32> text{};
  const int length = std::snprintf(text.data(), text.size(), "%.2f", value);
  return {text.data(), static_cast<std::size_t>(length)};
}

// "1. …", "2. …"
std::size_t numbered_lines(std::string_view text) {
  std::size_t lines = 0;
  while (text.contains(std::to_string(lines + 1) + ". ")) ++lines;
  return lines;
}

struct Writer {
  const Situation& s;
  const Question& q;
  RandomStream& draw;

  [[nodiscard]] Draft ending(std::string reasoning, std::string_view label, std::string_view thing,
                             Candidates candidates, std::string_view after = "") const {
    Draft draft{.text = std::move(reasoning), .candidates = std::move(candidates)};
    draft.text += label;
    draft.decisive = draft.text.size();
    draft.text.append(thing).append(after);
    return draft;
  }
  // A reply whose last line is a number, a level, a choice.
  [[nodiscard]] Draft told(std::string_view label, std::string thing, std::uint64_t shortest,
                           std::uint64_t spread) const {
    std::string reasoning = prose(shortest + draw.uniform_int(spread), draw);
    return ending(std::move(reasoning), label, " " + thing, {{" " + thing, .8}});
  }
  [[nodiscard]] Draft answer(std::string reasoning, const std::string& thing, const Candidates& among,
                             bool boxed = false) const {
    Candidates shown;
    for (const auto& [text, weight] : among) shown.emplace_back((boxed ? "" : " ") + text, weight);
    if (boxed) return ending(std::move(reasoning), "Answer: \\boxed{", thing, std::move(shown), "}");
    return ending(std::move(reasoning), "Answer:", " " + thing, std::move(shown));
  }

  // A whole solution: as much reasoning as it takes, or as was allowed.
  [[nodiscard]] Draft solve(bool boxed) const {
    const double needed = mean_reasoning(q, s.profile) * std::exp(.35 * draw.normal() - .06125);
    double share = 1;
    if (s.prompt.told) share = std::min(1., static_cast<double>(*s.prompt.told) * .9 / needed);
    const Candidates among = candidates_of(q, chance(q, s) * std::pow(share, .6), s.temperature);
    const double written = needed * share - static_cast<double>(count_tokens(s.prompt.begun));
    const bool thinks = s.prompt.begun.contains("<think>");
    std::string reasoning = prose(static_cast<std::size_t>(std::max(0., written)), draw, within_line());
    if (reasoning.empty() && within_line()) reasoning = "\n";
    if (thinks) reasoning += "</think>\n";
    Draft draft = answer(std::move(reasoning), pick(among, draw), among, boxed);
    draft.ending = thinks ? "</think>" : "Answer";
    draft.mean_reasoning = mean_reasoning(q, s.profile) * share;
    draft.begun = count_tokens(s.prompt.begun);
    draft.line_begins = !within_line();
    return draft;
  }
  [[nodiscard]] bool within_line() const {
    const std::string& begun = s.prompt.begun;
    return !begun.empty() && !begun.ends_with('\n') && !begun.ends_with("<think>");
  }

  // The answer after thinking that was ended: as good as it is long.
  [[nodiscard]] Draft after_thinking(bool boxed) const {
    const std::string_view begun = s.prompt.begun;
    const auto there = static_cast<double>(count_tokens(begun.substr(0, begun.find("</think>"))));
    const double share = std::clamp(there / mean_reasoning(q, s.profile), .05, 1.);
    const Candidates among = candidates_of(q, chance(q, s) * std::pow(share, .6), s.temperature);
    return answer(begun.ends_with('\n') ? "" : "\n", pick(among, draw), among, boxed);
  }

  [[nodiscard]] Draft step() const {
    const Candidates among = candidates_of(q, chance(q, s), s.temperature);
    const double mean = mean_reasoning(q, s.profile) / 4;
    return answer(prose(static_cast<std::size_t>(mean * draw.uniform(.6, 1.4)) + 1, draw), pick(among, draw), among);
  }

  // The answer to a solution that was cut: the better, the more of it there is.
  [[nodiscard]] Draft finalise() const {
    std::size_t there = count_tokens(s.prompt.steps);
    for (const std::string& text : s.prompt.answers) there += count_tokens(text);
    double p = chance(q, s);
    if (q.chain.empty() && there > 0) {
      p *= std::pow(std::clamp(static_cast<double>(there) / mean_reasoning(q, s.profile), .05, 1.), .6);
    }
    const Candidates among = candidates_of(q, p, s.temperature);
    return answer(prose(4 + draw.uniform_int(8U), draw), pick(among, draw), among);
  }

  [[nodiscard]] std::string proposed() const {
    if (!s.prompt.answers.empty()) return answer_in(s.prompt.answers.back());
    return s.prompt.steps.contains("Answer:") ? answer_in(s.prompt.steps) : std::string();
  }
  [[nodiscard]] bool is_popular(std::string_view thing) const { return same_answer(thing, q.wrong.front()); }

  [[nodiscard]] Draft judge() const {
    double signal = 0;
    if (const std::string thing = proposed(); !thing.empty()) {
      signal = same_answer(thing, q.truth) ? 1.2 : is_popular(thing) ? -.2 : -1.2;
      signal *= 1 + .25 * s.profile.skill;
    } else if (!q.chain.empty()) {
      const double links = static_cast<double>(links_told(q.chain, s.prompt.evidence + "\n" + s.prompt.steps));
      signal = 3 * links / static_cast<double>(q.hops()) - 1.5;
    }
    return told("Score:", two_digits(logistic(signal + .9 * draw.normal())), 8, 20);
  }

  // What is right is seldom doubted; what is wrong is found out less, the harder and the more popular it is.
  [[nodiscard]] double noticed(std::string_view wrong) const {
    return logistic(1.2 + .5 * s.profile.skill - 1.6 * q.difficulty - (is_popular(wrong) ? .8 : 0));
  }

  [[nodiscard]] Draft verify() const {
    const std::string thing = proposed();
    const bool right = same_answer(thing, q.truth);
    const bool accepted = !thing.empty() && draw.bernoulli(right ? .95 : 1 - noticed(thing));
    const double reasoning = .6 * mean_reasoning(q, s.profile) * std::exp(.35 * draw.normal() - .06125);
    std::string text = prose(static_cast<std::size_t>(reasoning) + 1, draw);
    text += accepted ? "Verdict: right\n" : "Verdict: wrong\n";
    if (accepted) return answer(std::move(text), thing, {{thing, .9}});
    Candidates among = candidates_of(q, right ? .4 : .2 + .8 * chance(q, s), s.temperature);
    return answer(std::move(text), pick(among, draw), among);
  }

  // Clue by clue. What the evidence of a trail does not tell yet leaves them unknown.
  [[nodiscard]] Draft check() const {
    const std::string thing = proposed();
    const bool right = same_answer(thing, q.truth), whole = q.chain.empty() || links(s.prompt.evidence) == q.hops();
    const double found_out = !whole ? .3 : q.chain.empty() ? noticed(thing) : .95;
    const std::size_t clues = std::max<std::size_t>(numbered_lines(s.prompt.clues), 1);
    const std::size_t broken = !right && draw.bernoulli(found_out) ? draw.uniform_int(std::uint64_t{clues}) : clues;
    std::string text = prose(8 + draw.uniform_int(16U), draw);
    for (std::size_t clue = 0; clue < clues; ++clue) {
      const bool known = draw.bernoulli(whole ? .95 : .4);
      text += "Clue " + std::to_string(clue + 1) + ": ";
      text += clue == broken ? "contradicted\n" : known ? "satisfied\n" : "unknown\n";
    }
    text.pop_back();
    return {.text = std::move(text)};
  }

  [[nodiscard]] Draft assess() const {
    const double level = 1 + 4 * std::clamp(q.difficulty + .1 * draw.normal(), 0., 1.);
    return told("Level:", std::to_string(std::lround(level)), 5, 6);
  }

  [[nodiscard]] Draft decompose() const {
    // Harder questions have more parts; a part is easier than the whole.
    const auto parts = static_cast<std::uint64_t>(
        std::clamp<std::int64_t>(2 + std::lround(3 * q.difficulty + .5 * draw.normal()), 2, 5));
    std::string text = prose(6 + draw.uniform_int(10U), draw);
    const RandomStream of_question = RandomStream(s.seed).split("parts").split(q.text);
    for (std::uint64_t part = 1; part <= parts; ++part) {
      RandomStream own = of_question.split(part);
      const std::string about(any_word(own));
      text += std::to_string(part) + ". [difficulty " + two_digits(q.difficulty * own.uniform(.35, .75)) + "] Part " +
              std::to_string(part) + " of #" + std::to_string(of_question.split("name").split(part)() % 100000) +
              ": what does the " + about + " come to?\nHint: compare it with the " + std::string(any_word(own)) + ".\n";
    }
    text.pop_back();
    return {.text = std::move(text)};
  }

  [[nodiscard]] std::size_t links(std::string_view evidence) const { return links_told(q.chain, evidence); }

  [[nodiscard]] Draft critic() const {
    std::string_view evidence = s.prompt.evidence;
    while (!evidence.empty() && evidence.back() == '\n') evidence.remove_suffix(1);
    const std::size_t newest = evidence.rfind('\n');
    const std::string_view before = newest == std::string_view::npos ? "" : evidence.substr(0, newest);
    const bool gained = !q.chain.empty() && links(evidence) > links(before);
    const double gain = (gained ? .45 : -.1) + .15 * draw.normal();
    return told("Gain:", two_digits(std::clamp(gain, -1., 1.)), 6, 12);
  }

  [[nodiscard]] Draft sufficiency() const {
    const double share = q.chain.empty()
                             ? 1 - q.difficulty
                             : static_cast<double>(links(s.prompt.evidence)) / static_cast<double>(q.hops());
    return told("Sufficiency:", two_digits(std::clamp(share + .08 * draw.normal(), 0., 1.)), 6, 12);
  }

  [[nodiscard]] Draft act() const {
    const double care = logistic(1.2 + s.profile.skill);  // of those who search and do not guess
    std::string reasoning = prose(8 + draw.uniform_int(16U), draw);
    const auto search = [&](std::string query) {
      return ending(std::move(reasoning), "Search:", " " + query, {{" " + query, care}});
    };
    if (q.chain.empty()) {
      if (s.prompt.evidence.empty() && draw.bernoulli(.3)) return search(q.text.substr(0, 80));
      return solve(false);
    }
    const std::size_t known = links(s.prompt.evidence);
    if (known == q.hops() && draw.bernoulli(.97)) {
      const Candidates among = candidates_of(q, .95, s.temperature);
      return answer(std::move(reasoning), pick(among, draw), among);
    }
    if (draw.bernoulli(.15)) return search("history of the " + std::string(any_word(draw)));
    if (known < q.hops() && !draw.bernoulli(.3 * (1 - care))) return search("Where does " + q.chain[known] + " lead?");
    const Candidates among = candidates_of(q, chance(q, s), s.temperature);
    return answer(std::move(reasoning), pick(among, draw), among);
  }

  [[nodiscard]] Draft select() const {
    Candidates among;
    double sum = 0;
    for (std::size_t i = 0; i < s.prompt.answers.size(); ++i) {
      const std::string thing = answer_in(s.prompt.answers[i]);
      const double liking = same_answer(thing, q.truth) ? 1.4 + s.profile.skill : is_popular(thing) ? .8 : 0;
      among.emplace_back(" " + std::to_string(i + 1), std::exp(liking));
      sum += among.back().second;
    }
    for (auto& [choice, weight] : among) weight /= sum;
    std::string reasoning = prose(8 + draw.uniform_int(16U), draw);
    if (among.empty()) return ending(std::move(reasoning), "Choice:", " 1", {{" 1", .9}});
    const std::string choice = pick(among, draw);
    return ending(std::move(reasoning), "Choice:", choice, std::move(among));
  }
};

}  // namespace

Draft draft_reply(const Situation& situation, RandomStream draw) {
  const std::string& task = situation.prompt.task;
  const bool of_step = (task == "solve" || task == "step") && !situation.prompt.step.empty();
  const Question question = question_of(situation.seed, of_step ? situation.prompt.step : situation.prompt.question);
  const Writer writer{situation, question, draw};
  if (task == "judge") return writer.judge();
  if (task == "verify") return writer.verify();
  if (task == "check") return writer.check();
  if (task == "assess") return writer.assess();
  if (task == "decompose") return writer.decompose();
  if (task == "critic") return writer.critic();
  if (task == "sufficiency") return writer.sufficiency();
  if (task == "act") return writer.act();
  if (task == "select") return writer.select();
  if (task == "finalise") return writer.finalise();
  if (task == "step" && situation.prompt.step.empty()) return writer.step();
  const bool boxed = task != "solve" && task != "step" && task != "combine" && task != "repair";
  return situation.prompt.begun.contains("</think>") ? writer.after_thinking(boxed) : writer.solve(boxed);
}

}  // namespace bursar::simulate
