// A YAML document as plain values with their places, read under limits: what the configuration is made of.
//
//   Result<YamlNode> root = parse_yaml(text, "bursar.yaml");
//   if (const YamlNode* port = root->find("port")) use(port->text, port->line);
//
// Refused, each with "file:line:column: …": what is no YAML, more than one document, a key that stands twice or is no
// plain text, an alias to what is not complete yet, and anything past kMaxYaml… (aliases count as what they stand for).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::broker {

inline constexpr std::size_t kMaxYamlBytes = 1 << 20;
inline constexpr std::size_t kMaxYamlNodes = 100'000;
inline constexpr std::size_t kMaxYamlDepth = 32;

struct YamlNode {
  enum class Kind : std::uint8_t { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string text = {};             // of a scalar
  bool quoted = false;               // a scalar in quotes is a text, whatever it looks like
  bool replaced = false;             // holds what an environment variable said: never to be printed
  int line = 1, column = 1;          // from 1
  std::vector<YamlNode> items = {};  // of a list or a map
  std::vector<YamlNode> keys = {};   // of a map; keys[i] names items[i]

  [[nodiscard]] const YamlNode* find(std::string_view key) const;
};

[[nodiscard]] Result<YamlNode> parse_yaml(std::string_view text, std::string_view file_name);

}  // namespace bursar::broker
