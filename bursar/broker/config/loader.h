// The visitor of fields.h that reads a YamlNode into Config. Collects problems instead of stopping at the first.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/config/fields.h"
#include "bursar/broker/config/values.h"
#include "bursar/broker/config/yaml_tree.h"

namespace bursar::broker {

// What was wrong, with its place; at most kShown are kept.
class Problems {
 public:
  static constexpr std::size_t kShown = 10;
  explicit Problems(std::string_view file_name) : file_(file_name) {}
  void add(const YamlNode& where, std::string_view path, std::string_view what);
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] Error to_error() const;

 private:
  std::string file_;
  std::vector<std::string> lines_;
  std::size_t count_ = 0;
};

class Loader {
 public:
  Loader(const YamlNode& map, std::string path, Problems& problems)
      : map_(map), path_(std::move(path)), problems_(problems) {}

  void text(std::string_view name, std::string& value, std::string_view help, Need need = Need::kOptional);
  void text(std::string_view name, std::optional<std::string>& value, std::string_view help);
  void flag(std::string_view name, bool& value, std::string_view help);
  void flag(std::string_view name, std::optional<bool>& value, std::string_view help);
  void real(std::string_view name, double& value, double low, double high, std::string_view help);
  void size(std::string_view name, std::size_t& value, std::size_t low, std::size_t high, std::string_view help);
  void duration(std::string_view name, Duration& value, Duration low, Duration high, std::string_view help);
  void duration(std::string_view name, std::optional<Duration>& value, Duration low, Duration high,
                std::string_view help);
  void texts(std::string_view name, std::vector<std::string>& value, std::size_t at_most, std::string_view help);
  void reals(std::string_view name, std::vector<double>& value, std::size_t at_most, double low, double high,
             std::string_view help);
  void text_map(std::string_view name, std::map<std::string, std::string>& value, std::size_t at_most,
                std::string_view help);
  void amounts(std::string_view name, Amounts& value, std::string_view help);
  void limits(std::string_view name, std::vector<ledger::Limit>& value, std::string_view help);

  template <std::unsigned_integral T>
  void whole(std::string_view name, T& value, std::int64_t low, std::int64_t high, std::string_view) {
    if (auto number = whole_number(name, low, high)) value = static_cast<T>(*number);
  }

  template <class T, std::size_t kChoices>
  void choice(std::string_view name, T& value, const std::array<std::pair<std::string_view, T>, kChoices>& choices,
              std::string_view) {
    std::array<std::string_view, kChoices> names;
    for (std::size_t i = 0; i < kChoices; ++i) names[i] = choices[i].first;
    if (auto index = one_of(name, names)) value = choices[*index].second;
  }
  template <std::size_t kChoices>
  void choice(std::string_view name, std::string& value,
              const std::array<std::pair<std::string_view, std::string_view>, kChoices>& choices,
              std::string_view help) {
    std::string_view chosen = value;
    choice(name, chosen, choices, help);
    value = std::string(chosen);
  }

  template <class T>
  void object(std::string_view name, T& value, std::string_view) {
    if (const YamlNode* node = take(name, YamlNode::Kind::kMap, "must be a map of fields")) {
      Loader inner(*node, path_of(name), problems_);
      describe(inner, value);
      inner.finish();
    }
  }
  template <class T>
  void objects(std::string_view name, std::vector<T>& value, std::size_t at_most, std::string_view) {
    const YamlNode* node = take(name, YamlNode::Kind::kList, "must be a list");
    if (node == nullptr || too_many(*node, name, at_most)) return;
    value.clear();
    for (std::size_t i = 0; i < node->items.size(); ++i) {
      const std::string path = path_of(name) + '[' + std::to_string(i) + ']';
      if (node->items[i].kind != YamlNode::Kind::kMap) {
        problems_.add(node->items[i], path, "must be a map of fields");
        continue;
      }
      Loader inner(node->items[i], path, problems_);
      describe(inner, value.emplace_back());
      inner.finish();
    }
  }

  void finish();  // refuses the fields that no visit named

 private:
  // The field's node where it stands, is not null and has that kind; otherwise null, and a wrong kind is a problem.
  const YamlNode* take(std::string_view name, YamlNode::Kind kind, std::string_view otherwise);
  std::optional<std::int64_t> whole_number(std::string_view name, std::int64_t low, std::int64_t high);
  std::optional<std::size_t> one_of(std::string_view name, std::span<const std::string_view> names);
  bool too_many(const YamlNode& node, std::string_view name, std::size_t at_most);
  void wrong(const YamlNode& node, std::string_view name, std::string_view what);
  [[nodiscard]] std::string path_of(std::string_view name) const;

  const YamlNode& map_;
  std::string path_;
  Problems& problems_;
  std::vector<std::string_view> known_;
};

// ${NAME} and ${NAME:-default} in every value; $${ stands for a plain ${.
void replace_environment(YamlNode& node, const Environment& env, std::string_view path, Problems& problems);

}  // namespace bursar::broker
