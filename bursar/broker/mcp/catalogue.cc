#include "bursar/broker/mcp/catalogue.h"

#include <algorithm>
#include <charconv>
#include <simdjson.h>

#include "bursar/broker/mcp/message.h"
#include "bursar/broker/pipeline/contract.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/core/hex.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxName = 128;
constexpr std::int64_t kLongestTtlMs = 24 * 3600 * 1000;
constexpr std::size_t kPageBytes = 4 << 20;  // a page ends early rather than grow past this

std::size_t at(ListKind kind) { return static_cast<std::size_t>(kind); }

bool name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

// FNV-1a: names apart what was cut; no secret hangs on it.
std::string digest(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::string out;
  append_hex(out, h, 16);
  return out.substr(0, 12);
}

std::string_view key_of(ListKind kind) {
  if (kind == ListKind::kResources) return "uri";
  return kind == ListKind::kTemplates ? "uriTemplate" : "name";
}

bool renamed(ListKind kind) { return kind == ListKind::kTools || kind == ListKind::kPrompts; }

std::optional<ListKind> kind_of(std::string_view method) {
  if (method == "tools/call") return ListKind::kTools;
  if (method == "prompts/get") return ListKind::kPrompts;
  if (method.starts_with("resources/")) return ListKind::kResources;
  return std::nullopt;
}

CatalogueItem read_item(ListKind kind, std::string_view raw, ContractCache* contracts) {
  CatalogueItem item{.name = raw_string(raw_member(raw, key_of(kind))), .raw = std::string(raw)};
  if (kind != ListKind::kTools) return item;
  const std::string_view input = raw_member(raw, "inputSchema");
  item.output_schema = raw_member(raw, "outputSchema");
  item.has_schema = input.starts_with('{');
  item.header_params = header_params(input);
  if (contracts != nullptr) {
    item.input_contract = contracts->get(input);
    item.output_contract = contracts->get(item.output_schema);
  }
  const std::string_view annotations = raw_member(raw, "annotations");
  item.read_only = raw_member(annotations, "readOnlyHint") == "true";
  item.idempotent = raw_member(annotations, "idempotentHint") == "true";
  return item;
}

}  // namespace

CacheHint cache_hint(std::string_view result) {
  CacheHint hint{.is_public = raw_member(result, "cacheScope") == R"("public")"};
  const std::string_view ttl = raw_member(result, "ttlMs");
  (void)std::from_chars(ttl.data(), ttl.data() + ttl.size(), hint.ttl_ms);
  hint.ttl_ms = std::clamp<std::int64_t>(hint.ttl_ms, 0, kLongestTtlMs);
  return hint;
}

std::string_view list_method(ListKind kind) {
  switch (kind) {
    case ListKind::kTools: return "tools/list";
    case ListKind::kPrompts: return "prompts/list";
    case ListKind::kResources: return "resources/list";
    case ListKind::kTemplates: return "resources/templates/list";
  }
  return {};
}

std::string_view list_member(ListKind kind) {
  switch (kind) {
    case ListKind::kTools: return "tools";
    case ListKind::kPrompts: return "prompts";
    case ListKind::kResources: return "resources";
    case ListKind::kTemplates: return "resourceTemplates";
  }
  return {};
}

Result<std::vector<CatalogueItem>> read_items(ListKind kind, std::string_view result, std::size_t at_most,
                                              ContractCache* contracts) {
  const std::string_view list = raw_member(result, list_member(kind));
  const std::string what = std::string(list_method(kind)) + ": ";
  if (!list.starts_with('['))
    return invalid_argument(what + "the answer has no array " + std::string(list_member(kind)));
  simdjson::ondemand::parser parser;
  const simdjson::padded_string padded(list);
  simdjson::ondemand::document document;
  simdjson::ondemand::array array;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS ||
      document.get_array().get(array) != simdjson::SUCCESS) {
    return invalid_argument(what + "the answer's list is no JSON array");
  }
  std::vector<CatalogueItem> items;
  for (auto element : array) {
    simdjson::ondemand::object object;
    std::string_view raw;
    if (element.get_object().get(object) != simdjson::SUCCESS || object.raw_json().get(raw) != simdjson::SUCCESS) {
      return invalid_argument(what + "an item of the answer is no JSON object");
    }
    if (items.size() >= at_most) break;
    CatalogueItem item = read_item(kind, raw, contracts);
    if (!item.name.empty()) items.push_back(std::move(item));
  }
  return items;
}

std::string exposed_name(std::string_view prefix, std::string_view name) {
  std::string out;
  out.reserve(prefix.size() + name.size());
  out.append(prefix).append(name);
  const std::string whole = out;
  std::replace_if(out.begin(), out.end(), [](char c) { return !name_char(c); }, '_');
  if (out.size() > kMaxName) {
    const std::string tail = "-" + digest(whole);
    out.resize(kMaxName - tail.size());
    out += tail;
  }
  return out;
}

