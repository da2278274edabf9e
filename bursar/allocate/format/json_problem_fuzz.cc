// Any bytes: no crash, and what is accepted is a sound problem.
#include <cstdint>

#include "bursar/allocate/format/format_fuzzing.h"
#include "bursar/allocate/format/json_problem.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bursar::allocate;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto stated = read_problem_json(text, {.max_options = 10'000, .max_bytes = 1 << 16})) {
    require_sound(*stated);
    require_solved(*stated);
  }
  return 0;
}
