// What the simulated model knows about a question, and nobody else can see: how hard it is and what is right.
//
//   Question q = question_of(/*seed=*/7, "How many? [difficulty 0.7]");
//   q.difficulty;                                     // 0.7
//   q.truth;                                          // a whole number that follows from seed and text, say "417"
//   simulated_truth(7, "How many? [difficulty 0.7]")  // the same
//
// Marks in the text override what its hash would give:
//   [difficulty 0.7]        0 (everybody knows) to 1 (nobody does)          else uniform
//   [truth 42]              the right answer                                else 10 to 999, or one of the options
//   A) red B) blue C) green the answer is one of the letters
//   [hops 3]                the answer is where a trail of 3 links ends; its links are found by search() alone
//   [hops 3 from Kalomi]    the trail begins there (a name of the simulated world: entity_name())
// White space is run together before anything else, so that a question that was wrapped is the same one. O(bytes).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bursar::simulate {

struct Question {
  std::string text;                  // white space run together
  double difficulty = 0;             // [0, 1]
  std::string truth;                 // the right answer
  std::vector<std::string> wrong;    // the others that are given, the most popular first; at least one
  std::vector<std::string> options;  // letters; empty where the answer is open
  std::vector<std::string> chain;    // entities of the trail, the first to the last; empty where nothing is searched
  double mood = 0;                   // standard normal: how this question suits models, beside its difficulty

  [[nodiscard]] std::size_t hops() const { return chain.empty() ? 0 : chain.size() - 1; }
};

[[nodiscard]] Question question_of(std::uint64_t seed, std::string_view text);
[[nodiscard]] std::string simulated_truth(std::uint64_t seed, std::string_view text);

// Whether an answer, as a model or a strategy wrote it, is that one: without white space, \boxed{}, $, a full stop at
// the end and case.
[[nodiscard]] bool same_answer(std::string_view a, std::string_view b);

[[nodiscard]] std::string run_together(std::string_view text);  // white space becomes one space; none at the ends

}  // namespace bursar::simulate