bool template_fits(std::string_view uri_template, std::string_view uri) {
  bool first = true;
  std::size_t position = 0;
  while (true) {
    const std::size_t open = uri_template.find('{');
    const std::string_view literal = uri_template.substr(0, open);
    const bool last = open == std::string_view::npos;
    if (first && !uri.starts_with(literal)) return false;
    if (first && last) return uri.size() == literal.size();
    if (last) return uri.size() - position >= literal.size() && uri.ends_with(literal);
    const std::size_t found = first ? 0 : uri.find(literal, position);
    if (found == std::string_view::npos) return false;
    position = found + literal.size();
    const std::size_t close = uri_template.find('}', open);
    if (close == std::string_view::npos) return false;
    uri_template.remove_prefix(close + 1);
    first = false;
  }
}

void Catalogue::add(ListKind kind, const UpstreamLists& lists, const CatalogueItem& item) {
  std::vector<Entry>& entries = entries_[at(kind)];
  Index& own = by_upstream_[at(kind)][lists.upstream];
  if (own.contains(item.name)) return;  // listed twice
  std::string exposed = renamed(kind) ? exposed_name(lists.prefix, item.name) : item.name;
  if (renamed(kind) && by_exposed_[at(kind)].contains(exposed)) exposed = exposed_name(lists.upstream + ".", exposed);
  own.emplace(item.name, entries.size());
  // What cannot be named under /mcp is still there in /mcp/<server>.
  if (!by_exposed_[at(kind)].emplace(exposed, entries.size()).second) exposed.clear();
  Entry entry{.lists = &lists, .item = &item, .exposed = std::move(exposed)};
  if (renamed(kind) && entry.exposed != item.name)
    entry.raw = with_member(item.raw, "name", json_string(entry.exposed));
  entries.push_back(std::move(entry));
}

std::shared_ptr<const Catalogue> Catalogue::build(std::vector<std::shared_ptr<const UpstreamLists>> lists) {
  auto catalogue = std::make_shared<Catalogue>();
  catalogue->lists_ = std::move(lists);
  for (const auto& upstream : catalogue->lists_) {
    for (std::size_t kind = 0; kind < kListKinds; ++kind) {
      if (!upstream->items[kind]) continue;
      for (const CatalogueItem& item : *upstream->items[kind])
        catalogue->add(ListKind{static_cast<std::uint8_t>(kind)}, *upstream, item);
    }
  }
  return catalogue;
}

Result<std::string> Catalogue::page(const Query& query, const Visible& visible) const {
  const std::vector<Entry>& entries = entries_[at(query.kind)];
  std::size_t position = 0;
  if (!query.cursor.empty()) {
    const char* const end = query.cursor.data() + query.cursor.size();
    const auto read = std::from_chars(query.cursor.data() + 1, end, position);
    if (query.cursor[0] != 'b' || read.ec != std::errc{} || read.ptr != end) {
      return invalid_argument("params.cursor: this cursor is none of this list's");
    }
  }
  std::string out = "{\"" + std::string(list_member(query.kind)) + "\":[";
  std::size_t count = 0;
  for (; position < entries.size(); ++position) {
    const Entry& entry = entries[position];
    const bool whole = query.server.empty();
    if (whole ? entry.exposed.empty() : entry.lists->upstream != query.server) continue;
    const std::string_view exposed = whole ? entry.exposed : entry.item->name;
    if (visible && !visible(entry.lists->upstream, entry.item->name, exposed)) continue;
    const std::string& raw = whole && !entry.raw.empty() ? entry.raw : entry.item->raw;
    if (count > 0 && (count >= query.page || out.size() + raw.size() > kPageBytes)) break;
    if (count++ > 0) out += ',';
    out += raw;
  }
  out += ']';
  if (position < entries.size()) out += ",\"nextCursor\":\"b" + std::to_string(position) + "\"";
  out += '}';
  return out;
}

const Catalogue::Entry* Catalogue::find(ListKind kind, std::string_view server, std::string_view name) const {
  const Index* index = &by_exposed_[at(kind)];
  if (!server.empty()) {
    const auto own = by_upstream_[at(kind)].find(std::string(server));
    if (own == by_upstream_[at(kind)].end()) return nullptr;
    index = &own->second;
  }
  const auto found = index->find(std::string(name));
  return found == index->end() ? nullptr : &entries_[at(kind)][found->second];
}

const UpstreamLists* Catalogue::lists_of(std::string_view upstream) const {
  for (const auto& lists : lists_) {
    if (lists->upstream == upstream) return lists.get();
  }
  return nullptr;
}

const std::vector<HeaderParam>* Catalogue::header_params(std::string_view server, std::string_view exposed) const {
  const Entry* const entry = find(ListKind::kTools, server, exposed);
  return entry == nullptr || entry->item->header_params.empty() ? nullptr : &entry->item->header_params;
}

