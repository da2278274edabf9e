#include "bursar/broker/strategies/pipeline_table.h"

#include "bursar/broker/state_file.h"
#include "bursar/core/json.h"
#include "bursar/plan/pipeline_file.h"

namespace bursar::broker {

Result<PipelineTable> PipelineTable::read(const std::vector<std::string>& files) {
  PipelineTable out;
  for (const std::string& file : files) {
    auto text = read_whole(file);
    if (!text) return tl::unexpected(text.error());
    if (!*text) return fail(ErrorCode::kUnavailable, file + ": there is no such file");
    auto pipeline = plan::parse_pipeline(**text);
    if (!pipeline) return tl::unexpected(with_context(file, pipeline.error()));
    if (!pipeline->is_configured()) {
      return invalid_argument(file + ": a stage has no prompt, or no model and samples yet; search for them with " +
                              "`bursar tts search`");
    }
    auto document = parse_json(**text);
    if (!out.pipelines_.emplace(pipeline->name, std::move(document->get_object())).second) {
      return invalid_argument(file + ": a pipeline named '" + pipeline->name + "' stands in another file already");
    }
  }
  return out;
}

const boost::json::object* PipelineTable::find(std::string_view name) const {
  const auto found = pipelines_.find(name);
  return found == pipelines_.end() ? nullptr : &found->second;
}

std::vector<std::string> PipelineTable::names() const {
  std::vector<std::string> out;
  out.reserve(pipelines_.size());
  for (const auto& [name, pipeline] : pipelines_) out.push_back(name);
  return out;
}

}  // namespace bursar::broker
