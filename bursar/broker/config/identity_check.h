// What must fit together in the configuration about identity: issuers, accounts, policy on arguments, TLS, exchanges.
//
//   check_identity(config, [&](std::string_view list, std::size_t index, std::string_view field, std::string_view what)
//   {
//     problems.add(place_of(root, list, index, field), …);
//   });
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "bursar/broker/config/config.h"

namespace bursar::broker {

// `list` may be a path ("identity.issuers"), index its element; field a path below that, or empty.
using ReportProblem =
    std::function<void(std::string_view list, std::size_t index, std::string_view field, std::string_view what)>;
// Why a url is no place for secrets and keys; empty where it is. Plain HTTP only where nobody is in between.
[[nodiscard]] std::string wrong_with_url(std::string_view text, bool private_network);

void check_identity(const Config& config, const ReportProblem& wrong);

}  // namespace bursar::broker
