// A compiled schema: what contract_compile.cc makes and contract.cc runs. Not for other rooms.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <re2/re2.h>
#include <string>
#include <utility>
#include <vector>

#include "bursar/broker/pipeline/contract.h"

namespace bursar::broker::schema {

using NodeId = std::uint32_t;
inline constexpr NodeId kNone = UINT32_MAX;

enum TypeBit : std::uint8_t {
  kNull = 1,
  kBoolean = 2,
  kInteger = 4,
  kNumber = 8,
  kString = 16,
  kArray = 32,
  kObject = 64
};

struct Node {
  bool accepts_nothing = false;                   // the schema `false`
  std::uint8_t types = 0;                         // 0: any
  std::vector<boost::json::value> one_of_values;  // enum, or const as its only element
  bool has_values = false;
  std::optional<double> minimum, maximum, exclusive_minimum, exclusive_maximum, multiple_of;
  std::optional<std::uint64_t> min_length, max_length, min_items, max_items, min_properties, max_properties;
  std::optional<std::uint64_t> min_contains, max_contains;
  bool unique_items = false;
  std::shared_ptr<const RE2> pattern;
  std::vector<std::pair<std::string, NodeId>> properties;  // sorted by name
  std::vector<std::pair<std::shared_ptr<const RE2>, NodeId>> pattern_properties;
  NodeId additional_properties = kNone, property_names = kNone;
  std::vector<std::string> required;
  std::vector<std::pair<std::string, std::vector<std::string>>> dependent_required;
  std::vector<std::pair<std::string, NodeId>> dependent_schemas;
  std::vector<NodeId> prefix_items;
  NodeId items = kNone, contains = kNone;
  std::vector<NodeId> all_of, any_of, exactly_one_of;
  NodeId negated = kNone, condition = kNone, consequence = kNone, alternative = kNone;
  NodeId reference = kNone;
};

struct Program {
  std::vector<Node> nodes;
  NodeId root = 0;
  std::vector<std::string> ignored;
};

[[nodiscard]] Result<Program> compile(std::string_view schema);

}  // namespace bursar::broker::schema
