// Any bytes in any pieces, compressed or not: no crash, and what is accepted is a sound request.
#include <cstdint>

#include "bursar/admit/log/log_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bursar::admit::require_sound_log(data, size, "csv");
  return 0;
}
