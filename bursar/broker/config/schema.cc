#include "bursar/broker/config/schema.h"

#include <boost/json.hpp>

#include "bursar/broker/config/fields.h"
#include "bursar/broker/config/values.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

namespace json = boost::json;

json::object reference(std::string_view definition) { return {{"$ref", "#/$defs/" + std::string(definition)}}; }

// A value of that schema, or a text with ${ENV} in it, which is replaced before the value is read.
json::object or_environment(json::object schema) {
  return {{"anyOf", json::array{std::move(schema), reference("environment")}}};
}

class SchemaWriter {
 public:
  json::object properties;
  json::array required;

  void text(std::string_view name, const std::string&, std::string_view help, Need need = Need::kOptional) {
    add(name, {{"type", "string"}}, help);
    if (need == Need::kRequired) required.emplace_back(name);
  }
  void text(std::string_view name, const std::optional<std::string>&, std::string_view help) {
    add(name, {{"type", "string"}}, help);
  }
  void flag(std::string_view name, const bool& value, std::string_view help) {
    add(name, or_environment({{"type", "boolean"}}), help, value);
  }
  void flag(std::string_view name, const std::optional<bool>&, std::string_view help) {
    add(name, or_environment({{"type", "boolean"}}), help);
  }
  void real(std::string_view name, const double& value, double low, double high, std::string_view help) {
    add(name, or_environment({{"type", "number"}, {"minimum", low}, {"maximum", high}}), help, value);
  }
  template <class T>
  void whole(std::string_view name, const T& value, std::int64_t low, std::int64_t high, std::string_view help) {
    add(name, or_environment({{"type", "integer"}, {"minimum", low}, {"maximum", high}}), help,
        static_cast<std::int64_t>(value));
  }
  void size(std::string_view name, const std::size_t& value, std::size_t, std::size_t, std::string_view help) {
    add(name, reference("size"), help, json::string(size_text(value)));
  }
  void duration(std::string_view name, const Duration& value, Duration, Duration, std::string_view help) {
    add(name, reference("duration"), help, json::string(duration_text(value)));
  }
  void duration(std::string_view name, const std::optional<Duration>&, Duration, Duration, std::string_view help) {
    add(name, reference("duration"), help);
  }
  void texts(std::string_view name, const std::vector<std::string>&, std::size_t at_most, std::string_view help) {
    add(name, {{"type", "array"}, {"items", {{"type", "string"}}}, {"maxItems", at_most}}, help);
  }
  void reals(std::string_view name, const std::vector<double>&, std::size_t at_most, double low, double high,
             std::string_view help) {
    json::object number = or_environment({{"type", "number"}, {"minimum", low}, {"maximum", high}});
    add(name, {{"type", "array"}, {"items", std::move(number)}, {"maxItems", at_most}}, help);
  }
  void text_map(std::string_view name, const std::map<std::string, std::string>&, std::size_t at_most,
                std::string_view help) {
    add(name,
        {{"type", "object"},
         {"additionalProperties", {{"type", json::array{"string", "number", "boolean"}}}},
         {"maxProperties", at_most}},
        help);
  }
  template <class T, std::size_t kChoices>
  void choice(std::string_view name, const auto& value,
              const std::array<std::pair<std::string_view, T>, kChoices>& choices, std::string_view help) {
    json::array names;
    json::value standard;
    for (const auto& [text, chosen] : choices) {
      names.emplace_back(text);
      if (chosen == value) standard = text;
    }
    add(name, or_environment({{"enum", std::move(names)}}), help, standard);
  }
  void amounts(std::string_view name, const Amounts&, std::string_view help) { add(name, reference("amounts"), help); }
  void limits(std::string_view name, const std::vector<ledger::Limit>&, std::string_view help) {
    add(name, {{"type", "array"}, {"items", reference("limit")}, {"maxItems", ledger::kMaxLimits}}, help);
  }
  template <class T>
  void object(std::string_view name, const T& value, std::string_view help) {
    add(name, of<T>(value), help);
  }
  template <class T>
  void objects(std::string_view name, const std::vector<T>&, std::size_t at_most, std::string_view help) {
    add(name, {{"type", "array"}, {"items", of<T>()}, {"maxItems", at_most}}, help);
  }

