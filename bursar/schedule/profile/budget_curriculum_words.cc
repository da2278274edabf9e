// Curricula by their words.
#include "bursar/core/json.h"
#include "bursar/schedule/profile/budget_curriculum.h"
#include "bursar/schedule/profile/words.h"

namespace bursar::schedule {
namespace {

Result<BudgetCurriculum> make_curriculum(const std::string& name, WordParameters& read, std::int64_t steps) {
  if (name == "constant") {
    const double budget = read.number("budget");
    if (auto ok = read.done(); !ok) return tl::unexpected(ok.error());
    return BudgetCurriculum::constant(budget, steps);
  }
  if (name == "decay") {
    const BudgetDecay decay{.from = read.number("from"),
                            .factor = read.number("factor"),
                            .interval = read.whole("interval", 1),
                            .steps = steps};
    if (auto ok = read.done(); !ok) return tl::unexpected(ok.error());
    return BudgetCurriculum::decay(decay);
  }
  if (name != "exponential" && name != "linear") {
    return fail(ErrorCode::kNotFound, "there is no such curriculum; there are exponential, linear, constant, decay");
  }
  const BudgetDrops drops{
      .from = read.number("from"), .to = read.number("to"), .drops = read.whole("drops", 3), .steps = steps};
  if (auto ok = read.done(); !ok) return tl::unexpected(ok.error());
  return name == "linear" ? BudgetCurriculum::linear(drops) : BudgetCurriculum::exponential(drops);
}

}  // namespace

Result<BudgetCurriculum> parse_curriculum(std::string_view words, std::int64_t steps) {
  const auto read = parse_words("curriculum", words);
  if (!read) return tl::unexpected(read.error());
  WordParameters parameters(*read);
  return make_curriculum(read->name, parameters, steps).map_error([&](Error e) {
    return with_context("curriculum " + json_string(read->name), std::move(e));
  });
}

}  // namespace bursar::schedule
