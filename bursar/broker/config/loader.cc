#include "bursar/broker/config/loader.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxText = 64 << 10;

std::string number_text(double number) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

bool is_name_char(char c, bool first) {
  return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (!first && c >= '0' && c <= '9');
}

bool is_variable_name(std::string_view name) {
  if (name.empty() || name.size() > 256) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (!is_name_char(name[i], i == 0)) return false;
  }
  return true;
}

// What a value looks like in a message: never what an environment variable said.
std::string shown(const YamlNode& node) {
  if (node.replaced) return "not (it comes from an environment variable)";
  return '"' + node.text.substr(0, 64) + '"';
}

}  // namespace

void Problems::add(const YamlNode& where, std::string_view path, std::string_view what) {
  if (++count_ > kShown) return;
  std::string line = file_ + ':' + std::to_string(where.line) + ':' + std::to_string(where.column) + ": ";
  if (!path.empty()) line.append(path).append(": ");
  lines_.push_back(line.append(what));
}

Error Problems::to_error() const {
  std::string message;
  for (const auto& line : lines_) message += (message.empty() ? "" : "\n") + line;
  if (count_ > kShown) message += "\nand " + std::to_string(count_ - kShown) + " more";
  for (char& c : message) {
    if (c != '\n' && (static_cast<unsigned char>(c) < ' ' || c == '\x7f')) c = '?';
  }
  return {ErrorCode::kInvalidArgument, std::move(message)};
}

std::string Loader::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + '.' + std::string(name);
}

void Loader::wrong(const YamlNode& node, std::string_view name, std::string_view what) {
  problems_.add(node, path_of(name), what);
}

const YamlNode* Loader::take(std::string_view name, YamlNode::Kind kind, std::string_view otherwise) {
  known_.push_back(name);
  const YamlNode* node = map_.find(name);
  if (node == nullptr || node->kind == YamlNode::Kind::kNull) return nullptr;
  if (node->kind == kind) return node;
  wrong(*node, name, otherwise);
  return nullptr;
}

bool Loader::too_many(const YamlNode& node, std::string_view name, std::size_t at_most) {
  if (node.items.size() <= at_most) return false;
  wrong(node, name,
        "has " + std::to_string(node.items.size()) + " entries; at most " + std::to_string(at_most) + " are read");
  return true;
}

void Loader::text(std::string_view name, std::string& value, std::string_view, Need need) {
  const YamlNode* node = take(name, YamlNode::Kind::kScalar, "must be a text");
  if (node == nullptr) {
    if (need == Need::kRequired && map_.find(name) == nullptr) problems_.add(map_, path_of(name), "is missing");
    return;
  }
  if (node->text.size() > kMaxText) return wrong(*node, name, "is longer than 64 KiB");
  if (node->text.find('\0') != std::string::npos) return wrong(*node, name, "holds a NUL byte");
  value = node->text;
}

void Loader::text(std::string_view name, std::optional<std::string>& value, std::string_view help) {
  std::string read = value.value_or("");
  const YamlNode* node = map_.find(name);
  text(name, read, help);
  if (node != nullptr && node->kind == YamlNode::Kind::kScalar) value = std::move(read);
}

void Loader::flag(std::string_view name, bool& value, std::string_view) {
  const YamlNode* node = take(name, YamlNode::Kind::kScalar, "must be true or false");
  if (node == nullptr) return;
  if (node->text != "true" && node->text != "false") {
    return wrong(*node, name, "must be true or false, is " + shown(*node));
  }
  value = node->text == "true";
}

void Loader::flag(std::string_view name, std::optional<bool>& value, std::string_view help) {
  bool read = false;
  const YamlNode* node = map_.find(name);
  flag(name, read, help);
  if (node != nullptr && node->kind == YamlNode::Kind::kScalar) value = read;
}

std::optional<std::int64_t> Loader::whole_number(std::string_view name, std::int64_t low, std::int64_t high) {
  const std::string range = "must be a whole number from " + std::to_string(low) + " to " + std::to_string(high);
  const YamlNode* node = take(name, YamlNode::Kind::kScalar, range);
  if (node == nullptr) return std::nullopt;
  const char* end = node->text.data() + node->text.size();
  std::int64_t number = 0;
  const auto read = std::from_chars(node->text.data(), end, number);
  if (read.ec == std::errc{} && read.ptr == end && number >= low && number <= high) return number;
  wrong(*node, name, range + ", is " + shown(*node));
  return std::nullopt;
}

