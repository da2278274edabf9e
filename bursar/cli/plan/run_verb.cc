#include "bursar/cli/plan/run_verb.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>

#include "bursar/broker/net/http_client.h"
#include "bursar/broker/upstream/sse_parser.h"
#include "bursar/cli/plan/run_file.h"
#include "bursar/cli/plan/workflow_input.h"
#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

using boost::json::object;

constexpr std::size_t kMostBytes = 256 << 20;
constexpr Duration kForever = std::chrono::hours{25};  // a run's own deadline is at most a day

Result<boost::json::value> workflow_of(const std::string& file) {
  std::string text;
  if (file == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    std::ifstream in(file, std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(in), {});
    if (!in) return fail(ErrorCode::kUnavailable, file + ": cannot be read");
  }
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || text[first] != '{') return json_of_yaml(text, file);
  auto document = parse_json(text, {.max_bytes = kMostBytes});
  if (!document) return tl::unexpected(with_context(file, document.error()));
  return document;
}

std::string text_at(const object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

// One line for each sample that ended.
void tell(const object& entry, std::map<std::uint64_t, std::string>& asked, std::ostream& told) {
  if (const auto* step = entry.if_contains("step"); step != nullptr && step->is_object()) {
    const auto* actions = step->get_object().if_contains("actions");
    if (actions == nullptr || !actions->is_array()) return;
    for (const auto& action : actions->get_array()) {
      if (!action.is_object() || !action.get_object().contains("id")) continue;
      const auto id = action.at("id").to_number<std::uint64_t>();
      asked[id] = text_at(action.get_object(), "purpose") + " by " + text_at(action.get_object(), "model");
    }
    return;
  }
  const auto* seen = entry.if_contains("seen");
  if (seen == nullptr || !seen->is_object() || !seen->get_object().contains("action")) return;
  const object& what = seen->get_object();
  const std::string why = text_at(what, "why");
  told << "  " << asked[what.at("action").to_number<std::uint64_t>()] << ": " << text_at(what, "end")
       << (why.empty() ? "" : " (" + why + ")") << ", " << text_at(what, "cost") << "\n";
}

// What the gateway says, event by event.
class Stream {
 public:
  Stream(RunFile& file, std::ostream& told) : file_(file), told_(told) {
    for (const auto& entry : file.journal()) {  // names for what is still to be seen
      if (entry.as_object().contains("step")) tell(entry.as_object(), asked_, told_);
    }
  }

  void head(int status) { status_ = status; }
  void body(std::string_view piece) {
    if (status_ != 200) {
      refusal_ += piece;
      return;
    }
    auto fed = events_.feed(piece, [this](const broker::SseEvent& event) { take(event.data); });
    if (!fed) wrong_ = fed.error();
  }
  void end(const broker::HttpEnd& how) {
    if (how.failure && !result_)
      wrong_ = Error{.code = ErrorCode::kUnavailable, .message = how.detail, .retryable = true};
  }

  [[nodiscard]] Result<object> result() const {
    if (result_) return *result_;
    if (status_ != 0 && status_ != 200) {
      const auto document = parse_json(refusal_);
      const auto* body = document ? document->if_object() : nullptr;
      const auto* error = body == nullptr ? nullptr : body->if_contains("error");
      const std::string message =
          error != nullptr && error->is_object() ? text_at(error->get_object(), "message") : std::string();
      return fail(status_ >= 500 ? ErrorCode::kUnavailable : ErrorCode::kInvalidArgument,
                  message.empty() ? "the gateway answered " + std::to_string(status_) : message);
    }
    return wrong_ ? tl::unexpected(*wrong_)
                  : fail(ErrorCode::kUnavailable, "the gateway ended the run's stream without a result", true);
  }

 private:
  void take(std::string_view data) {
    if (data.empty() || data == "[DONE]") return;
    auto document = parse_json(data, {.max_bytes = kMostBytes});
    if (!document || !document->is_object()) return;
    const object& entry = document->get_object();
    if (auto kept = file_.add(entry); !kept) wrong_ = kept.error();
    if (const auto* result = entry.if_contains("result"); result != nullptr && result->is_object()) {
      result_ = result->get_object();
    }
    tell(entry, asked_, told_);
  }

  RunFile& file_;
  std::ostream& told_;
  broker::SseParser events_;
  int status_ = 0;
  std::string refusal_;
  std::map<std::uint64_t, std::string> asked_;
  std::optional<object> result_;
  std::optional<Error> wrong_;
};

Result<object> ask(const RunWords& words, const object& request, RunFile& file, std::ostream& told) {
  auto endpoint = broker::Endpoint::make({.url = words.url, .private_network = true});
  if (!endpoint) return tl::unexpected(with_context("--url", endpoint.error()));
  object body = request;
  body["stream"] = true;
  if (!file.journal().empty()) body["journal"] = file.journal();
  broker::ClientRequest post{.method = "POST",
                             .target = "/v1/plan/workflow",
                             .headers = {{"content-type", "application/json"}, {"accept", "text/event-stream"}},
                             .body = to_json(body),
                             .timeout = kForever,
                             .body_bytes = kMostBytes};
  if (const char* key = std::getenv(words.key_variable.c_str()); key != nullptr && *key != '\0') {
    post.headers.emplace_back("authorization", "Bearer " + std::string(key));
  }
  broker::Reactor reactor;
  broker::HttpClient client(std::move(*endpoint));
  Stream stream(file, told);
  reactor.post([&] {
    client.send(reactor, std::move(post),
                {.on_head = [&](const broker::HttpHead& head) { stream.head(head.status()); },
                 .on_body = [&](std::string_view piece) { stream.body(piece); },
                 .done =
                     [&](const broker::HttpEnd& how) {
                       stream.end(how);
                       reactor.stop();
                     }});
  });
  reactor.run();
  return stream.result();
}

}  // namespace

