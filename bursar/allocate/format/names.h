// Distinct names in the order in which they came. Names that count up from 0 ("0", "1", …) take no memory.
//
//   NameTable items;
//   if (!items.add("ada")) return twice("ada");
//   problem.item_names = std::move(items).take();   // empty where every name is its own position
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bursar::allocate {

class NameTable {
 public:
  NameTable();
  // False where the name stands already. O(bytes of the name), expected; the hash is keyed, so no input makes it slow.
  bool add(std::string_view name);
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view name) const;
  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::string name(std::uint32_t position) const;
  [[nodiscard]] std::vector<std::string> take() &&;

 private:
  [[nodiscard]] std::size_t slot_of(std::string_view name) const;
  void spell_out();
  void grow();

  std::uint64_t key_;
  std::uint32_t size_ = 0;
  bool counting_ = true;              // every name so far is its own position, and nothing is stored
  std::vector<std::string> names_;    // [size_] unless counting_
  std::vector<std::uint32_t> slots_;  // open addressing: position + 1, or 0; at most half full
};

// "0" … without leading zeros; nothing else.
[[nodiscard]] std::optional<std::uint32_t> position_named(std::string_view text);

}  // namespace bursar::allocate
