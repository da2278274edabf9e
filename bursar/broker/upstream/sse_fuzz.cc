// Any bytes in any pieces: no crash, and the pieces make no difference.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "bursar/broker/upstream/sse_parser.h"

namespace {

std::string read(std::string_view text, std::size_t piece) {
  std::string seen;
  bursar::broker::SseParser parser({.event_bytes = 256});
  bool good = true;
  while (good && !text.empty()) {
    good = parser
               .feed(text.substr(0, piece),
                     [&](const auto& event) { seen += event.type + '\x1' + event.data + '\x1' + event.id + '\x2'; })
               .has_value();
    text.remove_prefix(std::min(piece, text.size()));
  }
  return good ? seen + parser.last_event_id() : "refused";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (read(text, 1 + data[0] % 16) != read(text, 1)) std::abort();
  return 0;
}
