// The two worlds of the suite "stream" (systems/rex): labelled rows without repetition, so that the error on new rows
// measures optimisation only.
//
//   const World world = make_world(WorldKind::kGlyph, {.train = 96'000, .test = 3'968});
//
// glyph: ten classes, each a template of 3 or 4 strokes on 12 x 12 pixels (seed 7), drawn with a shift (deviation .9
// pixel), rotation (.15 rad), scale (.08), jitter of every end (.3 pixel, our choice) and noise of every pixel (.35);
// network 144-48-10. teacher: x ~ N(0, I_24), the label the largest output of a random 24-32-8 network (seed 3), 5 % of
// the labels replaced at random; network 24-64-8.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "reproduce/stream/net.h"

namespace bursar::reproduce::stream {

enum class WorldKind : std::uint8_t { kGlyph, kTeacher };
[[nodiscard]] std::string_view name_of(WorldKind kind);

struct Labelled {
  std::vector<float> rows;  // [labels x row_size(inputs)]
  std::vector<std::uint8_t> labels;
};

struct WorldSize {
  std::size_t train = 0, test = 0;  // rows; multiples of 64
};

struct World {
  NetShape shape;
  Labelled train, test;
};

[[nodiscard]] World make_world(WorldKind kind, const WorldSize& size);

}  // namespace bursar::reproduce::stream
