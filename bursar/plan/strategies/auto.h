// Which strategy a job gets that leaves the choice to us: by what its purse is worth and by what is asked.
//
//   AutoChoice choice = choose_strategy(setup, purse, 12);    // choice.strategy == "bom"
//   choice.because;                                           // "one short answer, and the purse is worth 12 of them"
//
// The first line that holds decides; n is how many answers the purse is worth (its tokens over those of an answer and
// its prompt, its calls), at most `spend`:
//   a tool to search with, a question of who, when or where, n >= 4       bats
//   n < 3, or less than a tenth of the purse is left                      sevra
//   no short answer that could be voted on                                sevra
//   less than 20 s                                                        bom: two rounds of calls at most
//   n >= 40                                                               dora
//   three parts or more, or hard by its look: n >= 8                      scale
//                                             n >= 5                      plan-and-budget
//   n >= 8                                                                bom
//   one of several options                                                pets
//   else                                                                  sevra
// How long an answer is comes from beliefs["lengths"], else half of max_tokens is assumed. A rule of ours [choice],
// from what the strategies did in simulation (docs/strategies.md).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "bursar/core/result.h"
#include "bursar/plan/job/controller.h"
#include "bursar/plan/job/script.h"

namespace bursar::plan {

enum class QuestionForm : std::uint8_t {
  kOptions,  // one of those that are listed
  kValue,    // a number, a name: short, and the same however it is written
  kText,     // anything else: no two answers are the same
};
[[nodiscard]] std::string_view name_of(QuestionForm form);  // "options", "value", "text"
[[nodiscard]] QuestionForm form_of(std::string_view question);

struct AutoChoice {
  std::string_view strategy;
  std::string because;
  double answers = 0;  // n
  QuestionForm form = QuestionForm::kText;
};
[[nodiscard]] AutoChoice choose_strategy(const JobSetup& setup, const Purse& purse, double spend);

// Chooses at its first step, from the purse as it is then, and does what the chosen strategy does.
[[nodiscard]] Result<std::unique_ptr<Controller>> make_auto(JobSetup setup);

}  // namespace bursar::plan
