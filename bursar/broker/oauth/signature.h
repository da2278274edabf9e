// Signs with a private key of ours, as JSON Web Signatures want it (RFC 7518): for private_key_jwt.
//
//   auto jwt = sign_jwt(pem, "ES256", R"({"iss":"bursar",…})");
#pragma once

#include <string>
#include <string_view>

#include "bursar/core/result.h"

namespace bursar::broker::oauth {

// A compact JWS. Algorithms: ES256, ES384, RS256, PS256, EdDSA. Errors: kInvalidArgument for a key that cannot be read,
// is encrypted, or does not fit the algorithm; they never repeat the key.
[[nodiscard]] Result<std::string> sign_jwt(std::string_view pem, std::string_view algorithm, std::string_view claims);

}  // namespace bursar::broker::oauth
