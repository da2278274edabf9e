// Any bytes in any pieces: no crash, the pieces make no difference, and what is accepted is a sound problem.
#include <cstdint>

#include "bursar/allocate/format/csv_problem.h"
#include "bursar/allocate/format/csv_rows.h"
#include "bursar/allocate/format/format_fuzzing.h"

namespace {

using namespace bursar::allocate;

std::string rows_in_pieces(std::string_view text, std::size_t piece) {
  CsvRows rows(from_text(text, piece), 64);
  std::string seen;
  auto more = rows.next();
  for (; more && *more; more = rows.next()) {
    for (const std::string_view field : rows.fields()) append_csv_field(seen, field), seen += '\x1';
    seen += std::to_string(rows.line()) + '\x2';
  }
  return more ? seen : more.error().message;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  require(rows_in_pieces(text, 1 + data[0] % 16) == rows_in_pieces(text, SIZE_MAX));
  if (const auto stated = read_problem_csv(from_text(text), {}, {.max_options = 10'000})) {
    require_sound(*stated);
    require_solved(*stated);
  }
  (void)read_caps_csv(from_text(text));
  return 0;
}
