// What one agent's efforts cost, learned from which effort it takes under mixtures of two pay rules.
//
//   CostSearch search(/*efforts=*/3, /*steps=*/10);
//   while (!search.done()) {
//     const auto [from, to, weight] = search.query();     // pay weight x rule[to] + (1 - weight) x rule[from]
//     if (auto ok = search.answer(effort_that_was_taken); !ok) return ok;
//   }
//   auto costs = costs_of(search.switches(), 3, pay);     // pay[rule * 3 + effort]: expected, when told the truth
//
// An agent's gain from each effort is linear in the weight, so the effort it takes changes along a segment of rules at
// most once for every effort, and at a change two are equally good:
//     c(p) - c(q) = weight (F(p | to) - F(q | to)) + (1 - weight) (F(p | from) - F(q | from)).
// Segments lead from effort 0's rule to those of efforts that no change connects yet; a third effort that shows up in
// between splits the segment (systems/info-acquisition, step 2). `steps` halvings of each interval. At most
// (efforts - 1) x steps queries a segment, and efforts - 1 segments.
#pragma once

#include <boost/json/fwd.hpp>
#include <span>
#include <vector>

#include "bursar/core/json.h"
#include "bursar/core/result.h"

namespace bursar::agree {

class CostSearch {
 public:
  CostSearch(std::size_t efforts, int steps);  // efforts >= 1, 1 <= steps <= 50

  struct Query {
    std::size_t from = 0, to = 0;
    double weight = 0;                 // of rule[to]
    std::size_t below = 0, above = 0;  // what is taken at either end of the interval
  };
  [[nodiscard]] bool done() const { return open_.empty(); }
  [[nodiscard]] Query query() const;  // while !done()

  // Errors: kInfeasible ("unidentifiable: …") where a segment shows no change within it, or more changes than there are
  // efforts: signals then do not tell efforts apart, or a rule is not strict. The search cannot go on after that.
  [[nodiscard]] Result<void> answer(std::size_t effort);

  struct Switch {
    std::size_t from = 0, to = 0;      // rules
    double weight = 0;                 // of rule[to]
    std::size_t below = 0, above = 0;  // efforts
  };
  [[nodiscard]] const std::vector<Switch>& switches() const { return switches_; }

  [[nodiscard]] boost::json::value save() const;
  // Errors: kInvalidArgument for what save() did not write.
  [[nodiscard]] static Result<CostSearch> load(const JsonView& saved, std::size_t efforts, int steps);

 private:
  struct Span {
    double low = 0, high = 1;
    std::size_t below = 0, above = 0;
    int depth = 0;
  };
  [[nodiscard]] Result<void> settle();
  void next_segment();

  std::size_t efforts_;
  int steps_;
  std::size_t to_ = 0, before_ = 0;  // the segment's target, and how many switches there were before it
  std::vector<Span> open_;
  std::vector<Switch> switches_;
};

// Costs with the least at 0. `pay` is [efforts x efforts]: expected pay of each effort (second) under each rule
// (first). Errors: kInfeasible where the switches leave an effort unconnected.
[[nodiscard]] Result<std::vector<double>> costs_of(std::span<const CostSearch::Switch> switches, std::size_t efforts,
                                                   std::span<const double> pay);

}  // namespace bursar::agree
