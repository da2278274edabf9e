// An allocation as people and programs read it.
//
//   out << summary_text(problem, budget, allocation);
//   body = answer_json(problem, budget, allocation, {.choices = true, .explain = {2}});
//   auto ok = write_choices_csv(problem, allocation, [&](std::string_view piece) { return file.write(piece); });
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/allocate/problem.h"

namespace bursar::allocate {

struct AnswerParts {
  bool choices = true;
  std::vector<std::size_t> explain = {};  // items of the problem
};

// One line of JSON: format ("bursar-allocate/1"), items, options, value, bound, gap, minimise, method, stop; resources
// [{name, budget, cost, price}]; groups [{name, cap (null: none), cost, price}]; choice [positions], item and option
// [names] where the problem names them; explanations [{item, chosen, text, options [{name, value, cost, worth,
// status}]}], status one of chosen, forbidden, below_minimum, dominated, off_hull, priced_out, unaffordable. Keys are
// only ever added.
[[nodiscard]] std::string answer_json(const Problem& problem, const Budget& budget, const Allocation& allocation,
                                      const AnswerParts& parts = {});

// A few lines: value, bound, gap, why it stopped, and what of each budget is used.
[[nodiscard]] std::string summary_text(const Problem& problem, const Budget& budget, const Allocation& allocation);

// item,option,value,cost (or cost.usd, …): the columns of csv_problem.h, a row an item, in pieces of about 64 KiB.
// Errors: the sink's.
using TextSink = std::function<Result<void>(std::string_view piece)>;
[[nodiscard]] Result<void> write_choices_csv(const Problem& problem, const Allocation& allocation,
                                             const TextSink& sink);

// A field in quotes where it needs them.
void append_csv_field(std::string& out, std::string_view text);

}  // namespace bursar::allocate
