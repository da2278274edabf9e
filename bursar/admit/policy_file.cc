#include "bursar/admit/policy_file.h"

#include <boost/json/array.hpp>

#include "bursar/core/json.h"

namespace bursar::admit {

Result<PolicyFile> parse_policy_file(std::string_view text) {
  auto document = parse_json(text, {.max_bytes = 16 << 20});
  if (!document) return tl::unexpected(document.error());
  const JsonView root(*document);
  if (auto ok = root.only({"policy", "parameters", "horizon", "resources", "about"}); !ok)
    return tl::unexpected(ok.error());
  PolicyFile file;
  auto name = root.string_at("policy", 256);
  if (!name) return tl::unexpected(name.error());
  file.words.name = *name;
  auto parameters = root.find("parameters");
  if (!parameters) return tl::unexpected(parameters.error());
  if (*parameters) {
    if (!(*parameters)->value().is_object()) return (*parameters)->wrong("must be an object");
    file.words.parameters = (*parameters)->value().get_object();
  }
  auto horizon = root.find("horizon");
  if (!horizon) return tl::unexpected(horizon.error());
  if (*horizon) {
    auto requests = (*horizon)->as_int(0);
    if (!requests) return tl::unexpected(requests.error());
    file.horizon = static_cast<std::uint64_t>(*requests);
  }
  auto resources = root.find("resources");
  if (!resources) return tl::unexpected(resources.error());
  if (*resources) {
    auto size = (*resources)->array_size(4096);
    if (!size) return tl::unexpected(size.error());
    for (std::size_t j = 0; j < *size; ++j) {
      auto resource = (*resources)->element(j).and_then([](const JsonView& v) { return v.as_string(256); });
      if (!resource) return tl::unexpected(resource.error());
      file.resources.emplace_back(*resource);
    }
  }
  auto about = root.find("about");
  if (!about) return tl::unexpected(about.error());
  if (*about) {
    auto words = (*about)->as_string(4096);
    if (!words) return tl::unexpected(words.error());
    file.about = *words;
  }
  return file;
}

std::string policy_file_text(const PolicyFile& file) {
  boost::json::array resources;
  for (const std::string& name : file.resources) resources.emplace_back(name);
  return to_json(boost::json::object{{"policy", file.words.name},
                                     {"parameters", file.words.parameters},
                                     {"horizon", file.horizon},
                                     {"resources", std::move(resources)},
                                     {"about", file.about}});
}

}  // namespace bursar::admit