void describe_run(CLI::App& app, RunWords& words) {
  CLI::App& run = *app.add_subcommand("run", "Executes a workflow on a gateway's models, under budget and deadline");
  run.add_option("workflow", words.file, "JSON or YAML with prompts; - is standard input")->required();
  run.add_option("--budget", words.budget, "Such as \"0.80 usd, 20k tokens, 300 s\"; time is the deadline")->required();
  run.add_option("--state", words.state, "File of this run: the same command again goes on from it");
  run.add_option("--seed", words.seed, "Of plans and samples (1)");
  run.add_option("--url", words.url, "The gateway (http://127.0.0.1:8484)");
  run.add_option("--key-env", words.key_variable, "Variable that holds its key (BURSAR_KEY)");
  run.add_flag("--json", words.json, "Print the result as one JSON document");
}

Result<bool> run_workflow(const RunWords& words, std::ostream& out, std::ostream& told) {
  auto workflow = workflow_of(words.file);
  if (!workflow) return tl::unexpected(workflow.error());
  const object request{{"workflow", std::move(*workflow)}, {"budget", words.budget}, {"seed", words.seed}};
  auto file = RunFile::open(words.state, request);
  if (!file) return tl::unexpected(file.error());
  auto result = file->result() ? Result<object>(*file->result()) : ask(words, request, *file, told);
  if (!result) return tl::unexpected(result.error());
  const auto* complete = result->if_contains("complete");
  const bool whole = complete != nullptr && complete->is_bool() && complete->get_bool();
  if (words.json) {
    out << to_json(*result) << "\n";
    return whole;
  }
  if (const auto* answers = result->if_contains("answers"); answers != nullptr && answers->is_object()) {
    for (const auto& answer : answers->get_object()) {
      if (answer.value().is_string())
        out << "## " << answer.key() << "\n" << answer.value().get_string().c_str() << "\n\n";
    }
  }
  out << (whole ? "complete" : "not complete: " + text_at(*result, "ended")) << ", " << text_at(*result, "cost")
      << "\n";
  return whole;
}

}  // namespace bursar::cli
