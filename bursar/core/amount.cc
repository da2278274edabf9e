#include "bursar/core/amount.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <mutex>
#include <optional>

#include "bursar/core/wide.h"

namespace bursar {
namespace {

struct Declared {
  std::string name;
  int decimals = 0;
};

// Names only ever join at the end, and an entry never changes once `count` covers it; so readers need no lock.
class Registry {
 public:
  Registry() {
    for (const auto& [name, decimals] :
         {std::pair{"usd", 6}, {"tokens", 0}, {"calls", 0}, {"ms", 3}, {"rollouts", 0}, {"bits", 0}, {"labels", 0}}) {
      append(name, decimals);
    }
  }

  std::optional<std::uint8_t> find(std::string_view name) const {
    const std::size_t count = count_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < count; ++i) {
      if (entries_[i].name == name) return static_cast<std::uint8_t>(i);
    }
    return std::nullopt;
  }

  std::optional<std::uint8_t> find_or_append(std::string_view name) {
    const std::scoped_lock lock(mutex_);
    if (auto index = find(name)) return index;
    if (count_.load(std::memory_order_relaxed) == entries_.size()) return std::nullopt;
    return append(name, 0);
  }

  const Declared* at(std::uint8_t index) const {
    return index < count_.load(std::memory_order_acquire) ? &entries_[index] : nullptr;
  }

 private:
  std::uint8_t append(std::string_view name, int decimals) {
    const std::size_t index = count_.load(std::memory_order_relaxed);
    entries_[index] = {std::string(name), decimals};
    count_.store(index + 1, std::memory_order_release);
    return static_cast<std::uint8_t>(index);
  }

