// What the gate of a verification sees of a first answer (recovery_gate.h), as sevra decides on it and as beliefs learn
// from it.
//
//   const Attempt attempt = attempt_of(question, {.reply = seen.text, .tokens = 212, .cut = false});
#pragma once

#include <cstdint>
#include <string_view>

#include "bursar/plan/recovery_gate.h"

namespace bursar::plan {

struct FirstAnswer {
  std::string_view reply;
  std::int64_t tokens = 0;
  bool cut = false;  // it ended at its limit
};
// "A finaliser was used" is read as: the reply has no line with its answer.
[[nodiscard]] Attempt attempt_of(std::string_view question, const FirstAnswer& first);

}  // namespace bursar::plan
