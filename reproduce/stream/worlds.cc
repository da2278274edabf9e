#include "reproduce/stream/worlds.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace bursar::reproduce::stream {
namespace {

constexpr std::size_t kSide = 12, kPixels = kSide * kSide, kClasses = 10;

struct Point {
  double x = 0, y = 0;
};
struct Stroke {
  Point a, b;
};
using Glyph = std::vector<Stroke>;

std::array<Glyph, kClasses> templates() {
  RandomStream random(7);
  std::array<Glyph, kClasses> out;
  const auto point = [&] { return Point{.x = random.uniform(1.5, 9.5), .y = random.uniform(1.5, 9.5)}; };
  for (Glyph& glyph : out) {
    const std::uint64_t strokes = 3 + random.uniform_int(2);
    for (std::uint64_t s = 0; s < strokes; ++s) {
      const Point a = point();
      glyph.push_back({.a = a, .b = point()});
    }
  }
  return out;
}

// A stroke is bright within half a pixel of its line and fades over another.
double brightness(const Stroke& s, double x, double y) {
  const double dx = s.b.x - s.a.x, dy = s.b.y - s.a.y, length = dx * dx + dy * dy;
  const double along = length > 0 ? std::clamp(((x - s.a.x) * dx + (y - s.a.y) * dy) / length, 0.0, 1.0) : 0;
  return std::clamp(1.5 - std::hypot(x - s.a.x - along * dx, y - s.a.y - along * dy), 0.0, 1.0);
}

void draw(Glyph glyph, float* row, RandomStream& random) {
  constexpr double kShift = .9, kTurn = .15, kScale = .08, kJitter = .3, kNoise = .35, kMiddle = (kSide - 1) / 2.0;
  const double turn = kTurn * random.normal(), scale = 1 + kScale * random.normal();
  const double cx = kMiddle + kShift * random.normal(), cy = kMiddle + kShift * random.normal();
  const double c = scale * std::cos(turn), s = scale * std::sin(turn);
  for (Stroke& stroke : glyph) {
    for (Point* p : {&stroke.a, &stroke.b}) {
      const double x = p->x - kMiddle + kJitter * random.normal(), y = p->y - kMiddle + kJitter * random.normal();
      *p = {.x = cx + c * x - s * y, .y = cy + s * x + c * y};
    }
  }
  for (std::size_t i = 0; i < kPixels; ++i) {
    double light = 0;
    for (const Stroke& stroke : glyph) {
      light = std::max(light, brightness(stroke, static_cast<double>(i % kSide), static_cast<double>(i / kSide)));
    }
    row[i] = static_cast<float>(light + kNoise * random.normal());
  }
}

Labelled glyphs(std::size_t count, RandomStream random) {
  static const auto kTemplates = templates();
  const std::size_t row = row_size(kPixels);
  Labelled out{.rows = std::vector<float>(count * row), .labels = std::vector<std::uint8_t>(count)};
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t label = random.uniform_int(kClasses);
    out.labels[i] = static_cast<std::uint8_t>(label);
    draw(kTemplates[label], &out.rows[i * row], random);
    out.rows[i * row + kPixels] = 1;
  }
  return out;
}

Labelled taught(std::size_t count, RandomStream random) {
  constexpr std::size_t kInputs = 24, kHidden = 32, kOutputs = 8;
  RandomStream teacher(3);
  std::array<std::array<double, kInputs>, kHidden> first{};
  std::array<std::array<double, kHidden>, kOutputs> second{};
  for (auto& unit : first) {
    for (double& w : unit) w = teacher.normal() * std::sqrt(2.0 / kInputs);
  }
  for (auto& unit : second) {
    for (double& w : unit) w = teacher.normal() * std::sqrt(2.0 / kHidden);
  }
  const std::size_t row = row_size(kInputs);
  Labelled out{.rows = std::vector<float>(count * row), .labels = std::vector<std::uint8_t>(count)};
  for (std::size_t i = 0; i < count; ++i) {
    float* x = &out.rows[i * row];
    std::array<double, kOutputs> outputs{};
    for (std::size_t k = 0; k < kInputs; ++k) x[k] = static_cast<float>(random.normal());
    x[kInputs] = 1;
    for (std::size_t h = 0; h < kHidden; ++h) {
      double sum = 0;
      for (std::size_t k = 0; k < kInputs; ++k) sum += first[h][k] * static_cast<double>(x[k]);
      for (std::size_t o = 0; sum > 0 && o < kOutputs; ++o) outputs[o] += second[o][h] * sum;
    }
    const bool replaced = random.bernoulli(.05);
    out.labels[i] =
        static_cast<std::uint8_t>(replaced ? static_cast<std::ptrdiff_t>(random.uniform_int(std::uint64_t{kOutputs}))
                                           : std::ranges::max_element(outputs) - outputs.begin());
  }
  return out;
}

}  // namespace

std::string_view name_of(WorldKind kind) { return kind == WorldKind::kGlyph ? "glyph" : "teacher"; }

World make_world(WorldKind kind, const WorldSize& size) {
  const RandomStream random = RandomStream(1).split(name_of(kind));
  const bool glyph = kind == WorldKind::kGlyph;
  const auto rows = [&](std::size_t count, std::string_view label) {
    return glyph ? glyphs(count, random.split(label)) : taught(count, random.split(label));
  };
  return {.shape = glyph ? NetShape{.inputs = kPixels, .hidden = 48, .classes = kClasses}
                         : NetShape{.inputs = 24, .hidden = 64, .classes = 8},
          .train = rows(size.train, "train"),
          .test = rows(size.test, "test")};
}

}  // namespace bursar::reproduce::stream
