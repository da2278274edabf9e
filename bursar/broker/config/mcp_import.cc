#include "bursar/broker/config/mcp_import.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <map>
#include <set>

#include "bursar/broker/telemetry/log.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxBytes = 1 << 20;
constexpr std::size_t kMaxServers = 256;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
std::string_view view(const json::string& text) { return {text.data(), text.size()}; }
std::string_view view(boost::json::string_view text) { return {text.data(), text.size()}; }

// "github-token" -> "GITHUB_TOKEN"
std::string variable_name(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 64)) {
    out += is_letter(c) || is_digit(c) ? static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) : '_';
  }
  if (out.empty() || is_digit(out[0])) out.insert(0, "_");
  return out;
}

bool is_plain_yaml(std::string_view text) {
  if (text.empty() || !(is_letter(text[0]) || text[0] == '/')) return false;
  if (!std::ranges::all_of(text, [](char c) {
        return is_letter(c) || is_digit(c) || std::string_view("_./-").find(c) != std::string_view::npos;
      })) {
    return false;
  }
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  constexpr std::array<std::string_view, 8> kWords = {"true", "false", "null", "yes", "no", "on", "off", "y"};
  return std::ranges::find(kWords, lower) == kWords.end() && lower != "n";
}

// JSON texts are YAML texts in double quotes.
std::string yaml_text(std::string_view text) { return is_plain_yaml(text) ? std::string(text) : json_string(text); }

