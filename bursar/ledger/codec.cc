#include "bursar/ledger/codec.h"

#include <cstring>

#include "bursar/ledger/assert.h"

namespace bursar::ledger {
namespace {

constexpr std::size_t kMaxVarint = 10;

char* put_varint(char* at, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) *at++ = static_cast<char>(value | 0x80);
  *at++ = static_cast<char>(value);
  return at;
}

char* put_amounts(char* at, const Amounts& amounts) {
  *at++ = static_cast<char>(amounts.items().size());
  for (const Amount& a : amounts.items()) {
    *at++ = static_cast<char>(a.resource.index());
    at = put_varint(at, static_cast<std::uint64_t>(a.units) << 1 ^ static_cast<std::uint64_t>(a.units >> 63));
  }
  return at;
}

constexpr std::size_t kMaxAmounts = 1 + Amounts::kCapacity * (1 + kMaxVarint);

// What stands in front of each receipt's three strings.
struct Head {
  ReceiptBuffer::Entry entry;
  std::uint16_t amounts, key, memo;
};

}  // namespace

void append_varint(std::string& out, std::uint64_t value) {
  char bytes[kMaxVarint];
  out.append(bytes, static_cast<std::size_t>(put_varint(bytes, value) - bytes));
}

void append_amounts(std::string& out, const Amounts& amounts) {
  char bytes[kMaxAmounts];
  out.append(bytes, static_cast<std::size_t>(put_amounts(bytes, amounts) - bytes));
}

bool take_varint(std::string_view& in, std::uint64_t& value) {
  value = 0;
  for (std::size_t i = 0; i < kMaxVarint && i < in.size(); ++i) {
    const auto byte = static_cast<unsigned char>(in[i]);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      in.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

bool take_amounts(std::string_view& in, Amounts& amounts) {
  amounts = {};
  if (in.empty()) return false;
  const auto count = static_cast<unsigned char>(in.front());
  in.remove_prefix(1);
  if (count > Amounts::kCapacity) return false;
  for (unsigned i = 0; i < count; ++i) {
    if (in.empty()) return false;
    const auto index = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    std::uint64_t zigzag = 0;
    if (index >= Resource::kMaxDeclared || !take_varint(in, zigzag)) return false;
    const auto units = static_cast<std::int64_t>(zigzag >> 1 ^ (~(zigzag & 1) + 1));
    if (!amounts.set(Resource::from_index(index), units)) return false;
  }
  return true;
}

Amounts overrun_of(const Amounts& reserved, const Amounts& actual, bool late) {
  if (late) return actual;
  Amounts overrun;
  for (const Amount& a : actual.items()) {
    const std::int64_t held = reserved[a.resource];
    if (a.units > held) LEDGER_ASSERT(overrun.set(a.resource, a.units - held));
  }
  return overrun;
}

Result<ReceiptAmounts> unpack_receipt(std::string_view blob, std::uint8_t flags) {
  ReceiptAmounts amounts;
  if (!take_amounts(blob, amounts.reserved) || !take_amounts(blob, amounts.actual) || !blob.empty() ||
      amounts.reserved.any_negative() || amounts.actual.any_negative()) {
    return fail(ErrorCode::kCorrupt, "a receipt's amounts are damaged; restore the database from a backup");
  }
  amounts.overrun = overrun_of(amounts.reserved, amounts.actual, (flags & kFlagLate) != 0);
  return amounts;
}

void ReceiptBuffer::append(const Entry& entry, const Amounts& reserved, const Amounts& actual, std::string_view key,
                           std::string_view memo) {
  char packed[2 * kMaxAmounts];
  char* end = put_amounts(put_amounts(packed, reserved), actual);
  const auto length = static_cast<std::size_t>(end - packed);
  const Head head{entry, static_cast<std::uint16_t>(length), static_cast<std::uint16_t>(key.size()),
                  static_cast<std::uint16_t>(memo.size())};
  const std::size_t at = bytes_.size();
  if (bytes_.capacity() < at + sizeof head + length + key.size() + memo.size()) {
    bytes_.reserve(2 * (at + sizeof head + length + key.size() + memo.size()));
  }
  bytes_.append(reinterpret_cast<const char*>(&head), sizeof head);
  bytes_.append(packed, length);
  bytes_.append(key);
  bytes_.append(memo);
  ++count_;
}

void ReceiptBuffer::clear() {
  bytes_.clear();
  count_ = 0;
}

void ReceiptBuffer::swap(ReceiptBuffer& other) noexcept {
  bytes_.swap(other.bytes_);
  std::swap(count_, other.count_);
}

void ReceiptBuffer::rows(std::vector<ReceiptRow>& out) const {
  const char* at = bytes_.data();
  for (std::size_t i = 0; i < count_; ++i) {
    Head head;
    std::memcpy(&head, at, sizeof head);
    at += sizeof head;
    const ReceiptBuffer::Entry& e = head.entry;
    out.push_back({.sequence = e.sequence,
                   .hold = e.hold,
                   .account = e.account,
                   .at_us = e.at_us,
                   .born = e.born,
                   .flags = e.flags,
                   .amounts = {at, head.amounts},
                   .key = {at + head.amounts, head.key},
                   .memo = {at + head.amounts + head.key, head.memo}});
    at += head.amounts + head.key + head.memo;
  }
  LEDGER_ASSERT(at == bytes_.data() + bytes_.size());
}

}  // namespace bursar::ledger
