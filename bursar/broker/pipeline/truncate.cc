// Results that are larger than the gateway passes on. Cold: only results past the limit come here.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <vector>

#include "bursar/broker/pipeline/invoke.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxParsed = 256 << 20;
constexpr std::size_t kOverhead = 512;  // for the flag and what else we write

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

// The text of an item of content (or of an embedded resource), null where it is binary or something else.
json::string* text_of(json::object& item) {
  if (auto* text = item.if_contains("text"); text != nullptr && text->is_string()) return &text->get_string();
  auto* resource = item.if_contains("resource");
  auto* object = resource == nullptr ? nullptr : resource->if_object();
  auto* text = object == nullptr ? nullptr : object->if_contains("text");
  return text != nullptr && text->is_string() ? &text->get_string() : nullptr;
}

// Binary cannot be cut: half an image is none.
bool drop_binary(json::object& item, std::size_t most) {
  for (const char* key : {"data", "blob"}) {
    auto* data = item.if_contains(key);
    if (data == nullptr || !data->is_string() || data->get_string().size() <= most) continue;
    const std::string note =
        "[" + std::to_string(data->get_string().size()) + " bytes of binary data left out by the gateway]";
    auto* uri = item.if_contains("uri");
    const json::value kept = uri == nullptr ? json::value() : *uri;
    item.clear();
    if (kept.is_string()) {
      item["uri"] = kept;
    } else {
      item["type"] = "text";
    }
    item["text"] = note;
    return true;
  }
  return false;
}

void shrink(json::array& items, std::size_t share) {
  for (json::value& value : items) {
    auto* item = value.if_object();
    if (item == nullptr || drop_binary(*item, share)) continue;
    if (auto* resource = item->if_contains("resource"); resource != nullptr && resource->is_object()) {
      drop_binary(resource->get_object(), share);
    }
    auto* text = text_of(*item);
    if (text != nullptr && text->size() > share) text->resize(utf8_prefix(view(*text), share).size());
  }
}

}  // namespace

std::optional<std::string> truncated_result(std::string_view result, std::size_t bytes) {
  auto document = parse_json(result, {.max_bytes = kMaxParsed});
  if (!document || !document->is_object() || bytes <= kOverhead) return std::nullopt;
  json::object& object = document->get_object();
  object.erase("structuredContent");
  for (const char* key : {"content", "contents"}) {
    auto* list = object.if_contains(key);
    if (list == nullptr || !list->is_array() || list->get_array().empty()) continue;
    json::array& items = list->get_array();
    json::object note;
    note["bytes"] = result.size();
    note["limit"] = bytes;
    auto& meta = object["_meta"];
    if (!meta.is_object()) meta = json::object();
    meta.get_object()["dev.bursar/truncated"] = std::move(note);
    // JSON may write one character as six; halving the share ends after a few rounds.
    for (std::size_t share = bytes - kOverhead; share > 0; share /= 2) {
      shrink(items, share);
      std::string out = to_json(*document);
      if (out.size() <= bytes) return out;
    }
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace bursar::broker
