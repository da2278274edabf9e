// Stage 1: who is asking. Origin and Host first (DNS rebinding), then the token or virtual key, then the development
// principal.
//
//   auto who = authenticate(ingress, config, keys, tokens);
//   if (auto* refused = std::get_if<HttpRefusal>(&who)) return answer(*refused);
//
// The transport calls the function for what is no pipeline call (initialize, lists, notifications); the stage is the
// same check for a call. Order and answers:
//   Origin given, neither loopback nor allowed           -> 403
//   Host neither loopback, listen address nor allowed    -> 421, where the listener is a loopback address
//   a token that the transport checked (ingress.caller)  -> what it found, see below
//   Authorization: Bearer eyJ… where tokens are accepted -> what the token proves: its principal; 401 invalid_token;
//                                                           403 insufficient_scope; 403 where no account pays for it;
//                                                           503 while the issuer's keys cannot be read
//   Authorization: Bearer <key> known                    -> that principal;  unknown or another scheme -> 401
//   no Authorization, development on, peer is loopback   -> the development principal
//   otherwise                                            -> 401 with WWW-Authenticate: Bearer, which says where our
//                                                           metadata is (identity/resource_metadata.h)
// Source: systems/mcp-production, section A stage 1; gateway facts, section 1 (DNS rebinding).
#pragma once

#include <string_view>
#include <variant>

#include "bursar/broker/identity/key_verifier.h"
#include "bursar/broker/identity/token_verifier.h"
#include "bursar/broker/pipeline/stage.h"

namespace bursar::broker {

struct PipelineConfig;
struct PipelineShared;

using Authentication = std::variant<Principal, HttpRefusal>;
[[nodiscard]] Authentication authenticate(const Ingress& ingress, const PipelineConfig& config, const KeyVerifier* keys,
                                          const TokenVerifier* tokens = nullptr);

// "http://localhost:3000" and "[::1]:8484" are loopback; the port does not matter.
[[nodiscard]] bool is_loopback_host(std::string_view host);

class AuthenticateStage final : public Stage {
 public:
  explicit AuthenticateStage(PipelineShared& shared) : shared_(shared) {}
  [[nodiscard]] StageName name() const override { return StageName::kAuthenticate; }
  [[nodiscard]] Verdict run(Call& call, WallTime now, RandomStream& random) override;

 private:
  PipelineShared& shared_;
};

}  // namespace bursar::broker