bool has_variable(std::string_view text) {
  for (std::size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${", at + 1)) {
    if (at == 0 || text[at - 1] != '$') return true;
  }
  return false;
}

bool holds_a_secret(std::string_view name, std::string_view value) {
  if (value.empty() || has_variable(value)) return false;
  return names_a_secret(name) || redacted(value) != value;
}

class Importer {
 public:
  Result<Imported> run(const json::object& servers) {
    if (servers.size() > kMaxServers) return invalid_argument("more than 256 servers; split the file");
    out_.yaml = "# Taken over by `bursar import`. All fields: docs/configuration.md\nupstreams:\n";
    if (servers.empty()) out_.yaml = "upstreams: []\n";
    for (const auto& member : servers) {
      server_ = std::string(view(member.key()));
      if (auto ok = add_server(member.value()); !ok)
        return tl::unexpected(with_context("server \"" + server_.substr(0, 64) + "\"", ok.error()));
    }
    for (const auto& variable : to_set_)
      out_.notes.push_back("set " + variable.first + " in the environment of the gateway: " + variable.second);
    return std::move(out_);
  }

 private:
  void note(std::string_view what) {
    out_.notes.push_back("server \"" + server_.substr(0, 64) + "\": " + std::string(what));
  }

  Result<void> add_server(const json::value& value) {
    if (!value.is_object()) return invalid_argument("must be an object");
    const json::object& server = value.get_object();
    const auto* disabled = server.if_contains("disabled");
    if (disabled != nullptr && disabled->is_bool() && disabled->get_bool()) {
      note("is disabled and was left out");
      return {};
    }
    const auto command = text_of(server, "command"), url = text_of(server, "url");
    if (command.empty() == url.empty()) return invalid_argument("needs a command or a url");
    if (!url.empty() && !url.starts_with("http://") && !url.starts_with("https://") && !has_variable(url)) {
      return invalid_argument("url must begin with http:// or https://");
    }
    if (text_of(server, "type") == "sse") note("used the old SSE transport; the gateway speaks streamable HTTP to it");
    if (server.contains("envFile"))
      note("its envFile is not read; set its variables in the environment of the gateway");
    out_.yaml += "  - name: " + yaml_text(name_for(server_)) + '\n';
    return url.empty() ? add_program(server, command) : add_address(server, url);
  }

  Result<void> add_program(const json::object& server, std::string_view command) {
    field("command", value_of("command", command));
    if (const auto* args = server.if_contains("args")) {
      if (!args->is_array()) return invalid_argument("args must be a list of texts");
      if (auto ok = add_args(args->get_array()); !ok) return ok;
    }
    if (auto ok = add_map(server, "env"); !ok) return ok;
    if (const auto directory = text_of(server, "cwd"); !directory.empty())
      field("directory", value_of("directory", directory));
    return {};
  }

  Result<void> add_address(const json::object& server, std::string_view url) {
    field("url", url_of(url));
    return add_map(server, "headers");
  }

  Result<void> add_args(const json::array& args) {
    std::string list;
    std::string before;  // "--token": what follows it is a secret
    for (const auto& arg : args) {
      if (!arg.is_string()) return invalid_argument("args must be a list of texts");
      const std::string_view text = view(arg.get_string());
      const std::size_t equals = text.starts_with("-") ? text.find('=') : std::string_view::npos;
      std::string value;
      if (equals != std::string_view::npos) {
        value = std::string(text.substr(0, equals + 1)) +
                value_of(option_name(text.substr(0, equals)), text.substr(equals + 1));
      } else {
        value = value_of(text.starts_with("-") ? "" : before, text);
      }
      before = text.starts_with("-") ? option_name(text) : "";
      list.append(list.empty() ? "" : ", ").append(yaml_text(value));
    }
    out_.yaml += "    args: [" + list + "]\n";
    return {};
  }

  static std::string option_name(std::string_view option) {
    return std::string(option.substr(std::min(option.find_first_not_of('-'), option.size())));
  }

  Result<void> add_map(const json::object& server, std::string_view name) {
    const auto* map = server.if_contains(name);
    if (map == nullptr) return {};
    if (!map->is_object()) return invalid_argument(std::string(name) + " must be an object");
    if (map->get_object().empty()) return {};
    out_.yaml += "    " + std::string(name) + ":\n";
    for (const auto& member : map->get_object()) {
      const std::string key(view(member.key()));
      const json::value& value = member.value();
      if (!value.is_primitive() || value.is_null())
        return invalid_argument(std::string(name) + '.' + key + " must be a text");
      const std::string text = value.is_string() ? std::string(view(value.get_string())) : to_json(value);
      out_.yaml += "      " + yaml_text(key) + ": " + yaml_text(value_of(key, text)) + '\n';
    }
    return {};
  }

  void field(std::string_view name, std::string_view value) {
    out_.yaml.append("    ").append(name).append(": ").append(yaml_text(value)).append("\n");
  }

  static std::string_view text_of(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? view(value->get_string()) : std::string_view();
  }

  std::string name_for(std::string_view wanted) {
    std::string name;
    for (const char c : wanted.substr(0, 28)) {
      const char low = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      name += is_letter(low) || is_digit(low) || low == '_' || low == '-' ? low : '-';
    }
    if (name.empty()) name = "server";
    const std::string base = name;
    for (int i = 2; !names_.insert(name).second; ++i) name = base + '-' + std::to_string(i);
    if (name != wanted) note("is called " + name + " here");
    return name;
  }

  // The value with our form of variables, and with a variable in the place of a secret.
  std::string value_of(std::string_view name, std::string_view value) {
    const std::string ours = with_our_variables(value);
    if (!holds_a_secret(name, ours)) return ours;
    std::string_view intro;
    for (const std::string_view scheme : {"Bearer ", "bearer ", "Basic ", "Token "}) {
      if (ours.starts_with(scheme)) intro = std::string_view(ours).substr(0, scheme.size());
    }
    return std::string(intro) + "${" + variable_for(name, std::string_view(ours).substr(intro.size())) + '}';
  }

  // Two servers that keep different secrets under one name get a variable each.
  std::string variable_for(std::string_view name, std::string_view secret) {
    std::string variable = variable_name(name);
    const bool general = name.empty() || name.find('_') == std::string_view::npos;  // "Authorization", "token"
    if (general) variable = variable_name(server_ + '_' + std::string(name.empty() ? "secret" : name));
    for (int i = 2; secrets_.contains(variable) && secrets_[variable] != secret; ++i) {
      variable = variable_name(server_ + '_' + std::string(name)) + (i > 2 ? '_' + std::to_string(i) : "");
    }
    secrets_[variable] = std::string(secret);
    to_set_.try_emplace(variable, "its value stood in the file, for server \"" + server_.substr(0, 64) + "\"");
    return variable;
  }

  std::string url_of(std::string_view url) {
    const std::size_t query = url.find('?');
    std::string out = with_our_variables(url.substr(0, query));
    if (query == std::string_view::npos) return out;
    char separator = '?';
    for (std::string_view rest = url.substr(query + 1);;) {
      const std::string_view pair = rest.substr(0, rest.find('&'));
      const std::size_t equals = std::min(pair.find('='), pair.size());
      out += separator + std::string(pair.substr(0, equals));
      if (equals < pair.size()) out += '=' + value_of(pair.substr(0, equals), pair.substr(equals + 1));
      if (pair.size() == rest.size()) return out;
      rest.remove_prefix(pair.size() + 1);
      separator = '&';
    }
  }

  std::string with_our_variables(std::string_view text) {
    std::string out;
    for (std::size_t at; (at = text.find("${")) != std::string_view::npos;) {
      const std::size_t end = text.find('}', at);
      out += text.substr(0, at);
      if (end == std::string_view::npos) {
        text.remove_prefix(at + 2);
        out += "$${";
        continue;
      }
      out += our_variable(text.substr(at + 2, end - at - 2));
      text.remove_prefix(end + 1);
    }
    return out.append(text);
  }

  std::string our_variable(std::string_view inside) {
    const auto set = [&](std::string_view name, std::string_view why) {
      const std::string variable = variable_name(name);
      to_set_.try_emplace(variable, std::string(why) + " of server \"" + server_.substr(0, 64) + '"');
      return "${" + variable + '}';
    };
    if (inside.starts_with("input:")) return set(inside.substr(6), "an input");
    if (inside.starts_with("env:")) return set(inside.substr(4), "a variable");
    if (inside == "userHome") return "${HOME}";
    if (inside == "workspaceFolder" || inside == "cwd") return set("WORKSPACE_FOLDER", "the workspace's folder");
    const std::string_view name = inside.substr(0, inside.find(":-"));
    const bool plain = !name.empty() && !is_digit(name[0]) &&
                       std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
    if (plain) return "${" + std::string(inside) + '}';
    note("${" + std::string(inside.substr(0, 64)) + "} is not known here and stays as it is");
    return "$${" + std::string(inside) + '}';
  }

  Imported out_;
  std::string server_;
  std::set<std::string> names_;
  std::map<std::string, std::string> secrets_;  // variable -> what stood in the file
  std::map<std::string, std::string> to_set_;   // variable -> what it is
};

const json::object* servers_of(const json::object& root) {
  for (const char* name : {"mcpServers", "servers"}) {
    const auto* servers = root.if_contains(name);
    if (servers != nullptr && servers->is_object()) return &servers->get_object();
  }
  const auto* inner = root.if_contains("mcp");  // VS Code's settings.json
  return inner != nullptr && inner->is_object() ? servers_of(inner->get_object()) : nullptr;
}

}  // namespace

Result<Imported> import_mcp(std::string_view text) {
  if (text.size() > kMaxBytes) return invalid_argument("longer than 1 MiB");
  json::parse_options options;
  options.allow_comments = true;
  options.allow_trailing_commas = true;
  options.max_depth = 32;
  boost::system::error_code error;
  const json::value root = json::parse(boost::json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return invalid_argument("no valid JSON: " + error.message());
  const json::object* servers = root.is_object() ? servers_of(root.get_object()) : nullptr;
  if (servers == nullptr)
    return invalid_argument("has neither \"mcpServers\" (Claude, Cursor) nor \"servers\" (VS Code)");
  return Importer().run(*servers);
}

std::string export_mcp(const Config& config, std::string_view gateway_url) {
  json::object servers;
  const bool keys = !config.identity.development;
  for (const auto& upstream : config.upstreams) {
    json::object server{{"type", "http"}, {"url", std::string(gateway_url) + "/mcp/" + upstream.name}};
    if (keys) server["headers"] = json::object{{"Authorization", "Bearer ${BURSAR_KEY}"}};
    servers[upstream.name] = std::move(server);
  }
  return to_json(json::value(json::object{{"mcpServers", std::move(servers)}})) + '\n';
}

}  // namespace bursar::broker
