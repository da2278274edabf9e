// Whatever bytes come: no crash, and what was read prints and reads back as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "bursar/core/amount.h"
#include "bursar/core/json.h"
#include "bursar/core/quantile_sketch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto value = bursar::parse_json(text)) {
    const auto again = bursar::parse_json(bursar::to_json(*value));
    if (!again || !(*again == *value)) std::abort();
  }
  if (const auto amounts = bursar::parse_amounts(text)) {
    if (!(bursar::parse_amounts(bursar::to_string(*amounts)) == *amounts)) std::abort();
  }
  if (!bursar::parse_json(bursar::json_string(text))) std::abort();
  if (auto sketch = bursar::QuantileSketch::load(text)) {
    sketch->insert(1e300);
    if (!bursar::QuantileSketch::load(sketch->save())) std::abort();
  }
  return 0;
}
