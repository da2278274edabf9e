#include "bursar/broker/pipeline/authorise.h"

#include <algorithm>

#include "bursar/broker/identity/resource_metadata.h"
#include "bursar/broker/pipeline/authorise_arguments.h"
#include "bursar/broker/pipeline/glob.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/pipeline/stage_support.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxEcho = 128;  // of a name that nobody knows

// The name that a call is about: params.name or params.uri, and for a completion that of its reference.
std::string called_name(const Call& call) {
  if (call.request.method() != "completion/complete") return std::string(call.request.name());
  const std::string_view reference = raw_member(call.request.params(), "ref");
  const std::string name = raw_string(raw_member(reference, "name"));
  return name.empty() ? raw_string(raw_member(reference, "uri")) : name;
}

std::string unknown_error(const Call& call, const std::string& name) {
  const std::string echo(utf8_prefix(name, kMaxEcho));
  const std::string_view method = call.request.method();
  if (method == "tools/call") return rpc_error(-32602, "Unknown tool: " + echo);
  if (method == "prompts/get") return rpc_error(-32602, "Unknown prompt: " + echo);
  if (method.starts_with("resources/")) {
    const int code = call.ingress.era == Era::kLegacy ? -32002 : -32602;
    return rpc_error(code, "Resource not found", R"({"uri":)" + json_string(echo) + "}");
  }
  return rpc_error(-32602, "Unknown reference: " + echo);
}

// The answer is the same text for "does not exist" and "is hidden"; only the audit record knows which it was.
Verdict stop_unknown(Call& call, const std::string& name, Cause cause, WallTime now) {
  call.upstream_error = unknown_error(call, name);
  Failure failure = failure_of(call, cause, now);
  failure.sent = false;
  failure.tool = std::string(utf8_prefix(name, kMaxEcho));
  return stop_with(call, failure);
}

bool fits_but_for_arguments_and_scopes(const PolicyRule& rule, const Principal& principal, const NamedTool& tool) {
  if (!any_match(rule.principals, principal.subject) && !any_match(rule.principals, principal.account)) return false;
  if (!any_match(rule.servers, tool.server)) return false;
  if (!any_match(rule.tools, tool.exposed) && !any_match(rule.tools, tool.name)) return false;
  return rule.groups.empty() ||
         std::ranges::any_of(principal.groups, [&](const std::string& group) { return any_match(rule.groups, group); });
}

bool has_scopes(const PolicyRule& rule, const Principal& principal) {
  return std::ranges::all_of(rule.scopes, [&](const std::string& scope) {
    return std::ranges::find(principal.scopes, scope) != principal.scopes.end();
  });
}

// Every scope that the call needs, so that the client can ask for all of them at once.
Verdict stop_for_scopes(Call& call, const PolicyRule& rule) {
  const IdentityConfig& identity = call.state.config->identity;
  std::string scopes;
  for (const auto* list : {&identity.scopes, &rule.scopes}) {
    for (const std::string& scope : *list) scopes.append(scopes.empty() ? "" : " ").append(scope);
  }
  const std::string why = "This call needs a token with the scopes: " + scopes + ".";
  HttpRefusal refusal{.status = 403, .body = make_error(call.request.id(), -32600, why)};
  refusal.www_authenticate = bearer_challenge(identity, "insufficient_scope", why, scopes);
  call.http = std::move(refusal);
  return {.kind = Verdict::kStop};
}

}  // namespace

Decision decide(const PolicyConfig& policy, const Principal& principal, const NamedTool& tool) {
  Decision instead;  // of a plain denial
  for (const PolicyRule& rule : policy.rules) {
    if (!fits_but_for_arguments_and_scopes(rule, principal, tool)) continue;
    if (!rule.arguments.empty() && !arguments_fit(rule, tool.arguments)) {
      if (rule.effect == Effect::kAllow && has_scopes(rule, principal) && instead.access == Access::kDenied) {
        instead.access = Access::kOtherArguments;
      }
      continue;
    }
    if (!has_scopes(rule, principal)) {
      if (rule.effect == Effect::kAllow && !principal.issuer.empty()) instead = {Access::kNeedsScopes, &rule};
      continue;
    }
    if (rule.effect == Effect::kAllow) return {Access::kAllowed, &rule};
    return instead;
  }
  return policy.default_effect == Effect::kAllow ? Decision{Access::kAllowed} : instead;
}

bool may_call(const PolicyConfig& policy, const Principal& principal, const NamedTool& tool, bool takes_arguments) {
  for (const PolicyRule& rule : policy.rules) {
    if (!fits_but_for_arguments_and_scopes(rule, principal, tool) || !has_scopes(rule, principal)) continue;
    if (!rule.arguments.empty() && (rule.effect == Effect::kDeny || !takes_arguments)) continue;
    return rule.effect == Effect::kAllow;
  }
  return policy.default_effect == Effect::kAllow;
}

void apply_traits(const PipelineConfig& config, Target& target) {
  const auto upstream = config.upstreams.find(target.upstream);
  if (upstream == config.upstreams.end() || !upstream->second.trust_annotations) {
    target.idempotent = target.read_only = target.optional_step = false;
  }
  std::optional<bool> optional_step, idempotent, read_only;
  for (const ToolConfig& rule : config.tools) {
    if (!glob_match(rule.server, target.upstream)) continue;
    if (!glob_match(rule.tool, target.name) && !glob_match(rule.tool, target.exposed)) continue;
    if (!optional_step) optional_step = rule.optional_step;
    if (!idempotent) idempotent = rule.idempotent;
    if (!read_only) read_only = rule.read_only;
  }
  target.read_only = read_only.value_or(target.read_only);
  target.idempotent = idempotent.value_or(target.idempotent || target.read_only);
  target.optional_step = optional_step.value_or(target.optional_step);
}

Verdict AuthoriseStage::run(Call& call, WallTime now, RandomStream& /*random*/) {
  const std::string name = called_name(call);
  if (name.empty()) {
    call.upstream_error = rpc_error(-32602, "params must name what is called");
    Failure failure = failure_of(call, Cause::kBadRequest, now);
    return stop_with(call, failure);
  }
  if (shared_.deps.resolve) call.target = shared_.deps.resolve(call, name);
  if (!call.target) return stop_unknown(call, name, Cause::kNotFound, now);
  Target& target = *call.target;
  const Decision decision = decide(call.state.config->policy, call.principal,
                                   {.server = target.upstream,
                                    .name = target.name,
                                    .exposed = target.exposed,
                                    .arguments = call.request.arguments()});
  switch (decision.access) {
    case Access::kAllowed: break;
    case Access::kDenied: return stop_unknown(call, name, Cause::kPolicy, now);
    case Access::kNeedsScopes: return stop_for_scopes(call, *decision.rule);
    case Access::kOtherArguments: {
      Failure failure = failure_of(call, Cause::kPolicy, now);
      failure.sent = false;
      return stop_with(call, failure);
    }
  }
  apply_traits(*call.state.config, target);
  // Prompts, resources and completions only read.
  if (!is_tool_call(call)) target.idempotent = target.read_only = true;
  return {};
}

}  // namespace bursar::broker
