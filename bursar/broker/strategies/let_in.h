// Who asks, for doors that know one method: answers by itself whoever may not, or asks in another way.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "bursar/broker/http/server.h"
#include "bursar/broker/pipeline/authenticate.h"

namespace bursar::broker {

[[nodiscard]] std::optional<Principal> let_in(const std::function<Authentication(const HttpRequest&)>& authenticate,
                                              const HttpRequest& request, std::string_view method, Exchange& exchange);

}  // namespace bursar::broker
