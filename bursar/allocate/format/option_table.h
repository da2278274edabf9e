// The shape of a problem while it is read: how many options each item has, and their names. Names are stored once
// where all items have the same, and not at all where they count up from 0.
//
//   OptionTable table;
//   table.add("none");  table.add("mail");
//   if (auto twice = table.end_item(); twice) return refuse(*twice);
//   std::move(table).finish(problem);   // first or width, and option_names
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/allocate/problem.h"

namespace bursar::allocate {

class OptionTable {
 public:
  void add(std::string_view name);  // of the item's next option
  void add_numbered();              // its position is its name
  // Ends the item; the name that two of its options share, if any. O(k log k) for k options, O(k) where the names are
  // those of the first item.
  [[nodiscard]] std::optional<std::string> end_item();
  [[nodiscard]] std::size_t items() const { return items_; }
  [[nodiscard]] std::size_t in_item() const { return in_item_; }  // options of the item that has not ended
  void finish(Problem& problem) &&;

 private:
  [[nodiscard]] std::size_t width_of(std::size_t item) const {
    return first_.empty() ? width_ : first_[item + 1] - first_[item];
  }
  void spell_out();
  void note_width();

  std::size_t items_ = 0, in_item_ = 0, options_ = 0, width_ = 0;
  std::vector<std::uint64_t> first_;  // once an item has another number of options than the first
  bool counting_ = true;              // every name so far is its position
  bool patterned_ = true;             // every item so far has the names of the first
  bool spelled_ = false;              // neither, and all names are in all_
  std::vector<std::string> pattern_, all_;
  std::vector<std::string_view> sorted_;
};

}  // namespace bursar::allocate
