// The published description of bursar.yaml, made from fields.h.
//
//   std::cout << config_schema();           // what `bursar check --schema` prints; JSON Schema 2020-12
//   std::cout << config_reference();        // Markdown: the tables of docs/configuration.md
//
// config/schema.json holds the same text for editors; a test keeps it so.
#pragma once

#include <string>

namespace bursar::broker {

[[nodiscard]] std::string config_schema();     // pretty-printed, ends with a newline
[[nodiscard]] std::string config_reference();  // one row a field: path, type, default, purpose

}  // namespace bursar::broker
