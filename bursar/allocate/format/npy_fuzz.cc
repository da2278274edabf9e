// Any bytes in any pieces: no crash, no more memory than there are numbers, and a sound problem.
#include <cstdint>

#include "bursar/allocate/format/format_fuzzing.h"
#include "bursar/allocate/format/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bursar::allocate;
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  ByteSource pipe = from_text(text, 1 + data[0] % 16);
  pipe.size.reset();
  const auto streamed = read_npy(pipe), whole = read_npy(from_text(text));
  require(streamed.has_value() == whole.has_value());
  if (!whole) return 0;
  require(whole->numbers.size() == whole->rows * whole->columns && whole->numbers.size() <= size);
  if (const auto stated = problem_from_arrays(*whole, {*whole})) {
    require_sound(*stated);
    require_solved(*stated);
  }
  return 0;
}
