// Receipts as bytes: amounts are packed once, where they are settled, and travel to the database unchanged.
//
//   std::string blob;
//   append_amounts(blob, reserved);  append_amounts(blob, actual);
//
// A list of amounts is its length, then for each its resource's number and its units as a zig-zag varint.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "bursar/core/amount.h"
#include "bursar/core/result.h"
#include "bursar/ledger/store.h"

namespace bursar::ledger {

inline constexpr std::uint8_t kFlagUncertain = 1;
inline constexpr std::uint8_t kFlagLate = 2;  // settled after its hold had expired: all of it is overrun

void append_varint(std::string& out, std::uint64_t value);
void append_amounts(std::string& out, const Amounts& amounts);

// Reads from the front of `in` and removes what it read; false where the bytes are damaged.
[[nodiscard]] bool take_varint(std::string_view& in, std::uint64_t& value);
[[nodiscard]] bool take_amounts(std::string_view& in, Amounts& amounts);

struct ReceiptAmounts {
  Amounts reserved, actual, overrun;
};
// Errors: kCorrupt.
[[nodiscard]] Result<ReceiptAmounts> unpack_receipt(std::string_view blob, std::uint8_t flags);
[[nodiscard]] Amounts overrun_of(const Amounts& reserved, const Amounts& actual, bool late);

// A queue of receipts: one buffer, no allocation for each receipt once it has grown.
class ReceiptBuffer {
 public:
  struct Entry {
    std::uint64_t sequence = 0;
    HoldId hold = 0;
    AccountId account = 0;
    std::int64_t at_us = 0;
    std::uint32_t born = 0;
    std::uint8_t flags = 0;
  };
  void append(const Entry& entry, const Amounts& reserved, const Amounts& actual, std::string_view key,
              std::string_view memo);
  [[nodiscard]] std::size_t size() const { return count_; }
  void clear();
  // Views into this buffer, in order of appending; they live until it changes.
  void rows(std::vector<ReceiptRow>& out) const;
  void swap(ReceiptBuffer& other) noexcept;

 private:
  std::string bytes_;
  std::size_t count_ = 0;
};

}  // namespace bursar::ledger
