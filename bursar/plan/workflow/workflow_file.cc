#include "bursar/plan/workflow/workflow_file.h"

#include <algorithm>
#include <functional>
#include <unordered_map>

namespace bursar::plan {
namespace {

constexpr std::size_t kMostPromptBytes = 1 << 20, kMostRegexBytes = 4096, kMostNameBytes = 256;
constexpr double kMost = 1e15;

using Ids = std::unordered_map<std::string_view, std::size_t>;

// Calls back for every {{name}} and for the text between them. Errors are the callback's, and an end that is missing.
Result<void> walk(std::string_view prompt, const std::function<void(std::string_view)>& on_text,
                  const std::function<Result<void>(std::string_view)>& on_name) {
  while (true) {
    const std::size_t open = prompt.find("{{");
    on_text(prompt.substr(0, open));
    if (open == std::string_view::npos) return {};
    const std::size_t close = prompt.find("}}", open);
    if (close == std::string_view::npos) return invalid_argument("\"{{\" without \"}}\"");
    std::string_view name = prompt.substr(open + 2, close - open - 2);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (auto ok = on_name(name); !ok) return ok;
    prompt.remove_prefix(close + 2);
  }
}

template <class T>
Result<void> take(Result<T> from, T& to) {
  if (!from) return tl::unexpected(from.error());
  to = *from;
  return {};
}

// Leaves `to` as it is where the key is missing.
Result<void> take_number(const JsonView& view, std::string_view key, double low, double high, double& to) {
  const auto found = view.find(key);
  if (!found) return tl::unexpected(found.error());
  return *found ? take((*found)->as_double(low, high), to) : Result<void>();
}

Result<std::string> text_at(const JsonView& view, std::string_view key, std::size_t most) {
  const auto found = view.find(key);
  if (!found) return tl::unexpected(found.error());
  if (!*found) return std::string();
  return (*found)->as_string(most).map([](std::string_view text) { return std::string(text); });
}

Result<void> each(const JsonView& list, std::size_t most, const std::function<Result<void>(const JsonView&)>& on_one) {
  const auto size = list.array_size(most);
  if (!size) return tl::unexpected(size.error());
  for (std::size_t i = 0; i < *size; ++i) {
    if (auto ok = list.element(i).and_then(on_one); !ok) return ok;
  }
  return {};
}

Result<MeasuredSample> measured_of(const JsonView& view) {
  MeasuredSample out;
  if (auto ok = view.only({"ms", "success", "tokens"}); !ok) return tl::unexpected(ok.error());
  if (auto ok = take(view.double_at("ms", 1e-9, kMost), out.ms); !ok) return tl::unexpected(ok.error());
  if (auto ok = take(view.bool_at("success"), out.success); !ok) return tl::unexpected(ok.error());
  if (auto ok = take_number(view, "tokens", 0, kMost, out.tokens); !ok) return tl::unexpected(ok.error());
  return out;
}

Result<void> read_latency(const JsonView& view, LatencyModel& to) {
  const auto latency = view.at("latency_ms");
  if (!latency) return tl::unexpected(latency.error());
  if (!latency->value().is_object()) return take(latency->as_double(1e-9, kMost), to.mean_ms);
  if (auto ok = latency->only({"mean", "cv"}); !ok) return ok;
  if (auto ok = take(latency->double_at("mean", 1e-9, kMost), to.mean_ms); !ok) return ok;
  return take_number(*latency, "cv", 0, 100, to.cv);
}

Result<void> read_measured(const JsonView& list, Option& to) {
  auto ok = each(list, Workflow::kMostMeasured, [&](const JsonView& one) -> Result<void> {
    const auto sample = measured_of(one);
    if (!sample) return tl::unexpected(sample.error());
    to.measured.push_back(*sample);
    return {};
  });
  if (ok && to.measured.empty()) return list.wrong("needs a sample; or say p and latency_ms");
  return ok;
}

Result<Option> option_of(const JsonView& view) {
  Option out;
  auto ok = view.only({"model", "p", "latency_ms", "tokens", "usd", "cost", "measured"});
  if (!ok) return tl::unexpected(ok.error());
  const auto model = view.string_at("model", kMostNameBytes);
  if (!model) return tl::unexpected(model.error());
  out.model = *model;
  if (ok = take_number(view, "usd", 0, kMost, out.cost.usd); !ok) return tl::unexpected(ok.error());
  const auto cost = text_at(view, "cost", kMostNameBytes);
  if (!cost) return tl::unexpected(cost.error());
  if (*cost != "" && *cost != "fixed" && *cost != "latency")
    return view.at("cost")->wrong("must be \"latency\" (a slow sample costs more; preset) or \"fixed\"");
  out.cost.follows_latency = *cost != "fixed";
  const auto measured = view.find("measured");
  if (!measured) return tl::unexpected(measured.error());
  if (*measured) {
    for (const char* key : {"p", "latency_ms", "tokens"}) {
      if (view.value().get_object().contains(key))
        return view.wrong(std::string(key) + " and measured both stand here; the measured samples say it");
    }
    if (ok = read_measured(**measured, out); !ok) return tl::unexpected(ok.error());
    return out;
  }
  if (ok = take(view.double_at("p", 0, 1), out.p); !ok) return tl::unexpected(ok.error());
  if (ok = take_number(view, "tokens", 0, kMost, out.cost.tokens); !ok) return tl::unexpected(ok.error());
  if (ok = read_latency(view, out.latency); !ok) return tl::unexpected(ok.error());
  return out;
}

Result<AnswerCheck> check_of(const JsonView& view) {
  AnswerCheck out;
  if (auto ok = view.only({"regex", "min_chars"}); !ok) return tl::unexpected(ok.error());
  auto regex = text_at(view, "regex", kMostRegexBytes);
  if (!regex) return tl::unexpected(regex.error());
  out.regex = std::move(*regex);
  const auto least = view.find("min_chars");
  if (!least) return tl::unexpected(least.error());
  if (!*least) return out;
  const auto number = (*least)->as_int(0, 1 << 20);
  if (!number) return tl::unexpected(number.error());
  out.min_chars = static_cast<std::size_t>(*number);
  return out;
}

Result<void> read_parents(const JsonView& view, const Ids& ids, Subtask& to) {
  const auto parents = view.find("parents");
  if (!parents) return tl::unexpected(parents.error());
  if (!*parents) return {};
  return each(**parents, Workflow::kMostSubtasks, [&](const JsonView& one) -> Result<void> {
    const auto id = one.as_string(kMostNameBytes);
    if (!id) return tl::unexpected(id.error());
    const auto found = ids.find(*id);
    if (found == ids.end()) return one.wrong("is \"" + std::string(*id) + "\", and no subtask has that id");
    to.parents.push_back(found->second);
    return {};
  });
}

Result<void> check_prompt(const JsonView& view, const Subtask& task, const Ids& ids, std::string_view prompt) {
  auto ok = walk(
      prompt, [](std::string_view) {},
      [&](std::string_view name) -> Result<void> {
        const auto found = ids.find(name);
        if (found != ids.end() && std::ranges::find(task.parents, found->second) != task.parents.end()) return {};
        return invalid_argument("names {{" + std::string(name) + "}}, which is no parent of it");
      });
  return ok ? ok : Result<void>(view.at("prompt")->wrong(ok.error().message));
}

Result<void> read_subtask(const JsonView& view, const Ids& ids, Subtask& task, SubtaskText& text) {
  auto ok = view.only({"id", "parents", "options", "prompt", "check"});
  if (!ok) return ok;
  if (ok = read_parents(view, ids, task); !ok) return ok;
  ok = view.at("options").and_then([&](const JsonView& list) {
    return each(list, Workflow::kMostOptions, [&](const JsonView& one) -> Result<void> {
      auto option = option_of(one);
      if (!option) return tl::unexpected(option.error());
      task.options.push_back(std::move(*option));
      return {};
    });
  });
  if (!ok) return ok;
  auto prompt = text_at(view, "prompt", kMostPromptBytes);
  if (!prompt) return tl::unexpected(prompt.error());
  text.prompt = std::move(*prompt);
  if (ok = check_prompt(view, task, ids, text.prompt); !ok) return ok;
  const auto check = view.find("check");
  if (!check) return tl::unexpected(check.error());
  return *check ? take(check_of(**check), text.check) : Result<void>();
}

}  // namespace

bool WorkflowFile::executable() const {
  return std::ranges::none_of(texts, [](const SubtaskText& text) { return text.prompt.empty(); });
}

Result<WorkflowFile> read_workflow(const JsonView& document) {
  if (auto ok = document.only({"name", "subtasks"}); !ok) return tl::unexpected(ok.error());
  const auto list = document.at("subtasks");
  if (!list) return tl::unexpected(list.error());
  Ids ids;
  auto ok = each(*list, Workflow::kMostSubtasks, [&](const JsonView& one) -> Result<void> {
    const auto id = one.string_at("id", kMostNameBytes);
    if (!id) return tl::unexpected(id.error());
    if (id->empty() || id->find_first_of("{}\n") != std::string_view::npos || id->starts_with(' ') ||
        id->ends_with(' '))
      return one.at("id")->wrong("needs a name without braces, line breaks and blanks at its ends");
    if (!ids.emplace(*id, ids.size()).second)
      return one.at("id")->wrong("\"" + std::string(*id) + "\" stands twice; ids must differ");
    return {};
  });
  if (!ok) return tl::unexpected(ok.error());
  std::vector<Subtask> tasks(ids.size());
  std::vector<SubtaskText> texts(ids.size());
  for (const auto& [id, v] : ids) tasks[v].id = id;
  for (std::size_t v = 0; v < tasks.size(); ++v) {
    ok = list->element(v).and_then([&](const JsonView& one) { return read_subtask(one, ids, tasks[v], texts[v]); });
    if (!ok) return tl::unexpected(ok.error());
  }
  auto workflow = Workflow::make(std::move(tasks));
  if (!workflow) return tl::unexpected(workflow.error());
  return WorkflowFile{.workflow = std::move(*workflow), .texts = std::move(texts)};
}

Result<WorkflowFile> read_workflow(std::string_view json_text) {
  const auto document = parse_json(json_text, {.max_bytes = 64 << 20, .max_depth = 16});
  if (!document) return tl::unexpected(document.error());
  return read_workflow(JsonView(*document));
}

Result<std::string> prompt_for(const WorkflowFile& file, std::size_t node, std::span<const std::string> answers) {
  std::string out;
  auto ok = walk(
      file.texts[node].prompt, [&](std::string_view text) { out += text; },
      [&](std::string_view name) -> Result<void> {
        const auto& tasks = file.workflow.subtasks();
        const auto found = std::ranges::find(tasks, name, &Subtask::id);
        const auto parent = static_cast<std::size_t>(found - tasks.begin());
        if (parent >= answers.size()) return invalid_argument("no answer of {{" + std::string(name) + "}} is there");
        out += answers[parent];
        return {};
      });
  if (!ok) return tl::unexpected(ok.error());
  return out;
}

}  // namespace bursar::plan
