#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <map>

#include "bursar/broker/pipeline/contract_schema.h"
#include "bursar/core/json.h"

namespace bursar::broker::schema {
namespace {

namespace json = boost::json;

// ECMA-262 as JSON Schema means it, in RE2's spelling where the two differ; what RE2 cannot run fails to compile.
std::string to_re2(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern.substr(i).starts_with("(?<") && i + 3 < pattern.size() && pattern[i + 3] != '=' &&
        pattern[i + 3] != '!') {
      out += "(?P<";
      i += 2;
    } else if (pattern[i] == '\\' && i + 5 < pattern.size() && pattern[i + 1] == 'u' && pattern[i + 2] != '{') {
      out += "\\x{" + std::string(pattern.substr(i + 2, 4)) + "}";
      i += 5;
    } else if (pattern[i] == '\\' && i + 2 < pattern.size() && pattern[i + 1] == 'u' && pattern[i + 2] == '{') {
      out += "\\x";
      ++i;
    } else if (pattern[i] == '\\' && i + 2 < pattern.size() && pattern[i + 1] == 'c') {
      constexpr std::string_view kHex = "0123456789ABCDEF";
      const int control = pattern[i + 2] & 31;
      out += std::string("\\x") + kHex[static_cast<std::size_t>(control >> 4)] +
             kHex[static_cast<std::size_t>(control & 15)];
      i += 2;
    } else if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      out += pattern.substr(i++, 2);
    } else {
      out += pattern[i];
    }
  }
  return out;
}

std::shared_ptr<const RE2> compile_pattern(std::string_view pattern) {
  if (pattern.size() > Contract::kMaxPattern) return nullptr;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  auto compiled = std::make_shared<const RE2>(to_re2(pattern), options);
  return compiled->ok() ? compiled : nullptr;
}

std::optional<std::string> pointer_step(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '%') {
      if (i + 2 >= token.size()) return std::nullopt;
      const auto hex = [](char c) -> int {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
      };
      const int high = hex(token[i + 1]), low = hex(token[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += token[i];
    }
  }
  for (auto [from, to] : {std::pair{"~1", "/"}, {"~0", "~"}}) {
    for (std::size_t at = 0; (at = out.find(from, at)) != std::string::npos; ++at) out.replace(at, 2, to);
  }
  return out;
}

class Compiler {
 public:
  explicit Compiler(const json::value& document) : document_(document) {}

  Result<Program> run() {
    find_names(document_, 0);
    auto root = node_of(document_, "$", 0);
    if (!root) return tl::unexpected(root.error());
    program_.root = *root;
    return std::move(program_);
  }

 private:
  using Place = const std::string&;

  // Where $anchor and (draft 7) $id: "#name" stand.
  void find_names(const json::value& value, std::size_t depth) {
    if (depth > Contract::kMaxDepth) return;
    if (const auto* object = value.if_object()) {
      for (const auto& [key, member] : *object) {
        if (const auto* text = member.if_string(); text != nullptr && key == "$anchor") {
          names_.try_emplace(std::string(*text), &value);
        } else if (text != nullptr && key == "$id" && text->starts_with('#')) {
          names_.try_emplace(std::string(*text).substr(1), &value);
        } else if (key != "enum" && key != "const") {
          find_names(member, depth + 1);
        }
      }
    } else if (const auto* array = value.if_array()) {
      for (const json::value& item : *array) find_names(item, depth + 1);
    }
  }

  const json::value* resolve(std::string_view reference) const {
    if (!reference.starts_with('#')) return nullptr;
    reference.remove_prefix(1);
    if (reference.empty()) return &document_;
    if (!reference.starts_with('/')) {
      const auto it = names_.find(reference);
      return it == names_.end() ? nullptr : it->second;
    }
    const json::value* at = &document_;
    while (!reference.empty()) {
      reference.remove_prefix(1);
      const std::size_t end = std::min(reference.find('/'), reference.size());
      const auto step = pointer_step(reference.substr(0, end));
      if (!step) return nullptr;
      if (const auto* object = at->if_object()) {
        at = object->if_contains(*step);
      } else if (const auto* array = at->if_array()) {
        if (step->empty() || step->size() > 6 ||
            !std::ranges::all_of(*step, [](char c) { return c >= '0' && c <= '9'; }))
          return nullptr;
        const std::size_t index = std::stoul(*step);
        at = index < array->size() ? &(*array)[index] : nullptr;
      } else {
        at = nullptr;
      }
      if (at == nullptr) return nullptr;
      reference.remove_prefix(end);
    }
    return at;
  }

