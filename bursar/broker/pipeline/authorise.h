// Stage 2: may they. Finds what the name stands for, decides whom to believe about it, and asks the policy.
//
//   if (!may_call(config.policy, principal, {.server = "files", .name = "read", .exposed = "files.read"})) hide it
//
// The first rule whose principals (subject or account), servers and tools fit decides; else the default. Tool patterns
// are tried on the name as the agent knows it and as the server does; prompts and resources count by their name or URI.
// What is denied looks exactly like what does not exist: absent from lists, and -32602 "Unknown tool: …" when called.
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
};
[[nodiscard]] bool may_call(const PolicyConfig& policy, const Principal& principal, const NamedTool& tool);

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
