// The quota server of systems/mcp-production: an MCP server over HTTP, in this process, that keeps one project a
// session.
//
//   QuotaServer server;                     // http://127.0.0.1:<port>/mcp
//   use(server.url()); … server.seen("text that must not have come");
//
// Tools: open_project {secret} gives the session its project, list_limits {} says the session's secret, raise_limits {}
// is there to be hidden. Whoever gets another session's secret got foreign data.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace bursar::reproduce {

class QuotaServer {
 public:
  QuotaServer();
  ~QuotaServer();
  [[nodiscard]] std::string url() const;
  // Whether any request so far carried the text, in a header or in its body.
  [[nodiscard]] bool seen(std::string_view text) const;
  [[nodiscard]] std::size_t sessions() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bursar::reproduce