  // One node a schema, however often it is referred to; the id is known before its parts, so that circles close.
  Result<NodeId> node_of(const json::value& value, Place place, std::size_t depth) {
    if (const auto it = known_.find(&value); it != known_.end()) return it->second;
    if (depth > Contract::kMaxDepth) return invalid_argument(place + ": the schema is nested too deeply");
    if (program_.nodes.size() >= Contract::kMaxNodes)
      return invalid_argument(place + ": the schema has too many parts");
    if (!value.is_object() && !value.is_bool()) return invalid_argument(place + ": must be an object, true or false");
    const auto id = static_cast<NodeId>(program_.nodes.size());
    known_.emplace(&value, id);
    program_.nodes.emplace_back();
    if (const auto* flag = value.if_bool()) {
      program_.nodes[id].accepts_nothing = !*flag;
      return id;
    }
    Node node;
    if (auto ok = fill(node, value.get_object(), place, depth); !ok) return tl::unexpected(ok.error());
    program_.nodes[id] = std::move(node);
    return id;
  }

  Result<void> fill(Node& node, const json::object& object, Place place, std::size_t depth) {
    if (const auto* reference = object.if_contains("$ref"); reference != nullptr && reference->is_string()) {
      const json::value* target = resolve(std::string(reference->get_string()));
      if (target == nullptr) {
        ignore(place + ".$ref", "does not lead to a place in this document");
      } else if (auto ok = set(node.reference, target, place + ".$ref", depth); !ok) {
        return ok;
      }
      if (is_draft7()) return {};  // there a $ref hides everything beside it
    }
    fill_values(node, object, place);
    return fill_object(node, object, place, depth)
        .and_then([&] { return fill_array(node, object, place, depth); })
        .and_then([&] { return fill_logic(node, object, place, depth); });
  }

  bool is_draft7() const {
    const auto* root = document_.if_object();
    const auto* dialect = root == nullptr ? nullptr : root->if_contains("$schema");
    const auto* text = dialect == nullptr ? nullptr : dialect->if_string();
    return text != nullptr && text->find("draft-0") != json::string::npos;
  }

  void fill_values(Node& node, const json::object& object, Place place) {
    if (const auto* type = object.if_contains("type")) add_type(node, *type, place);
    if (const auto* values = object.if_contains("enum"); values != nullptr && values->is_array()) {
      node.has_values = true;
      node.one_of_values.assign(values->get_array().begin(), values->get_array().end());
    }
    if (const auto* value = object.if_contains("const")) {
      node.has_values = true;
      node.one_of_values = {*value};
    }
    for (auto [key, slot] : {std::pair{"minimum", &node.minimum},
                             {"maximum", &node.maximum},
                             {"exclusiveMinimum", &node.exclusive_minimum},
                             {"exclusiveMaximum", &node.exclusive_maximum},
                             {"multipleOf", &node.multiple_of}}) {
      if (const auto* value = object.if_contains(key); value != nullptr && value->is_number())
        *slot = value->to_number<double>();
    }
    if (node.multiple_of && !(*node.multiple_of > 0)) node.multiple_of.reset();
    for (auto [key, slot] : {std::pair{"minLength", &node.min_length},
                             {"maxLength", &node.max_length},
                             {"minItems", &node.min_items},
                             {"maxItems", &node.max_items},
                             {"minProperties", &node.min_properties},
                             {"maxProperties", &node.max_properties},
                             {"minContains", &node.min_contains},
                             {"maxContains", &node.max_contains}}) {
      const auto* value = object.if_contains(key);
      if (value == nullptr || !value->is_number()) continue;
      const double number = value->to_number<double>();
      if (number >= 0 && number < 9e15) *slot = static_cast<std::uint64_t>(number);
    }
    if (const auto* unique = object.if_contains("uniqueItems"); unique != nullptr && unique->is_bool())
      node.unique_items = unique->get_bool();
    if (const auto* pattern = object.if_contains("pattern"); pattern != nullptr && pattern->is_string()) {
      node.pattern = pattern_at(std::string(pattern->get_string()), place + ".pattern");
    }
  }

  void add_type(Node& node, const json::value& type, Place place) {
    static const std::map<std::string_view, std::uint8_t> kTypes{
        {"null", kNull},     {"boolean", kBoolean}, {"integer", kInteger}, {"number", kNumber | kInteger},
        {"string", kString}, {"array", kArray},     {"object", kObject}};
    const auto add = [&](const json::value& name) {
      const auto* text = name.if_string();
      const auto it = text == nullptr ? kTypes.end() : kTypes.find(std::string_view(text->data(), text->size()));
      if (it == kTypes.end()) {
        ignore(place + ".type", "is no known type");
        node.types = 127;
      } else {
        node.types |= it->second;
      }
    };
    if (const auto* list = type.if_array()) {
      for (const json::value& name : *list) add(name);
    } else {
      add(type);
    }
  }

  std::shared_ptr<const RE2> pattern_at(const std::string& pattern, Place place) {
    auto compiled = compile_pattern(pattern);
    if (!compiled)
      ignore(place, "cannot be run in linear time, or is longer than " + std::to_string(Contract::kMaxPattern));
    return compiled;
  }