void Loader::real(std::string_view name, double& value, double low, double high, std::string_view) {
  const std::string range = "must be a number from " + number_text(low) + " to " + number_text(high);
  const YamlNode* node = take(name, YamlNode::Kind::kScalar, range);
  if (node == nullptr) return;
  const char* end = node->text.data() + node->text.size();
  double number = 0;
  const auto read = std::from_chars(node->text.data(), end, number);
  if (read.ec == std::errc{} && read.ptr == end && number >= low && number <= high) {  // false for NaN
    value = number;
    return;
  }
  wrong(*node, name, range + ", is " + shown(*node));
}

void Loader::size(std::string_view name, std::size_t& value, std::size_t low, std::size_t high, std::string_view) {
  const YamlNode* node = take(name, YamlNode::Kind::kScalar, "must be a size such as \"4 MiB\"");
  if (node == nullptr) return;
  const auto read = parse_size(node->text);
  if (read && *read >= low && *read <= high) {
    value = *read;
    return;
  }
  wrong(*node, name, "must be a size from " + size_text(low) + " to " + size_text(high) + ", is " + shown(*node));
}

void Loader::duration(std::string_view name, Duration& value, Duration low, Duration high, std::string_view) {
  const YamlNode* node = take(name, YamlNode::Kind::kScalar, "must be a duration such as \"30 s\"");
  if (node == nullptr) return;
  const auto read = parse_duration(node->text);
  if (read && *read >= low && *read <= high) {
    value = *read;
    return;
  }
  wrong(*node, name,
        "must be a duration from " + duration_text(low) + " to " + duration_text(high) + " with its unit, is " +
            shown(*node));
}

void Loader::duration(std::string_view name, std::optional<Duration>& value, Duration low, Duration high,
                      std::string_view help) {
  Duration read = low - Duration{1};
  duration(name, read, low, high, help);
  if (read >= low) value = read;
}

void Loader::texts(std::string_view name, std::vector<std::string>& value, std::size_t at_most, std::string_view) {
  const YamlNode* node = take(name, YamlNode::Kind::kList, "must be a list of texts");
  if (node == nullptr || too_many(*node, name, at_most)) return;
  value.clear();
  for (const YamlNode& item : node->items) {
    if (item.kind != YamlNode::Kind::kScalar || item.text.size() > kMaxText ||
        item.text.find('\0') != std::string::npos) {
      return wrong(item, std::string(name) + '[' + std::to_string(value.size()) + ']', "must be a text");
    }
    value.push_back(item.text);
  }
}

void Loader::reals(std::string_view name, std::vector<double>& value, std::size_t at_most, double low, double high,
                   std::string_view) {
  const YamlNode* node = take(name, YamlNode::Kind::kList, "must be a list of numbers");
  if (node == nullptr || too_many(*node, name, at_most)) return;
  value.clear();
  for (const YamlNode& item : node->items) {
    const char* end = item.text.data() + item.text.size();
    double number = 0;
    const auto read = std::from_chars(item.text.data(), end, number);
    const bool fits = item.kind == YamlNode::Kind::kScalar && read.ec == std::errc{} && read.ptr == end &&
                      number >= low && number <= high;  // false for NaN
    if (!fits) {
      return wrong(item, std::string(name) + '[' + std::to_string(value.size()) + ']',
                   "must be a number from " + number_text(low) + " to " + number_text(high) + ", is " + shown(item));
    }
    value.push_back(number);
  }
}

void Loader::text_map(std::string_view name, std::map<std::string, std::string>& value, std::size_t at_most,
                      std::string_view) {
  const YamlNode* node = take(name, YamlNode::Kind::kMap, "must be a map from names to texts");
  if (node == nullptr || too_many(*node, name, at_most)) return;
  value.clear();
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    const YamlNode& item = node->items[i];
    const std::string& key = node->keys[i].text;
    const bool usable = item.kind == YamlNode::Kind::kScalar && item.text.size() <= kMaxText &&
                        item.text.find_first_of(std::string_view("\0\r\n", 3)) == std::string::npos;
    const bool named =
        !key.empty() && key.size() <= 256 && key.find_first_of(std::string_view("\0\r\n:= ", 6)) == std::string::npos;
    if (!usable) {
      wrong(item, std::string(name) + '.' + key, "must be a text of one line");
    } else if (!named) {
      wrong(node->keys[i], name, "\"" + key.substr(0, 64) + "\" is no name");
    } else {
      value.emplace(key, item.text);
    }
  }
}

