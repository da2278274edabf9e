// What is enforced is counted in 64-bit integers of a resource's smallest unit: micro-dollars, tokens, microseconds.
//
//   Result<Amount> a = parse_amount("12.50 usd");            // {usd, 12'500'000}
//   Amounts price;
//   if (auto ok = price.add(*a); !ok) return ok;              // checked: never wraps
//   to_string(*a);                                            // "12.50 usd"
//   parse_amount("30k tokens"); parse_amount("2 s");          // {tokens, 30'000}, {ms, 2'000'000 µs}
//
// A Resource is a small number that stands for an interned name; comparing and copying it is free. Built in are usd (6
// decimals), ms (3 decimals, so its smallest unit is the microsecond; also written us, s, min, h) and tokens, calls,
// rollouts, bits, labels (0 decimals). Any other name is a whole-number resource that exists once it was declared.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "bursar/core/result.h"

namespace bursar {

class Resource {
 public:
  // Declares (or finds) the resource of that name: [a-z][a-z0-9_]{0,31}. Thread-safe. Errors: kInvalidArgument for
  // another form, kExhausted past kMaxDeclared names (names come from configuration, never from requests).
  [[nodiscard]] static Result<Resource> declare(std::string_view name);
  // Finds a resource that was declared; kNotFound otherwise. What a request names goes through this one.
  [[nodiscard]] static Result<Resource> find(std::string_view name);
  [[nodiscard]] static constexpr Resource from_index(std::uint8_t index) { return Resource{index}; }

  [[nodiscard]] std::string_view name() const;  // "usd"; lives as long as the process
  [[nodiscard]] int decimals() const;           // digits after the point in its printed unit; 0 … 6
  [[nodiscard]] constexpr std::uint8_t index() const { return index_; }
  constexpr auto operator<=>(const Resource&) const = default;

  static constexpr std::size_t kMaxDeclared = 64;  // built-in ones included

 private:
  explicit constexpr Resource(std::uint8_t index) : index_(index) {}
  std::uint8_t index_;
};

inline constexpr Resource kUsd = Resource::from_index(0);
inline constexpr Resource kTokens = Resource::from_index(1);
inline constexpr Resource kCalls = Resource::from_index(2);
inline constexpr Resource kMs = Resource::from_index(3);  // counted in microseconds
inline constexpr Resource kRollouts = Resource::from_index(4);
inline constexpr Resource kBits = Resource::from_index(5);
inline constexpr Resource kLabels = Resource::from_index(6);

struct Amount {
  Resource resource = kUsd;
  std::int64_t units = 0;  // smallest units of the resource; may be negative in differences
  bool operator==(const Amount&) const = default;
};

// Reads "<number><suffix?> <unit>": number with an optional fraction and sign, suffix k, M, G (10^3, 10^6, 10^9), unit
// a declared resource or one of us, ms, s, min, h. Errors: kInvalidArgument naming the text for anything else, for more
// decimals than the resource has, and for what does not fit 64 bits. parse_amount(to_string(a)) == a.
[[nodiscard]] Result<Amount> parse_amount(std::string_view text);
// As people write it: "12.50 usd", "30k tokens" where thousands come out even, "2 s" where seconds do, else "1500 ms".
[[nodiscard]] std::string to_string(Amount amount);

// A small set of amounts, at most one a resource, in order of resource; resources that are absent count as zero,
// but one that was set to zero stays listed (a limit of zero is not the absence of a limit). A sum or difference that
// does not fit changes nothing. Lives in place (no allocation): it is copied on the hot path.
class Amounts {
 public:
  static constexpr std::size_t kCapacity = 8;

  [[nodiscard]] std::int64_t operator[](Resource resource) const;         // 0 where absent
  [[nodiscard]] Result<void> set(Resource resource, std::int64_t units);  // kExhausted past kCapacity resources
  [[nodiscard]] Result<void> add(Amount amount);                          // kInvalidArgument where the sum does not fit
  [[nodiscard]] Result<void> add(const Amounts& other);
  [[nodiscard]] Result<void> subtract(const Amounts& other);
  [[nodiscard]] std::span<const Amount> items() const { return {items_.data(), size_}; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] bool any_negative() const;
  bool operator==(const Amounts& other) const;  // absent equals zero

 private:
  std::array<Amount, kCapacity> items_{};
  std::uint8_t size_ = 0;
};

// "12.50 usd, 30k tokens"; reads what it prints.
[[nodiscard]] Result<Amounts> parse_amounts(std::string_view text);
[[nodiscard]] std::string to_string(const Amounts& amounts);

}  // namespace bursar
