// Stage 2: may they. Finds what the name stands for, decides whom to believe about it, and asks the policy.
//
//   if (!may_call(config.policy, principal, {.server = "files", .name = "read", .exposed = "files.read"})) hide it
//
// The first rule of which every part fits decides; else the default. Its parts: principals (subject or account), groups
// (one of the caller's), scopes (the caller has them all), servers, tools, and arguments (authorise_arguments.h). Tool
// patterns are tried on the name as the agent knows it and as the server does; prompts and resources count by their
// name or URI. What is denied looks exactly like what does not exist: absent from lists, and -32602 "Unknown tool: …"
// when called. Two refusals say more, for they are of no use otherwise:
//   an allow rule fits but for its scopes, and the caller came with a token -> HTTP 403 insufficient_scope, which names
//                                                                              every scope that is needed
//   an allow rule fits but for its arguments, so the list shows the tool    -> an error result, PERMISSION_DENIED
// Lists show what may be called with some arguments: there, allow rules with arguments count and deny rules with
// arguments do not.
// A server's annotations count only where the operator trusts it (trust_annotations) or says so himself (tools: …).
// Source: systems/mcp-production, section A stage 2.
#pragma once

#include <string_view>

#include "bursar/broker/pipeline/stage.h"

namespace bursar::broker {

struct PipelineConfig;
struct PipelineShared;

struct NamedTool {
  std::string_view server, name, exposed;
  std::string_view arguments = {};  // raw JSON object, of a call
};

enum class Access : std::uint8_t { kAllowed, kDenied, kNeedsScopes, kOtherArguments };
struct Decision {
  Access access = Access::kDenied;
  const PolicyRule* rule = nullptr;  // kNeedsScopes: whose scopes
};
[[nodiscard]] Decision decide(const PolicyConfig& policy, const Principal& principal, const NamedTool& tool);

// For lists: whether some call may pass. What takes no arguments (a model) never fits a rule with arguments.
[[nodiscard]] bool may_call(const PolicyConfig& policy, const Principal& principal, const NamedTool& tool,
                            bool takes_arguments = true);

// Drops the flags of an untrusted server, then applies the operator's overrides, first match a flag.
void apply_traits(const PipelineConfig& config, Target& target);

class AuthoriseStage final : public Stage {
 public:
  explicit AuthoriseStage(PipelineShared& shared) : shared_(shared) {}
  [[nodiscard]] StageName name() const override { return StageName::kAuthorise; }
  [[nodiscard]] Verdict run(Call& call, WallTime now, RandomStream& random) override;

 private:
  PipelineShared& shared_;
};

}  // namespace bursar::broker