void Loader::amounts(std::string_view name, Amounts& value, std::string_view) {
  const YamlNode* node = take(name, YamlNode::Kind::kScalar, "must be amounts such as \"0.002 usd, 1 calls\"");
  if (node == nullptr) return;
  const auto read = parse_amounts(node->text);
  if (!read) return wrong(*node, name, node->replaced ? "is no amounts" : read.error().message);
  if (read->any_negative()) return wrong(*node, name, "must not be negative");
  value = *read;
}

void Loader::limits(std::string_view name, std::vector<ledger::Limit>& value, std::string_view) {
  const YamlNode* node = take(name, YamlNode::Kind::kList, "must be a list of limits such as \"100 usd month\"");
  if (node == nullptr || too_many(*node, name, ledger::kMaxLimits)) return;
  value.clear();
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    const YamlNode& item = node->items[i];
    const auto read = item.kind == YamlNode::Kind::kScalar ? parse_limit(item.text)
                                                           : Result<ledger::Limit>(invalid_argument("must be a text"));
    if (read) {
      value.push_back(*read);
    } else {
      wrong(item, std::string(name) + '[' + std::to_string(i) + ']',
            item.replaced ? "is no limit" : read.error().message);
    }
  }
}

std::optional<std::size_t> Loader::one_of(std::string_view name, std::span<const std::string_view> names) {
  std::string list;
  for (const auto choice : names) list.append(list.empty() ? "" : ", ").append(choice);
  const YamlNode* node = take(name, YamlNode::Kind::kScalar, "must be one of " + list);
  if (node == nullptr) return std::nullopt;
  const auto found = std::ranges::find(names, node->text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  wrong(*node, name, "must be one of " + list + ", is " + shown(*node));
  return std::nullopt;
}

void Loader::finish() {
  for (const YamlNode& key : map_.keys) {
    if (std::ranges::find(known_, key.text) != known_.end()) continue;
    const std::string near = nearest_name(key.text, known_);
    wrong(key, key.text.substr(0, 64), "unknown field" + (near.empty() ? "" : "; did you mean " + near + "?"));
  }
}

void replace_environment(YamlNode& node, const Environment& env, std::string_view path, Problems& problems) {
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const bool list = node.kind == YamlNode::Kind::kList;
    const std::string step =
        list ? '[' + std::to_string(i) + ']' : (path.empty() ? "" : ".") + node.keys[i].text.substr(0, 64);
    replace_environment(node.items[i], env, std::string(path) + step, problems);
  }
  std::string out;
  std::string_view rest = node.text;
  for (std::size_t at; (at = rest.find("${")) != std::string_view::npos;) {
    if (at > 0 && rest[at - 1] == '$') {
      out.append(rest.substr(0, at - 1)).append("${");
      rest.remove_prefix(at + 2);
      continue;
    }
    const std::size_t end = rest.find('}', at);
    const std::string_view inside = rest.substr(at + 2, end == std::string_view::npos ? end : end - at - 2);
    const std::size_t split = inside.find(":-");
    const std::string_view name = inside.substr(0, split);
    if (end == std::string_view::npos || !is_variable_name(name)) {
      return problems.add(node, path, "${…} must name an environment variable; write $${ for a plain ${");
    }
    std::optional<std::string> value = env(name);
    if ((!value || value->empty()) && split != std::string_view::npos) value = std::string(inside.substr(split + 2));
    if (!value) {
      return problems.add(node, path,
                          "environment variable " + std::string(name) + " is not set; set it or write ${" +
                              std::string(name) + ":-default}");
    }
    out.append(rest.substr(0, at)).append(*value);
    if (out.size() > kMaxText) return problems.add(node, path, "is longer than 64 KiB once its variables are in place");
    node.replaced = true;
    rest.remove_prefix(end + 1);
  }
  node.text = out.append(rest);
}

}  // namespace bursar::broker
