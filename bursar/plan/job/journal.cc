#include "bursar/plan/job/journal.h"

#include <algorithm>
#include <array>
#include <boost/json/value_to.hpp>
#include <cstdio>

#include "bursar/core/json.h"

namespace bursar::plan {
namespace {

constexpr std::array kEnds{ActionEnd::kDone, ActionEnd::kRefused, ActionEnd::kFailed, ActionEnd::kCancelled};

tl::unexpected<Error> corrupt(std::string_view what) {
  return fail(ErrorCode::kCorrupt, "journal: " + std::string(what) + "; it belongs to another job, or was changed");
}

boost::json::object action_object(const Action& action) {
  boost::json::object out{{"id", action.id}, {"seed", action.seed}, {"purpose", action.purpose}};
  if (const auto* tool = std::get_if<ToolAsk>(&action.ask)) {
    out["tool"] = tool->tool;
    out["arguments"] = tool->arguments;
    return out;
  }
  if (const auto* embed = std::get_if<EmbedAsk>(&action.ask)) {
    out["model"] = embed->model;
    boost::json::array& texts = out["texts"].emplace_array();
    for (const std::string& text : embed->texts) texts.emplace_back(text);
    return out;
  }
  const auto& ask = std::get<ModelAsk>(action.ask);
  out["model"] = ask.model;
  out["max_tokens"] = ask.max_tokens;
  out["least_tokens"] = ask.least_tokens;
  out["temperature"] = ask.temperature;
  out["top_logprobs"] = ask.top_logprobs;
  boost::json::array& messages = out["messages"].emplace_array();
  for (const Message& message : ask.messages) messages.push_back({message.role, message.content});
  boost::json::array& stop = out["stop"].emplace_array();
  for (const std::string& text : ask.stop) stop.emplace_back(text);
  return out;
}

// Cuts after whole characters.
std::string cut(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  return std::string(text.substr(0, bytes)) + "…";
}

template <class T>
T member(const boost::json::object& object, std::string_view key, T absent) {
  const boost::json::value* value = object.if_contains(key);
  if (value == nullptr) return absent;
  const auto read = boost::json::try_value_to<T>(*value);
  return read ? *read : absent;
}

}  // namespace

std::string_view name_of(ActionEnd end) {
  switch (end) {
    case ActionEnd::kDone: return "done";
    case ActionEnd::kRefused: return "refused";
    case ActionEnd::kFailed: return "failed";
    case ActionEnd::kCancelled: return "cancelled";
  }
  return "unknown";
}

std::string digest_of(const Action& action) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char byte : to_json(action_object(action))) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  }
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(hash));
  return text.data();
}

boost::json::object step_entry(const Step& step, double share, Duration at) {
  boost::json::array actions;
  for (const Action& action : step.actions) {
    boost::json::object one{{"id", action.id}, {"purpose", action.purpose}};
    if (const auto* tool = std::get_if<ToolAsk>(&action.ask)) {
      one["tool"] = tool->tool;
      one["arguments"] = tool->arguments;
    } else if (const auto* embed = std::get_if<EmbedAsk>(&action.ask)) {
      one["model"] = embed->model;
      one["texts"] = embed->texts.size();
    } else {
      const auto& ask = std::get<ModelAsk>(action.ask);
      one["model"] = ask.model;
      one["max_tokens"] = ask.max_tokens;
    }
    one["digest"] = digest_of(action);
    actions.push_back(std::move(one));
  }
  boost::json::object entry{{"at_us", at.count()}, {"share", share}, {"actions", std::move(actions)}};
  if (!step.why.empty()) entry["why"] = step.why;
  if (step.done) entry["done"] = true;
  return {{"step", std::move(entry)}};
}

