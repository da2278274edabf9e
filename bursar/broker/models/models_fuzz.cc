// Whatever agents and upstreams send: no crash, the prompt's bound covers the text, and pieces make no difference.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "bursar/broker/models/model_request.h"
#include "bursar/broker/models/model_usage.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bursar::broker;
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const ModelApi api : {ModelApi::kChat, ModelApi::kCompletions, ModelApi::kEmbeddings}) {
    const auto request = read_model_request(api, text, {});
    if (!request) continue;
    const std::string out = outgoing_body(api, text, *request, {.model = "other", .max_output = 7});
    const auto again = read_model_request(api, out, {.bytes = out.size()});
    check(again.has_value() && again->model == "other" && again->answers == request->answers);
    check(api == ModelApi::kEmbeddings || again->max_output == request->max_output.value_or(7));
    check(again->prompt_tokens_max == request->prompt_tokens_max);
  }
  (void)usage_of_answer(text);
  StreamMeter whole, pieces;
  std::string at_once, in_pieces;
  const bool good = whole.feed(text, at_once).has_value();
  for (std::size_t at = 0; at < text.size(); at += 3) {
    if (!pieces.feed(std::string_view(text).substr(at, 3), in_pieces)) return 0;
  }
  if (good) check(at_once == in_pieces && whole.counted() == pieces.counted() && whole.usage() == pieces.usage());
  return 0;
}