  // `value` gives the defaults.
  template <class T>
  static json::object of(T value = {}) {
    SchemaWriter writer;
    describe(writer, value);
    json::object out{{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(writer.properties)}};
    if (!writer.required.empty()) out["required"] = std::move(writer.required);
    return out;
  }

 private:
  void add(std::string_view name, json::object schema, std::string_view help, json::value standard = nullptr) {
    schema["description"] = help;
    if (!standard.is_null()) schema["default"] = std::move(standard);
    properties[name] = std::move(schema);
  }
};

class ReferenceWriter {
 public:
  std::string rows;
  explicit ReferenceWriter(std::string path) : path_(std::move(path)) {}

  void text(std::string_view name, const std::string& value, std::string_view help, Need need = Need::kOptional) {
    row(name, "text", need == Need::kRequired ? "required" : code(value), help);
  }
  void text(std::string_view name, const std::optional<std::string>&, std::string_view help) {
    row(name, "text", "", help);
  }
  void flag(std::string_view name, const bool& value, std::string_view help) {
    row(name, "true, false", code(value ? "true" : "false"), help);
  }
  void flag(std::string_view name, const std::optional<bool>&, std::string_view help) {
    row(name, "true, false", "", help);
  }
  void real(std::string_view name, const double& value, double low, double high, std::string_view help) {
    row(name, "number " + short_number(low) + " … " + short_number(high), code(short_number(value)), help);
  }
  template <class T>
  void whole(std::string_view name, const T& value, std::int64_t low, std::int64_t high, std::string_view help) {
    row(name, "whole number " + std::to_string(low) + " … " + std::to_string(high), code(std::to_string(value)), help);
  }
  void size(std::string_view name, const std::size_t& value, std::size_t low, std::size_t high, std::string_view help) {
    row(name, "size " + size_text(low) + " … " + size_text(high), code(size_text(value)), help);
  }
  void duration(std::string_view name, const Duration& value, Duration low, Duration high, std::string_view help) {
    row(name, "duration " + duration_text(low) + " … " + duration_text(high), code(duration_text(value)), help);
  }
  void duration(std::string_view name, const std::optional<Duration>&, Duration low, Duration high,
                std::string_view help) {
    row(name, "duration " + duration_text(low) + " … " + duration_text(high), "", help);
  }
  void texts(std::string_view name, const std::vector<std::string>& value, std::size_t, std::string_view help) {
    row(name, "list of texts", value.empty() ? "" : code("[\"" + value.front() + "\"]"), help);
  }
  void reals(std::string_view name, const std::vector<double>&, std::size_t, double, double, std::string_view help) {
    row(name, "list of numbers", "", help);
  }
  void text_map(std::string_view name, const std::map<std::string, std::string>&, std::size_t, std::string_view help) {
    row(name, "map of texts", "", help);
  }
  template <class T, std::size_t kChoices>
  void choice(std::string_view name, const auto& value,
              const std::array<std::pair<std::string_view, T>, kChoices>& choices, std::string_view help) {
    std::string names, standard;
    for (const auto& [text, chosen] : choices) {
      names.append(names.empty() ? "" : ", ").append(text);
      if (chosen == value) standard = code(std::string(text));
    }
    row(name, names, standard, help);
  }
  void amounts(std::string_view name, const Amounts&, std::string_view help) { row(name, "amounts", "", help); }
  void limits(std::string_view name, const std::vector<ledger::Limit>&, std::string_view help) {
    row(name, "list of limits", "", help);
  }
  template <class T>
  void object(std::string_view name, T& value, std::string_view help) {
    row(name, "map", "", help);
    ReferenceWriter inner(path_ + std::string(name) + '.');
    describe(inner, value);
    rows += inner.rows;
  }
  template <class T>
  void objects(std::string_view name, std::vector<T>&, std::size_t at_most, std::string_view help) {
    row(name, "list, at most " + std::to_string(at_most), "", help);
    ReferenceWriter inner(path_ + std::string(name) + "[].");
    T value;
    describe(inner, value);
    rows += inner.rows;
  }