  std::array<Declared, Resource::kMaxDeclared> entries_;
  std::atomic<std::size_t> count_ = 0;
  std::mutex mutex_;
};

Registry& registry() {
  static auto* const instance = new Registry;  // never destroyed: names outlive every static that prints one
  return *instance;
}

// How a unit is written: one of it is `times` x 10^exponent smallest units of its resource.
struct Unit {
  Resource resource = kMs;
  unsigned times = 1;
  int exponent = 0;
};

std::optional<Unit> time_unit(std::string_view name) {
  if (name == "us") return Unit{.exponent = 0};
  if (name == "s") return Unit{.exponent = 6};
  if (name == "min") return Unit{.times = 60, .exponent = 6};
  if (name == "h") return Unit{.times = 3600, .exponent = 6};
  return std::nullopt;
}

std::optional<Unit> find_unit(std::string_view name) {
  if (auto unit = time_unit(name)) return unit;
  const auto index = registry().find(name);
  if (!index) return std::nullopt;
  const auto resource = Resource::from_index(*index);
  return Unit{.resource = resource, .exponent = resource.decimals()};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_resource_name(std::string_view name) {
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && name.size() <= 32 && is_lower(name[0]) &&
         std::ranges::all_of(name, [&](char c) { return is_lower(c) || is_digit(c) || c == '_'; });
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 64;
  std::string out = "\"";
  for (const char c : text.substr(0, kShown)) out += c >= ' ' && c <= '~' ? c : '?';
  return out + (text.size() > kShown ? "…\"" : "\"");
}

// A decimal number as it was written: digits / 10^fraction.
struct Decimal {
  bool negative = false;
  UnsignedWide digits = 0;
  int fraction = 0;
};

// Takes a number off the front of `text`; absent where there is none or it has more than 38 significant digits.
std::optional<Decimal> take_decimal(std::string_view& text) {
  Decimal out;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    out.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  bool point = false;
  std::size_t at = 0;
  for (; at < text.size() && (is_digit(text[at]) || (text[at] == '.' && !point)); ++at) {
    if (text[at] == '.') {
      if (at == 0) return std::nullopt;
      point = true;
      continue;
    }
    out.fraction += point;
    if (__builtin_mul_overflow(out.digits, static_cast<UnsignedWide>(10), &out.digits) ||
        __builtin_add_overflow(out.digits, static_cast<UnsignedWide>(text[at] - '0'), &out.digits)) {
      return std::nullopt;
    }
  }
  if (at == 0 || text[at - 1] == '.') return std::nullopt;
  text.remove_prefix(at);
  return out;
}

int take_suffix(std::string_view& text) {
  if (text.empty()) return 0;
  const int exponent = text[0] == 'k' ? 3 : text[0] == 'M' ? 6 : text[0] == 'G' ? 9 : 0;
  if (exponent > 0) text.remove_prefix(1);
  return exponent;
}

// digits x times x 10^power with its sign; absent where it does not fit 64 bits.
std::optional<std::int64_t> scale(const Decimal& number, unsigned times, int power) {
  UnsignedWide magnitude = number.digits;
  if (__builtin_mul_overflow(magnitude, static_cast<UnsignedWide>(times), &magnitude)) return std::nullopt;
  for (; power > 0; --power) {
    if (__builtin_mul_overflow(magnitude, static_cast<UnsignedWide>(10), &magnitude)) return std::nullopt;
  }
  constexpr auto kMax = static_cast<UnsignedWide>(INT64_MAX);
  if (magnitude > kMax + (number.negative ? 1 : 0)) return std::nullopt;
  const auto low = static_cast<std::uint64_t>(magnitude);
  return static_cast<std::int64_t>(number.negative ? std::uint64_t{0} - low : low);
}

std::uint64_t magnitude_of(std::int64_t units) {
  return units < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(units) : static_cast<std::uint64_t>(units);
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

// magnitude / 10^decimals, with at least `shown` digits after the point and no needless zeros past those.
void append_decimal(std::string& out, std::uint64_t magnitude, int decimals, int shown) {
  std::uint64_t one = 1;
  for (int i = 0; i < decimals; ++i) one *= 10;
  append_number(out, magnitude / one);
  std::uint64_t fraction = magnitude % one;
  for (; decimals > shown && fraction % 10 == 0; --decimals) fraction /= 10;
  if (decimals == 0) return;
  out += '.';
  const std::size_t first = out.size();
  append_number(out, fraction);
  out.insert(first, static_cast<std::size_t>(decimals) - (out.size() - first), '0');
}

void append(std::string& out, Amount amount) {
  const std::uint64_t magnitude = magnitude_of(amount.units);
  const int decimals = amount.resource.decimals();
  if (amount.units < 0) out += '-';
  if (amount.resource == kMs) {
    if (magnitude == 0 || magnitude % 1'000'000 != 0) {
      append_decimal(out, magnitude, decimals, 0);
      out += " ms";
      return;
    }
    append_number(out, magnitude / 1'000'000);
    out += " s";
    return;
  }
  if (decimals > 0) {
    append_decimal(out, magnitude, decimals, 2);
  } else {
    constexpr std::array<std::pair<std::uint64_t, char>, 3> kSuffixes = {
        {{1'000'000'000, 'G'}, {1'000'000, 'M'}, {1'000, 'k'}}};
    const auto* const even = std::ranges::find_if(
        kSuffixes, [&](const auto& suffix) { return magnitude > 0 && magnitude % suffix.first == 0; });
    append_number(out, even == kSuffixes.end() ? magnitude : magnitude / even->first);
    if (even != kSuffixes.end()) out += even->second;
  }
  out.append(" ").append(amount.resource.name());
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

}  // namespace

Result<Resource> Resource::declare(std::string_view name) {
  if (!is_resource_name(name)) {
    return invalid_argument("resource name " + quoted(name) +
                            " must be 1 to 32 of a-z, 0-9 and _ and start with a letter");
  }
  if (time_unit(name)) return invalid_argument("resource name " + quoted(name) + " is a unit of time; choose another");
  if (auto index = registry().find_or_append(name)) return from_index(*index);
  return fail(ErrorCode::kExhausted, "resource " + quoted(name) + " is one too many: at most " +
                                         std::to_string(kMaxDeclared) + " resources can be declared");
}

Result<Resource> Resource::find(std::string_view name) {
  if (auto index = registry().find(name)) return from_index(*index);
  return fail(ErrorCode::kNotFound, "resource " + quoted(name) + " is not declared");
}

std::string_view Resource::name() const {
  const Declared* declared = registry().at(index_);
  return declared ? std::string_view(declared->name) : "undeclared";
}

int Resource::decimals() const {
  const Declared* declared = registry().at(index_);
  return declared ? declared->decimals : 0;
}

Result<Amount> parse_amount(std::string_view text) {
  std::string_view rest = text;
  const auto number = take_decimal(rest);
  if (!number) {
    return invalid_argument("amount " + quoted(text) + " must start with a number, as in \"12.50 usd\"");
  }
  const int suffix = take_suffix(rest);
  if (!rest.starts_with(' ')) {
    return invalid_argument("amount " + quoted(text) + " must be a number (with k, M or G), a space and a unit");
  }
  rest.remove_prefix(1);
  const auto unit = find_unit(rest);
  if (!unit) {
    return invalid_argument("amount " + quoted(text) + " has the unit " + quoted(rest) +
                            ", which is neither a declared resource nor one of us, ms, s, min, h");
  }
  const int power = unit->exponent + suffix - number->fraction;
  if (power < 0) {
    return invalid_argument("amount " + quoted(text) + " has more decimals than the " +
                            std::to_string(unit->exponent + suffix) + " that can be counted");
  }
  const auto units = scale(*number, unit->times, power);
  if (!units) return invalid_argument("amount " + quoted(text) + " does not fit 64 bits of the smallest unit");
  return Amount{unit->resource, *units};
}

std::string to_string(Amount amount) {
  std::string out;
  append(out, amount);
  return out;
}

std::int64_t Amounts::operator[](Resource resource) const {
  for (const Amount& item : items()) {
    if (item.resource == resource) return item.units;
  }
  return 0;
}

Result<void> Amounts::set(Resource resource, std::int64_t units) {
  std::size_t at = 0;
  while (at < size_ && items_[at].resource < resource) ++at;
  if (at < size_ && items_[at].resource == resource) {
    items_[at].units = units;
    return {};
  }
  if (size_ == kCapacity) {
    return fail(ErrorCode::kExhausted, "resource " + quoted(resource.name()) + " is one too many: at most " +
                                           std::to_string(kCapacity) + " resources in one set of amounts");
  }
  std::copy_backward(items_.begin() + at, items_.begin() + size_, items_.begin() + size_ + 1);
  items_[at] = {resource, units};
  ++size_;
  return {};
}

Result<void> Amounts::add(Amount amount) {
  if (amount.units == 0) return {};
  std::int64_t sum = 0;
  if (__builtin_add_overflow((*this)[amount.resource], amount.units, &sum)) {
    return invalid_argument("adding " + to_string(amount) + " to " +
                            to_string(Amount{amount.resource, (*this)[amount.resource]}) + " does not fit 64 bits");
  }
  return set(amount.resource, sum);
}

Result<void> Amounts::add(const Amounts& other) {
  Amounts sum = *this;
  for (const Amount& item : other.items()) {
    if (auto ok = sum.add(item); !ok) return ok;
  }
  *this = sum;
  return {};
}

Result<void> Amounts::subtract(const Amounts& other) {
  Amounts difference = *this;
  for (const Amount& item : other.items()) {
    if (item.units == 0) continue;
    std::int64_t left = 0;
    if (__builtin_sub_overflow(difference[item.resource], item.units, &left)) {
      return invalid_argument("subtracting " + to_string(item) + " from " +
                              to_string(Amount{item.resource, difference[item.resource]}) + " does not fit 64 bits");
    }
    if (auto ok = difference.set(item.resource, left); !ok) return ok;
  }
  *this = difference;
  return {};
}

bool Amounts::any_negative() const {
  return std::ranges::any_of(items(), [](const Amount& item) { return item.units < 0; });
}

bool Amounts::operator==(const Amounts& other) const {
  const auto covers = [](const Amounts& a, const Amounts& b) {
    return std::ranges::all_of(a.items(), [&](const Amount& item) { return b[item.resource] == item.units; });
  };
  return covers(*this, other) && covers(other, *this);
}

Result<Amounts> parse_amounts(std::string_view text) {
  Amounts out;
  if (trim(text).empty()) return out;
  for (bool more = true; more;) {
    const auto comma = text.find(',');
    more = comma != std::string_view::npos;
    auto amount = parse_amount(trim(text.substr(0, comma)));
    if (!amount) return tl::unexpected(std::move(amount.error()));
    const auto same = [&](const Amount& item) { return item.resource == amount->resource; };
    if (std::ranges::any_of(out.items(), same)) {
      return invalid_argument("amounts name " + quoted(amount->resource.name()) + " twice; give each resource once");
    }
    if (auto ok = out.set(amount->resource, amount->units); !ok) return tl::unexpected(std::move(ok.error()));
    if (more) text.remove_prefix(comma + 1);
  }
  return out;
}

std::string to_string(const Amounts& amounts) {
  std::string out;
  out.reserve(24 * amounts.items().size());
  for (const Amount& item : amounts.items()) {
    if (!out.empty()) out += ", ";
    append(out, item);
  }
  return out;
}

}  // namespace bursar