boost::json::object seen_entry(const Observation& seen) {
  boost::json::object out{{"action", seen.action},
                          {"end", name_of(seen.end)},
                          {"text", seen.text},
                          {"prompt_tokens", seen.prompt_tokens},
                          {"completion_tokens", seen.completion_tokens},
                          {"cost", to_string(seen.cost)},
                          {"took_us", seen.took.count()}};
  if (!seen.finish.empty()) out["finish"] = seen.finish;
  if (!seen.why.empty()) out["why"] = seen.why;
  if (seen.mean_logprob) out["mean_logprob"] = *seen.mean_logprob;
  if (!seen.first_token.empty()) {
    boost::json::array& chances = out["first_token"].emplace_array();
    for (const TokenChance& chance : seen.first_token) {
      chances.push_back(boost::json::object{{"token", chance.token}, {"logprob", chance.logprob}});
    }
  }
  if (!seen.vectors.empty()) {
    boost::json::array& vectors = out["vectors"].emplace_array();
    for (const std::vector<float>& vector : seen.vectors) {
      vectors.emplace_back(boost::json::array(vector.begin(), vector.end()));
    }
  }
  return {{"seen", std::move(out)}};
}

Result<Observation> read_seen(const boost::json::object& seen) {
  Observation out;
  out.action = member<std::uint64_t>(seen, "action", 0);
  if (out.action == 0) return corrupt("an observation without its action");
  const auto end = member<std::string>(seen, "end", "");
  const auto* const known = std::ranges::find(kEnds, end, [](ActionEnd e) { return std::string(name_of(e)); });
  if (known == kEnds.end()) return corrupt("end: no such end, \"" + end + "\"");
  out.end = *known;
  out.text = member<std::string>(seen, "text", "");
  out.finish = member<std::string>(seen, "finish", "");
  out.why = member<std::string>(seen, "why", "");
  out.prompt_tokens = member<std::int64_t>(seen, "prompt_tokens", 0);
  out.completion_tokens = member<std::int64_t>(seen, "completion_tokens", 0);
  if (out.prompt_tokens < 0 || out.completion_tokens < 0) return corrupt("tokens: below zero");
  out.took = Duration{member<std::int64_t>(seen, "took_us", 0)};
  if (const auto cost = member<std::string>(seen, "cost", ""); !cost.empty()) {
    auto amounts = parse_amounts(cost);
    if (!amounts) return corrupt("cost: " + amounts.error().message);
    if (amounts->any_negative()) return corrupt("cost: below zero");
    out.cost = *amounts;
  }
  if (seen.contains("mean_logprob")) out.mean_logprob = member<double>(seen, "mean_logprob", 0);
  if (const auto* chances = seen.if_contains("first_token"); chances != nullptr && chances->is_array()) {
    for (const boost::json::value& chance : chances->get_array()) {
      if (!chance.is_object()) return corrupt("first_token: a chance that is no object");
      out.first_token.push_back(
          {member<std::string>(chance.get_object(), "token", ""), member<double>(chance.get_object(), "logprob", 0)});
    }
  }
  if (seen.contains("vectors")) {
    auto vectors = boost::json::try_value_to<std::vector<std::vector<float>>>(seen.at("vectors"));
    if (!vectors) return corrupt("vectors: no lists of numbers");
    out.vectors = std::move(*vectors);
  }
  return out;
}

Result<Duration> time_of(const boost::json::object& step) {
  const auto at = member<std::int64_t>(step, "at_us", -1);
  if (at < 0) return corrupt("a step without its time");
  return Duration{at};
}

Result<void> same_actions(const boost::json::object& entry, const Step& step) {
  const boost::json::value* actions = entry.if_contains("actions");
  if (actions == nullptr || !actions->is_array()) return corrupt("a step without its actions");
  const boost::json::array& listed = actions->get_array();
  if (listed.size() != step.actions.size()) {
    return corrupt("a step of " + std::to_string(listed.size()) + " actions, where " +
                   std::to_string(step.actions.size()) + " are asked for now");
  }
  for (std::size_t i = 0; i < listed.size(); ++i) {
    const Action& action = step.actions[i];
    const auto digest = listed[i].is_object() ? member<std::string>(listed[i].get_object(), "digest", "") : "";
    if (digest != digest_of(action)) return corrupt("action " + std::to_string(action.id) + " is another one now");
  }
  return {};
}

boost::json::array shortened(const boost::json::array& journal, std::size_t text_bytes) {
  boost::json::array out = journal;
  for (boost::json::value& entry : out) {
    boost::json::value* seen = entry.as_object().if_contains("seen");
    if (seen == nullptr) continue;
    boost::json::value& text = seen->as_object()["text"];
    text = cut(text.as_string(), text_bytes);
    seen->as_object().erase("vectors");
  }
  return out;
}

}  // namespace bursar::plan
