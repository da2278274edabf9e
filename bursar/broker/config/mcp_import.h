// Takes over the server lists of other programs, and gives ours back in their form.
//
//   Result<Imported> imported = import_mcp(text_of("mcp.json"));     // Claude, Cursor: mcpServers; VS Code: servers
//   std::cout << imported->yaml;                                     // parse_config accepts it
//   for (const auto& note : imported->notes) std::cerr << note;      // what to set, what was changed
//   std::cout << export_mcp(config, "http://127.0.0.1:8484");        // an mcpServers file through the gateway
//
// A secret that stands in the file is not copied: ${NAME} takes its place, and a note says which variable to set.
// ${env:NAME} and ${input:name} become ${NAME}.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/config/config.h"

namespace bursar::broker {

struct Imported {
  std::string yaml;
  std::vector<std::string> notes;  // one sentence each; never a secret
};

// JSON with comments and trailing commas, at most 1 MiB. Errors: kInvalidArgument naming the server.
[[nodiscard]] Result<Imported> import_mcp(std::string_view json);

[[nodiscard]] std::string export_mcp(const Config& config, std::string_view gateway_url);

}  // namespace bursar::broker
