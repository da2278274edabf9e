// A damaged state file is refused or is a state of its own; it never crashes a gateway that starts on it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "bursar/schedule/latency_store.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using bursar::schedule::LatencyStore;
  auto store = LatencyStore::load({reinterpret_cast<const char*>(data), size});
  if (!store) return 0;
  const std::string saved = store->save();
  const auto again = LatencyStore::load(saved);
  if (!again || again->save() != saved) std::abort();
  for (const auto& tool : store->tools()) {
    if (store->quantile(tool, .95) <= bursar::Duration{0}) std::abort();
    store->record(tool, bursar::Duration{1}, true);
  }
  if (!LatencyStore::load(store->save())) std::abort();
  return 0;
}