CacheHint Catalogue::hint(ListKind kind, std::string_view server) const {
  std::optional<CacheHint> strictest;
  for (const auto& lists : lists_) {
    const CatalogueItems& items = lists->items[at(kind)];
    if (!items || items->empty() || (!server.empty() && lists->upstream != server)) continue;
    const CacheHint own = lists->hints[at(kind)];
    strictest = strictest ? strictest->stricter(own) : own;
  }
  return strictest.value_or(CacheHint{});
}

std::vector<std::string> Catalogue::candidates(std::string_view server, std::string_view uri) const {
  std::vector<std::string> out;
  const auto take = [&](const std::string& upstream) {
    if (!server.empty() && upstream != server) return;
    if (std::find(out.begin(), out.end(), upstream) == out.end()) out.push_back(upstream);
  };
  if (const Entry* entry = find(ListKind::kResources, server, uri)) take(entry->lists->upstream);
  for (const Entry& entry : entries_[at(ListKind::kTemplates)]) {
    if (template_fits(entry.item->name, uri)) take(entry.lists->upstream);
  }
  for (const auto& lists : lists_) {
    if (!raw_member(lists->capabilities, "resources").empty()) take(lists->upstream);
  }
  return out;
}

std::optional<Target> Catalogue::resolve(std::string_view server, std::string_view method,
                                         std::string_view exposed) const {
  const std::optional<ListKind> kind = kind_of(method);
  if (!kind) return std::nullopt;
  if (*kind == ListKind::kResources) {
    const std::vector<std::string> upstreams = candidates(server, exposed);
    if (upstreams.empty()) return std::nullopt;
    return Target{.upstream = upstreams.front(),
                  .name = std::string(exposed),
                  .exposed = std::string(exposed),
                  .idempotent = true,
                  .read_only = true};
  }
  const Entry* entry = find(*kind, server, exposed);
  if (entry == nullptr) return std::nullopt;
  const CatalogueItem& item = *entry->item;
  const bool prompt = *kind == ListKind::kPrompts;
  return Target{.upstream = entry->lists->upstream,
                .name = item.name,
                .exposed = std::string(exposed),
                // The text of a schema that was compiled is not copied for every call.
                .input_schema = item.input_contract || prompt ? "" : std::string(raw_member(item.raw, "inputSchema")),
                .output_schema = item.output_schema,
                .idempotent = item.idempotent || prompt,
                .read_only = item.read_only || prompt,
                .input_contract = item.input_contract,
                .output_contract = item.output_contract};
}

bool Catalogue::serves(std::string_view server) const { return server.empty() || lists_of(server) != nullptr; }

bool Catalogue::loaded(std::string_view server) const {
  return std::all_of(lists_.begin(), lists_.end(), [&](const auto& lists) {
    return lists->loaded || (!server.empty() && lists->upstream != server);
  });
}

bool Catalogue::has(std::string_view upstream, std::string_view capability) const {
  const UpstreamLists* lists = lists_of(upstream);
  return lists != nullptr && !raw_member(lists->capabilities, capability).empty();
}

// The union of what the upstreams can. list_changed is ours to send, whether an upstream does or not.
std::string Catalogue::capabilities(std::string_view server, Era era) const {
  bool prompts = false, resources = false, subscribe = false, logging = false, completions = false, tasks = false;
  for (const auto& lists : lists_) {
    if (!server.empty() && lists->upstream != server) continue;
    const std::string_view own = lists->capabilities;
    // Of an upstream that never answered nothing is known: promise what it may turn out to have.
    prompts |= own.empty() || !raw_member(own, "prompts").empty();
    resources |= own.empty() || !raw_member(own, "resources").empty();
    subscribe |= raw_member(raw_member(own, "resources"), "subscribe") == "true";
    logging |= !raw_member(own, "logging").empty();
    completions |= !raw_member(own, "completions").empty();
    tasks |= !raw_member(raw_member(own, "extensions"), kTasksExtension).empty();
  }
  std::string out = R"({"tools":{"listChanged":true})";
  if (prompts) out += R"(,"prompts":{"listChanged":true})";
  if (resources)
    out += subscribe ? R"(,"resources":{"subscribe":true,"listChanged":true})" : R"(,"resources":{"listChanged":true})";
  if (logging) out += R"(,"logging":{})";
  if (completions) out += R"(,"completions":{})";
  // Tasks as an extension exist from 2026-07-28 on.
  if (tasks && era == Era::kModern) out.append(R"(,"extensions":{")").append(kTasksExtension).append(R"(":{}})");
  out += '}';
  return out;
}

std::string Catalogue::instructions(std::string_view server) const {
  if (!server.empty()) {
    const UpstreamLists* lists = lists_of(server);
    return lists == nullptr ? std::string() : lists->instructions;
  }
  std::string out;
  for (const auto& lists : lists_) {
    if (lists->instructions.empty()) continue;
    if (!out.empty()) out += "\n\n";
    out += "# " + lists->upstream + "\n" + lists->instructions;
  }
  return out;
}

}  // namespace bursar::broker
