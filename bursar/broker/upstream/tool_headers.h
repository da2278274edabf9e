// Which arguments of a server's tools are to be repeated in headers (x-mcp-header in an inputSchema), over HTTP.
//
//   ToolHeaders headers;
//   if (auto kept = headers.learn(result_of_tools_list)) result = *kept;   // tools with wrong annotations are left out
//   head += headers.lines("cloud.list", arguments);                        // "Mcp-Param-Region: us-west1\r\n"
//
// An annotation may stand on properties of type string, integer or boolean that are reached through `properties` alone,
// its name must be a header's token and its own among the tool's, whatever the case. A tool that breaks a rule must not
// be used (2026-07-28, Schema Extension), so it does not reach the agents. Thread-safe.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"

namespace boost::json {
class value;
}

namespace bursar::broker {

struct ParamHeader {
  std::vector<std::string> path;  // of the argument
  std::string name;               // of the header, without Mcp-Param-
};

class ToolHeaders {
 public:
  // Learns from one page. Returns the result without the tools that must not be used, or nothing where all may be.
  // `refused` gets a sentence for each that is left out. O(bytes), and next to nothing where no tool has annotations.
  [[nodiscard]] std::optional<std::string> learn(std::string_view result, std::vector<std::string>& refused);

  // The header lines of a call; empty for tools without annotations and ones never seen. `arguments` is raw JSON.
  // Arguments that are absent, null or no primitive have no header.
  [[nodiscard]] std::string lines(std::string_view tool, std::string_view arguments) const;

 private:
  static constexpr std::size_t kToolsMax = 4096;

  std::atomic<bool> any_{false};
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const std::vector<ParamHeader>>, std::less<>> tools_;
};

// The annotations of an inputSchema. Errors: kInvalidArgument, the rule that is broken.
[[nodiscard]] Result<std::vector<ParamHeader>> param_headers(const boost::json::value& schema);

}  // namespace bursar::broker