  Result<void> fill_object(Node& node, const json::object& object, Place place, std::size_t depth) {
    if (const auto* properties = members(object, "properties")) {
      for (const auto& [name, value] : *properties) {
        NodeId id = kNone;
        if (auto ok = set(id, &value, place + ".properties." + std::string(name), depth); !ok) return ok;
        node.properties.emplace_back(std::string(name), id);
      }
      std::ranges::sort(node.properties);
    }
    if (const auto* patterns = members(object, "patternProperties")) {
      for (const auto& [pattern, value] : *patterns) {
        const std::string at = place + ".patternProperties." + std::string(pattern);
        auto compiled = pattern_at(std::string(pattern), at);
        NodeId id = kNone;
        if (auto ok = set(id, &value, at, depth); !ok) return ok;
        if (compiled) node.pattern_properties.emplace_back(std::move(compiled), id);
      }
    }
    node.required = strings(object.if_contains("required"));
    fill_dependent_required(node, object);
    for (const char* key : {"dependentSchemas", "dependencies"}) {
      const auto* schemas = members(object, key);
      if (schemas == nullptr) continue;
      for (const auto& [name, value] : *schemas) {
        if (value.is_array()) continue;
        NodeId id = kNone;
        if (auto ok = set(id, &value, place + "." + key + "." + std::string(name), depth); !ok) return ok;
        node.dependent_schemas.emplace_back(std::string(name), id);
      }
    }
    return set(node.additional_properties, object.if_contains("additionalProperties"), place + ".additionalProperties",
               depth)
        .and_then([&] {
          return set(node.property_names, object.if_contains("propertyNames"), place + ".propertyNames", depth);
        });
  }

  static void fill_dependent_required(Node& node, const json::object& object) {
    for (const char* key : {"dependentRequired", "dependencies"}) {
      const auto* lists = members(object, key);
      if (lists == nullptr) continue;
      for (const auto& [name, value] : *lists) {
        if (value.is_array()) node.dependent_required.emplace_back(std::string(name), strings(&value));
      }
    }
  }

  Result<void> fill_array(Node& node, const json::object& object, Place place, std::size_t depth) {
    const auto* items = object.if_contains("items");
    const auto* prefix = object.if_contains("prefixItems");
    const bool old_style = items != nullptr && items->is_array();
    if (old_style) {
      prefix = items;
      items = object.if_contains("additionalItems");
    }
    return list(node.prefix_items, prefix, place + (old_style ? ".items" : ".prefixItems"), depth)
        .and_then([&] { return set(node.items, items, place + ".items", depth); })
        .and_then([&] { return set(node.contains, object.if_contains("contains"), place + ".contains", depth); });
  }

  Result<void> fill_logic(Node& node, const json::object& object, Place place, std::size_t depth) {
    for (auto [key, slot] :
         {std::pair{"allOf", &node.all_of}, {"anyOf", &node.any_of}, {"oneOf", &node.exactly_one_of}}) {
      if (auto ok = list(*slot, object.if_contains(key), place + "." + key, depth); !ok) return ok;
    }
    for (auto [key, slot] : {std::pair{"not", &node.negated},
                             {"if", &node.condition},
                             {"then", &node.consequence},
                             {"else", &node.alternative}}) {
      if (auto ok = set(*slot, object.if_contains(key), place + "." + key, depth); !ok) return ok;
    }
    return {};
  }

  Result<void> set(NodeId& slot, const json::value* value, Place place, std::size_t depth) {
    if (value == nullptr) return {};
    const auto id = node_of(*value, place, depth + 1);
    if (!id) return tl::unexpected(id.error());
    slot = *id;
    return {};
  }

  Result<void> list(std::vector<NodeId>& slot, const json::value* value, Place place, std::size_t depth) {
    if (value == nullptr || !value->is_array()) return {};
    for (std::size_t i = 0; i < value->get_array().size(); ++i) {
      NodeId id = kNone;
      if (auto ok = set(id, &value->get_array()[i], place + "[" + std::to_string(i) + "]", depth); !ok) return ok;
      slot.push_back(id);
    }
    return {};
  }

  static const json::object* members(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value == nullptr ? nullptr : value->if_object();
  }

  static std::vector<std::string> strings(const json::value* value) {
    std::vector<std::string> out;
    if (value == nullptr || !value->is_array()) return out;
    for (const json::value& item : value->get_array()) {
      if (item.is_string()) out.emplace_back(item.get_string());
    }
    return out;
  }

  void ignore(Place place, std::string_view why) {
    constexpr std::size_t kMaxIgnored = 64;
    if (program_.ignored.size() < kMaxIgnored) program_.ignored.push_back(place + ": " + std::string(why));
  }

  const json::value& document_;
  Program program_;
  std::map<const json::value*, NodeId> known_;
  std::map<std::string, const json::value*, std::less<>> names_;
};

}  // namespace

Result<Program> compile(std::string_view text) {
  const auto document = parse_json(text, {.max_bytes = Contract::kMaxSchemaBytes, .max_depth = Contract::kMaxDepth});
  if (!document) return tl::unexpected(document.error());
  return Compiler(*document).run();
}

}  // namespace bursar::broker::schema
