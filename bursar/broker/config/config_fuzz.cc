// Any bytes give a configuration or an error that names its place, in bounded time and memory.
#include <cstdlib>

#include "bursar/broker/config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto env = [](std::string_view name) -> std::optional<std::string> {
    return name.size() % 2 == 0 ? std::optional<std::string>("value") : std::nullopt;
  };
  const auto config = bursar::broker::parse_config(text, "fuzz.yaml", env);
  if (!config && !config.error().message.starts_with("fuzz.yaml:")) std::abort();
  return 0;
}
