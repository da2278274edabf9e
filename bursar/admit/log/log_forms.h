// The forms of logs by name. A folder that knows another one adds its line to log_forms.cc.
#pragma once

#include <span>

#include "bursar/admit/log/log_reader.h"

namespace bursar::admit {

struct LogForm {
  std::string_view name, about;
  // Whether text that begins so is of this form, for logs whose form is not said.
  bool (*begins)(std::string_view text) = nullptr;
  Result<std::unique_ptr<LogReader>> (*open)(allocate::ByteSource source, const LogOptions& options) = nullptr;
};

[[nodiscard]] std::span<const LogForm> log_forms();

}  // namespace bursar::admit