 private:
  static std::string code(const std::string& text) { return text.empty() ? "" : '`' + text + '`'; }
  static std::string short_number(double number) {
    return number == static_cast<double>(static_cast<std::int64_t>(number))
               ? std::to_string(static_cast<std::int64_t>(number))
               : decimal(number);
  }
  static std::string decimal(double number) {
    std::string text = std::to_string(number);
    text.erase(text.find_last_not_of('0') + 1);
    return text;
  }
  void row(std::string_view name, std::string_view type, std::string_view standard, std::string_view help) {
    rows.append("| `").append(path_).append(name).append("` | ").append(type).append(" | ");
    rows.append(standard).append(standard.empty() ? "| " : " | ").append(help).append(" |\n");
  }

  std::string path_;
};

json::object definitions() {
  json::object environment{
      {"type", "string"}, {"pattern", "\\$\\{"}, {"description", "A text with ${NAME} or ${NAME:-default}."}};
  json::object size{
      {"description", "Such as \"4 MiB\", \"512 kB\" or a number of bytes."},
      {"anyOf", json::array{json::object{{"type", "integer"}, {"minimum", 0}},
                            json::object{{"type", "string"}, {"pattern", "^ *[0-9]+ *(B|kB|MB|GB|KiB|MiB|GiB)? *$"}},
                            reference("environment")}}};
  json::object duration{{"description", "Such as \"30 s\", \"250 ms\", \"5 min\"."},
                        {"type", "string"},
                        {"pattern", "\\$\\{|^ *[0-9.]+[kMG]? *(us|ms|s|min|h|d) *$"}};
  json::object amounts{{"type", "string"}, {"description", "Such as \"0.002 usd, 1 calls\"."}};
  json::object limit{
      {"type", "string"},
      {"description", "An amount and a window: \"100 usd month Europe/Berlin\", \"60 calls rate 60 s\"."}};
  return {{"environment", std::move(environment)},
          {"size", std::move(size)},
          {"duration", std::move(duration)},
          {"amounts", std::move(amounts)},
          {"limit", std::move(limit)}};
}

void indent(std::string& out, std::size_t depth) { out.append("\n").append(depth * 2, ' '); }

void print(std::string& out, const json::value& value, std::size_t depth) {
  const bool small = (value.is_object() && value.get_object().size() <= 1) || value.is_array();
  if (value.is_object() && !value.get_object().empty() && !small) {
    out += '{';
    bool first = true;
    for (const auto& member : value.get_object()) {
      if (!std::exchange(first, false)) out += ',';
      indent(out, depth + 1);
      append_json_string(out, member.key());
      out += ": ";
      print(out, member.value(), depth + 1);
    }
    indent(out, depth);
    out += '}';
  } else {
    out += to_json(value);
  }
}

}  // namespace

std::string config_schema() {
  json::object schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                      {"title", "bursar.yaml"},
                      {"description", "Configuration of the Bursar gateway."}};
  for (auto& member : SchemaWriter::of<Config>()) schema[member.key()] = std::move(member.value());
  schema["$defs"] = definitions();
  std::string out;
  print(out, schema, 0);
  return out + '\n';
}

std::string config_reference() {
  ReferenceWriter writer("");
  Config config;
  describe(writer, config);
  return "| field | what it is | default | what it is for |\n| --- | --- | --- | --- |\n" + writer.rows;
}

}  // namespace bursar::broker
