// Random streams that are passed in, split by name, and give the same numbers on every machine.
//
//   RandomStream root(/*seed=*/42);
//   RandomStream noise = root.split("noise"), turn = root.split("turn").split(17);
//   double u = noise.uniform01();
//   std::uint64_t die = 1 + noise.uniform_int(6);
//
// A split depends on the seed and the labels that led to it alone: neither on what was drawn before nor on the order of
// splits, so that one more draw in one place changes nothing elsewhere. Engine: xoshiro256++, keyed by a 128-bit hash
// of that path. Integers and uniform01() are the same bits everywhere; normal, exponential and gamma use log(), which
// may differ in the last bit between mathematical libraries. Not for secrets. Every draw O(1) expected.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

namespace bursar {

// xoshiro256++ 1.0 of Blackman and Vigna; its state must not be all zeros.
class Xoshiro256 {
 public:
  explicit constexpr Xoshiro256(std::array<std::uint64_t, 4> state) : s_(state) {}

  constexpr std::uint64_t operator()() {
    const std::uint64_t result = rotate(s_[0] + s_[3], 23) + s_[0];
    const std::uint64_t t = s_[1] << 17;
    s_[2] ^= s_[0];
    s_[3] ^= s_[1];
    s_[1] ^= s_[2];
    s_[0] ^= s_[3];
    s_[2] ^= t;
    s_[3] = rotate(s_[3], 45);
    return result;
  }

 private:
  static constexpr std::uint64_t rotate(std::uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }
  std::array<std::uint64_t, 4> s_;
};

// A std::uniform_random_bit_generator. Not thread-safe: give each thread its own split. A copy repeats its original.
class RandomStream {
 public:
  using result_type = std::uint64_t;

  explicit RandomStream(std::uint64_t seed);

  [[nodiscard]] RandomStream split(std::string_view label) const;  // split("1") and split(1) differ
  [[nodiscard]] RandomStream split(std::uint64_t label) const;

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()() { return engine_(); }

  double uniform01() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }  // [0, 1), 53 bits
  double uniform(double low, double high) { return low + (high - low) * uniform01(); }
  std::uint64_t uniform_int(std::uint64_t bound);                 // [0, bound), unbiased; 0 for bound 0
  std::int64_t uniform_int(std::int64_t low, std::int64_t high);  // [low, high], unbiased; low <= high
  bool bernoulli(double p) { return uniform01() < p; }
  double normal();                 // mean 0, variance 1
  double exponential();            // mean 1
  double gamma(double shape);      // scale 1; shape > 0
  double log_gamma(double shape);  // logarithm of a gamma variate: does not underflow for small shapes

  template <class T>
  void shuffle(std::span<T> items) {
    using std::swap;
    for (std::size_t i = items.size(); i > 1; --i) swap(items[i - 1], items[uniform_int(std::uint64_t{i})]);
  }

 private:
  using Key = std::array<std::uint64_t, 2>;
  explicit RandomStream(Key key);

  Key key_;
  Xoshiro256 engine_;
};

}  // namespace bursar
