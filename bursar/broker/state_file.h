// A state on disk, beside the database: the old one or the new one, whenever the process ends.
//
//   if (auto ok = write_whole("bursar.db.policy.pacing.json", text); !ok) …     // kUnavailable names the file
//   Result<std::optional<std::string>> text = read_whole(path);                 // nothing: there is no such file
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bursar/core/result.h"

namespace bursar::broker {

[[nodiscard]] Result<std::optional<std::string>> read_whole(const std::string& path);
[[nodiscard]] Result<void> write_whole(const std::string& path, std::string_view text);

}  // namespace bursar::broker
