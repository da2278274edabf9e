#include "bursar/allocate/format/option_table.h"

#include <algorithm>
#include <span>

#include "bursar/allocate/format/names.h"

namespace bursar::allocate {

void OptionTable::add(std::string_view name) {
  if (!spelled_) {
    const bool counts = counting_ && position_named(name) == in_item_;
    const bool matches = patterned_ && (items_ == 0 || (in_item_ < pattern_.size() && pattern_[in_item_] == name));
    if (items_ == 0) pattern_.emplace_back(name);
    if (!counts && !matches) spell_out();
    counting_ = counts;
    patterned_ = matches;
  }
  if (spelled_) all_.emplace_back(name);
  ++in_item_;
  ++options_;
}

void OptionTable::add_numbered() {
  if (!counting_ || items_ == 0) return add(std::to_string(in_item_));
  patterned_ = patterned_ && in_item_ < pattern_.size();
  ++in_item_;
  ++options_;
}

// Writes out the names of all options so far, by the rule that held until now.
void OptionTable::spell_out() {
  spelled_ = true;
  all_.reserve(options_ + 1);
  const auto spell = [&](std::size_t width) {
    for (std::size_t k = 0; k < width; ++k) all_.push_back(counting_ ? std::to_string(k) : pattern_[k]);
  };
  for (std::size_t i = 0; i < items_; ++i) spell(width_of(i));
  spell(in_item_);
}

void OptionTable::note_width() {
  if (items_ == 0) width_ = in_item_;
  if (first_.empty() && in_item_ != width_) {
    first_.reserve(items_ + 2);
    for (std::size_t i = 0; i <= items_; ++i) first_.push_back(i * width_);
  }
  if (!first_.empty()) first_.push_back(options_);
}

std::optional<std::string> OptionTable::end_item() {
  if (!spelled_ && patterned_ && items_ != 0 && in_item_ != pattern_.size()) {
    if (!counting_) spell_out();
    patterned_ = false;
  }
  const bool known = counting_ || (!spelled_ && items_ != 0);
  std::optional<std::string> twice;
  if (!known) {
    const std::span<const std::string> names = std::span(spelled_ ? all_ : pattern_).last(in_item_);
    sorted_.assign(names.begin(), names.end());
    std::ranges::sort(sorted_);
    if (const auto found = std::ranges::adjacent_find(sorted_); found != sorted_.end()) twice.emplace(*found);
  }
  note_width();
  ++items_;
  in_item_ = 0;
  return twice;
}

void OptionTable::finish(Problem& problem) && {
  problem.width = first_.empty() ? width_ : 0;
  problem.first = std::move(first_);
  if (spelled_) {
    problem.option_names = std::move(all_);
  } else if (!counting_) {
    problem.option_names = std::move(pattern_);
  }
}

}  // namespace bursar::allocate
