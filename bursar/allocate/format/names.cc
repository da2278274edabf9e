#include "bursar/allocate/format/names.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <random>

namespace bursar::allocate {
namespace {

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t hash(std::string_view text, std::uint64_t key) {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
  std::uint64_t state = key ^ text.size();
  while (!text.empty()) {
    std::uint64_t word = 0;
    const std::size_t n = std::min<std::size_t>(text.size(), sizeof word);
    std::memcpy(&word, text.data(), n);
    state = mix(state ^ word, kOdd ^ std::rotl(key, 23));
    text.remove_prefix(n);
  }
  return mix(state, kOdd);
}

// One key a process: which names collide must not be known from outside. No result depends on it.
std::uint64_t process_key() {
  static const std::uint64_t key = [] {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
  }();
  return key;
}

}  // namespace

std::optional<std::uint32_t> position_named(std::string_view text) {
  std::uint32_t position = 0;
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), position);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return position;
}

NameTable::NameTable() : key_(process_key()) {}

std::size_t NameTable::slot_of(std::string_view name) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash(name, key_) & mask;
  while (slots_[at] != 0 && names_[slots_[at] - 1] != name) at = (at + 1) & mask;
  return at;
}

std::optional<std::uint32_t> NameTable::find(std::string_view name) const {
  if (counting_) {
    const auto position = position_named(name);
    return position && *position < size_ ? position : std::nullopt;
  }
  const std::uint32_t slot = slots_[slot_of(name)];
  return slot == 0 ? std::nullopt : std::optional(slot - 1);
}

bool NameTable::add(std::string_view name) {
  if (counting_) {
    const auto position = position_named(name);
    if (position == size_) return ++size_, true;
    if (position && *position < size_) return false;
    spell_out();
  }
  if ((names_.size() + 1) * 2 > slots_.size()) grow();
  const std::size_t at = slot_of(name);
  if (slots_[at] != 0) return false;
  names_.emplace_back(name);
  slots_[at] = ++size_;
  return true;
}

void NameTable::spell_out() {
  counting_ = false;
  names_.reserve(size_ + 1);
  for (std::uint32_t i = 0; i < size_; ++i) names_.push_back(std::to_string(i));
  grow();
}

void NameTable::grow() {
  slots_.assign(std::bit_ceil((names_.size() + 8) * 4), 0);
  for (std::uint32_t i = 0; i < names_.size(); ++i) slots_[slot_of(names_[i])] = i + 1;
}

std::string NameTable::name(std::uint32_t position) const {
  return counting_ ? std::to_string(position) : names_[position];
}

std::vector<std::string> NameTable::take() && { return std::move(names_); }

}  // namespace bursar::allocate
