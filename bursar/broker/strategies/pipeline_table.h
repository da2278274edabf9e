// Pipelines that jobs can run as bursar/pipeline-<name>: what `bursar tts search` found, read from files.
//
//   auto table = PipelineTable::read(config.strategies.pipelines);
//   const boost::json::object* qa = table->find("qa");            // null where there is none
//
// Immutable; swapped whole by a hot reload. What a pipeline means is the strategy's affair (plan/strategies/pipeline).
#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::broker {

class PipelineTable {
 public:
  // Errors name the file: kUnavailable, kInvalidArgument for what is no pipeline that can be run, or stands twice.
  [[nodiscard]] static Result<PipelineTable> read(const std::vector<std::string>& files);

  [[nodiscard]] const boost::json::object* find(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::map<std::string, boost::json::object, std::less<>> pipelines_;
};

}  // namespace bursar::broker
