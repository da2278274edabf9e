// The passes over all options: what every item takes at a price of the budget. Internal to this room.
//
//   ChoicePass pass(table);
//   pass.choose(i0, i1, 0.7, low);   // low[i - i0] = argmax_k v - 0.7 c of item i
//
// Works in blocks of items that fit the second-level cache, so that two prices, the check of the numbers and the sums
// read the memory once. Vectorised; where the processor has AVX2 or AVX-512 the wider code is chosen at load time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "bursar/allocate/multiple_choice.h"

namespace bursar::allocate::detail {

// A price so high that only the cost counts: above every ratio of two numbers that a solver takes.
inline constexpr double kInfinitePrice = 1e200;

inline constexpr std::size_t kBlockItems = 512;

class ChoicePass {
 public:
  explicit ChoicePass(const ChoiceTable& table) : table_(table) {}

  // choice[i - from] = first option k of item i with the largest v - price c, for the items [from, to). An item whose
  // options are all forbidden gets kNone.
  void choose(std::size_t from, std::size_t to, double price, std::uint32_t* choice);

  // The first option of the items [from, to) whose value or cost is not finite or too large.
  [[nodiscard]] std::optional<std::size_t> bad_number(std::size_t from, std::size_t to) const;

  // counts[i - from] = options of item i that lose less than `slack` against its best at this price, the best included.
  void count_close(std::size_t from, std::size_t to, double price, double slack, std::uint32_t* counts);

  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

 private:
  void penalise(std::size_t from, std::size_t to, double price);

  const ChoiceTable& table_;
  std::vector<double> worth_;  // v - price c of the block
};

}  // namespace bursar::allocate::detail
