// A tool's JSON Schema, compiled once, and whether arguments or results keep to it.
//
//   auto contract = Contract::compile(input_schema);
//   for (const std::string& hint : (*contract)->check(arguments, "arguments")) …   // "arguments.path: is missing"
//
// JSON Schema 2020-12: type, enum, const, properties, patternProperties, additionalProperties, propertyNames, required,
// dependentRequired, dependentSchemas, minProperties, maxProperties, items, prefixItems, contains, minContains,
// maxContains, minItems, maxItems, uniqueItems, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf,
// minLength, maxLength (code points), pattern, allOf, anyOf, oneOf, not, if/then/else, $defs, local $ref and $anchor;
// and what draft 7 writes otherwise (definitions, items as an array, additionalItems, dependencies). Unknown keywords
// are ignored, as are a $ref that leaves the document (the network is never asked) and a pattern that a linear-time
// engine cannot run; ignored() names them.
//
// Hostile input is bounded: schema bytes, nodes and depth at compile time, pattern size (RE2, linear in the text), and
// at most Contract::kMaxWork steps and kMaxDepth levels a check, past which the answer is a hint that says so. A
// contract is immutable and may be used by any number of threads. Source: systems/mcp-production, Interface.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/pipeline/limiters.h"
#include "bursar/core/result.h"

namespace bursar::broker {

class Contract {
 public:
  static constexpr std::size_t kMaxSchemaBytes = 1 << 20;
  static constexpr std::size_t kMaxNodes = 50'000;
  static constexpr std::size_t kMaxDepth = 64;
  static constexpr std::size_t kMaxPattern = 1024;
  static constexpr std::size_t kMaxWork = 2'000'000;
  static constexpr std::size_t kMaxHints = 8;

  // Errors: kInvalidArgument where the text is no JSON, no schema (an object, true or false) or beyond a bound.
  [[nodiscard]] static Result<std::shared_ptr<const Contract>> compile(std::string_view schema);
  ~Contract();
  Contract(const Contract&) = delete;
  Contract& operator=(const Contract&) = delete;

  // What is wrong, in the words of the sender; empty where the instance fits. `root` names it in the hints. An empty
  // instance counts as {}: arguments may be left out.
  [[nodiscard]] std::vector<std::string> check(std::string_view instance, std::string_view root) const;
  [[nodiscard]] const std::vector<std::string>& ignored() const;  // "$.properties.a.pattern: …"

 private:
  struct Compiled;
  explicit Contract(std::unique_ptr<Compiled> compiled);
  std::unique_ptr<Compiled> compiled_;
};

// Contracts by the text of their schema; thread-safe, bounded, least recently used first to go.
class ContractCache {
 public:
  static constexpr std::size_t kMaxEntries = 4096;
  static constexpr std::size_t kMaxBytes = 64 << 20;  // of schema text
  // Null for an empty text and for a schema that cannot be compiled: the upstream then checks its arguments itself.
  [[nodiscard]] std::shared_ptr<const Contract> get(std::string_view schema);

 private:
  struct Entry {
    std::string schema;
    std::shared_ptr<const Contract> contract;
  };
  std::mutex mutex_;
  std::list<Entry> entries_;  // most recently used first
  std::size_t bytes_ = 0;
  std::unordered_map<std::string_view, std::list<Entry>::iterator> index_;  // views into entries_
};

}  // namespace bursar::broker
