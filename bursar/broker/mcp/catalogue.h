// Which tools, prompts, resources and resource templates the upstreams have, and under which names agents see them.
//
//   Catalogue catalogue = Catalogue::build(lists);                        // immutable; swapped as a whole
//   auto page = catalogue.page({.kind = ListKind::kTools}, visible);      // {"tools":[…],"nextCursor":"…"}
//   std::optional<Target> target = catalogue.resolve("", "tools/call", "files.read");
//
// Names: under /mcp a tool or prompt is called prefix + name, in /mcp/<server> by its own name. What is not of
// [A-Za-z0-9_.-] becomes '_', and what is longer than 128 is cut and ends in a digest. Where two would be called the
// same, the earlier upstream of the configuration keeps the name, and the later one's gets "<upstream>." in front (and
// is left out if that too is taken). Order: upstreams as configured, their items as they list them; so the same lists
// give the same answer. Resources keep their URI: who lists it owns it, else the first template that fits, else the
// first upstream that has resources (candidates() names the others, in order).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bursar/broker/mcp/modern_headers.h"
#include "bursar/broker/pipeline/call.h"
#include "bursar/core/result.h"

namespace bursar::broker {

class ContractCache;

enum class ListKind : std::uint8_t { kTools, kPrompts, kResources, kTemplates };
inline constexpr std::size_t kListKinds = 4;
[[nodiscard]] std::string_view list_method(ListKind kind);  // "tools/list"
[[nodiscard]] std::string_view list_member(ListKind kind);  // "tools"

struct CatalogueItem {
  std::string name;  // tools, prompts: the upstream's name; resources: the URI; templates: the URI template
  std::string raw;   // the item as the upstream gave it: a JSON object
  // Tools only.
  std::string output_schema;
  std::shared_ptr<const Contract> input_contract, output_contract;
  bool read_only = false, idempotent = false, has_schema = false;
  std::vector<HeaderParam> header_params = {};
};
using CatalogueItems = std::shared_ptr<const std::vector<CatalogueItem>>;

// Items of one page of a list answer ({"tools":[…]}); at most `at_most` of them, and none without a name. `contracts`
// may be null: then nothing is compiled. Errors: kInvalidArgument where the answer is no such list.
[[nodiscard]] Result<std::vector<CatalogueItem>> read_items(ListKind kind, std::string_view result, std::size_t at_most,
                                                            ContractCache* contracts);

// How long an answer may be kept, and whether for everybody (2026-07-28: ttlMs, cacheScope).
struct CacheHint {
  std::int64_t ttl_ms = 0;
  bool is_public = false;
  [[nodiscard]] CacheHint stricter(CacheHint other) const {
    return {std::min(ttl_ms, other.ttl_ms), is_public && other.is_public};
  }
};
// Of an upstream's answer; what says nothing may not be kept.
[[nodiscard]] CacheHint cache_hint(std::string_view result);

// What one upstream offers, as last known.
struct UpstreamLists {
  std::string upstream, prefix;
  std::string capabilities, instructions;  // raw JSON, text
  bool loaded = false;                     // a first attempt has ended, well or not
  bool up = false;                         // the last attempt ended well
  std::array<CatalogueItems, kListKinds> items{};
  std::array<CacheHint, kListKinds> hints{};
};

class Catalogue {
 public:
  using Visible = std::function<bool(std::string_view upstream, std::string_view name, std::string_view exposed)>;

  [[nodiscard]] static std::shared_ptr<const Catalogue> build(std::vector<std::shared_ptr<const UpstreamLists>> lists);

  struct Query {
    ListKind kind = ListKind::kTools;
    std::string server;       // of /mcp/<server>; empty for all
    std::string cursor;       // of the page before; empty for the first
    std::size_t page = 1000;  // items
  };
  // Raw JSON of the list's result. Errors: kInvalidArgument for a cursor that no page gave.
  [[nodiscard]] Result<std::string> page(const Query& query, const Visible& visible) const;

  // What params.name or params.uri of that method stands for; names of plans are those of tools/call.
  [[nodiscard]] std::optional<Target> resolve(std::string_view server, std::string_view method,
                                              std::string_view exposed) const;
  // The arguments of a tool that its callers repeat in headers; null where it has none or is not known.
  [[nodiscard]] const std::vector<HeaderParam>* header_params(std::string_view server, std::string_view exposed) const;
  // The strictest of the upstreams whose lists are in the answer.
  [[nodiscard]] CacheHint hint(ListKind kind, std::string_view server) const;
  // The upstreams that may know a URI, likeliest first.
  [[nodiscard]] std::vector<std::string> candidates(std::string_view server, std::string_view uri) const;

  [[nodiscard]] bool serves(std::string_view server) const;  // "" and every upstream's name
  [[nodiscard]] bool loaded(std::string_view server) const;  // of every upstream a first attempt has ended
  // Of initialize or server/discover; raw JSON.
  [[nodiscard]] std::string capabilities(std::string_view server, Era era = Era::kLegacy) const;
  [[nodiscard]] std::string instructions(std::string_view server) const;
  [[nodiscard]] bool has(std::string_view upstream, std::string_view capability) const;
  [[nodiscard]] const std::vector<std::shared_ptr<const UpstreamLists>>& lists() const { return lists_; }

 private:
  struct Entry {
    const UpstreamLists* lists;
    const CatalogueItem* item;
    std::string exposed;  // under /mcp
    std::string raw;      // the item under its exposed name; empty: as the upstream gave it
  };
  using Index = std::unordered_map<std::string, std::size_t>;  // name -> entry

  void add(ListKind kind, const UpstreamLists& lists, const CatalogueItem& item);
  [[nodiscard]] const Entry* find(ListKind kind, std::string_view server, std::string_view name) const;
  [[nodiscard]] const UpstreamLists* lists_of(std::string_view upstream) const;

  std::vector<std::shared_ptr<const UpstreamLists>> lists_;
  std::array<std::vector<Entry>, kListKinds> entries_{};
  std::array<Index, kListKinds> by_exposed_{};
  std::array<std::unordered_map<std::string, Index>, kListKinds> by_upstream_{};
};

[[nodiscard]] std::string exposed_name(std::string_view prefix, std::string_view name);
// Whether a URI may come from that RFC 6570 template: every expression stands for any text.
[[nodiscard]] bool template_fits(std::string_view uri_template, std::string_view uri);

}  // namespace bursar::broker
