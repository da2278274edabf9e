#include "bursar/core/random.h"

#include <cmath>

#include "bursar/core/wide.h"

namespace bursar {
namespace {

using Key = std::array<std::uint64_t, 2>;

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;

// The finaliser of splitmix64: a bijection in which every input bit moves about half of the output bits.
constexpr std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

constexpr Key absorb(Key key, std::uint64_t word) {
  const std::uint64_t a = mix(key[0] ^ word) + kGolden;
  const std::uint64_t b = mix(key[1] + a) ^ ((key[0] << 32) | (key[0] >> 32));
  return {a, b};
}

Xoshiro256 engine_of(Key key) {
  std::array<std::uint64_t, 4> state{};
  for (std::uint64_t i = 0; i < 4; ++i) state[i] = mix(key[i / 2] + (i + 1) * kGolden);
  if (state == std::array<std::uint64_t, 4>{}) state[0] = kGolden;
  return Xoshiro256{state};
}

// The kind of what was absorbed keeps a number, its digits and an empty label apart.
enum : std::uint64_t { kSeed = 1, kNumber = 2, kText = 3 };

}  // namespace

RandomStream::RandomStream(Key key) : key_(key), engine_(engine_of(key)) {}

RandomStream::RandomStream(std::uint64_t seed)
    : RandomStream(absorb(absorb(Key{kGolden, 0x243f6a8885a308d3}, kSeed), seed)) {}

RandomStream RandomStream::split(std::uint64_t label) const {
  return RandomStream(absorb(absorb(key_, kNumber), label));
}

RandomStream RandomStream::split(std::string_view label) const {
  Key key = absorb(absorb(key_, kText), label.size());
  for (std::size_t at = 0; at < label.size(); at += 8) {
    std::uint64_t word = 0;
    for (std::size_t i = at; i < label.size() && i < at + 8; ++i) {
      word |= std::uint64_t{static_cast<unsigned char>(label[i])} << (8 * (i - at));
    }
    key = absorb(key, word);
  }
  return RandomStream(key);
}

std::uint64_t RandomStream::uniform_int(std::uint64_t bound) {
  if (bound == 0) return 0;
  // The high half of a product is uniform except for the 2^64 mod bound lowest values of its low half: draw those
  // again.
  auto product = static_cast<UnsignedWide>(engine_()) * bound;
  if (static_cast<std::uint64_t>(product) < bound) {
    const std::uint64_t biased = (std::uint64_t{0} - bound) % bound;
    while (static_cast<std::uint64_t>(product) < biased) product = static_cast<UnsignedWide>(engine_()) * bound;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

std::int64_t RandomStream::uniform_int(std::int64_t low, std::int64_t high) {
  const std::uint64_t span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
  const std::uint64_t offset = span == 0 ? engine_() : uniform_int(span);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + offset);
}

double RandomStream::normal() {
  // Polar method. The second variate of a pair is dropped, so that a stream is its engine and nothing else.
  for (;;) {
    const double x = uniform(-1, 1), y = uniform(-1, 1);
    const double s = x * x + y * y;
    if (s > 0 && s < 1) return x * std::sqrt(-2 * std::log(s) / s);
  }
}

double RandomStream::exponential() { return -std::log1p(-uniform01()); }

double RandomStream::gamma(double shape) { return std::exp(log_gamma(shape)); }

double RandomStream::log_gamma(double shape) {
  // Marsaglia and Tsang for shape >= 1; below, G(a) = G(a + 1) U^(1/a).
  if (shape < 1) return log_gamma(shape + 1) - exponential() / shape;
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal(), root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (-exponential() < x * x / 2 + d - d * v + d * std::log(v)) return std::log(d) + std::log(v);
  }
}

}  // namespace bursar
