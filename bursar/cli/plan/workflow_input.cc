#include "bursar/cli/plan/workflow_input.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "bursar/broker/config/yaml_tree.h"
#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

namespace json = boost::json;
using broker::YamlNode;

constexpr std::size_t kMostBytes = 64 << 20;

template <class Number>
bool reads_as(std::string_view text, Number& number) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

json::value scalar_of(const YamlNode& node) {
  if (node.quoted) return json::value(node.text);
  if (node.text == "true" || node.text == "false") return node.text == "true";
  if (node.text == "null" || node.text == "~" || node.text.empty()) return nullptr;
  std::int64_t whole = 0;
  if (reads_as(node.text, whole)) return whole;
  double number = 0;
  // "nan" and "inf" are numbers to from_chars, and texts here.
  if (reads_as(node.text, number) && std::isfinite(number) && node.text.find_first_of("0123456789") == 0) return number;
  if (node.text.starts_with('.') || node.text.starts_with('-')) {
    if (reads_as(node.text, number) && std::isfinite(number)) return number;
  }
  return json::value(node.text);
}

json::value value_of(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull: return nullptr;
    case YamlNode::Kind::kScalar: return scalar_of(node);
    case YamlNode::Kind::kList: {
      json::array out;
      for (const YamlNode& item : node.items) out.push_back(value_of(item));
      return out;
    }
    case YamlNode::Kind::kMap: {
      json::object out;
      for (std::size_t i = 0; i < node.items.size(); ++i) out[node.keys[i].text] = value_of(node.items[i]);
      return out;
    }
  }
  return nullptr;
}

Result<std::string> text_of(const std::string& path) {
  std::error_code code;
  if (path != "-" && std::filesystem::is_directory(path, code))
    return fail(ErrorCode::kUnavailable, path + ": is a folder");
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  if (path != "-" && !file) return fail(ErrorCode::kUnavailable, path + ": cannot be opened: " + std::strerror(errno));
  std::istream& in = path == "-" ? std::cin : file;
  std::string out(1 << 16, '\0');
  std::size_t size = 0;
  while (in.read(out.data() + size, static_cast<std::streamsize>(out.size() - size)) || in.gcount() > 0) {
    size += static_cast<std::size_t>(in.gcount());
    if (size > kMostBytes) return invalid_argument(path + ": has more than 64 MiB");
    if (size == out.size()) out.resize(2 * size);
  }
  if (in.bad()) return fail(ErrorCode::kUnavailable, path + ": cannot be read");
  out.resize(size);
  return out;
}

}  // namespace

Result<json::value> json_of_yaml(std::string_view text, std::string_view file_name) {
  const auto root = broker::parse_yaml(text, file_name);
  if (!root) return tl::unexpected(root.error());
  return value_of(*root);
}

Result<plan::WorkflowFile> read_workflow_file(const std::string& path) {
  const auto text = text_of(path);
  if (!text) return tl::unexpected(text.error());
  const auto first = text->find_first_not_of(" \t\r\n");
  const bool is_json = first != std::string::npos && (*text)[first] == '{';
  const auto named = [&](Error error) { return tl::unexpected(with_context(path, std::move(error))); };
  if (is_json) {
    auto file = plan::read_workflow(*text);
    return file ? Result<plan::WorkflowFile>(std::move(file)) : named(file.error());
  }
  const auto document = json_of_yaml(*text, path);
  if (!document) return tl::unexpected(document.error());  // it names the file itself
  auto file = plan::read_workflow(JsonView(*document));
  return file ? Result<plan::WorkflowFile>(std::move(file)) : named(file.error());
}

}  // namespace bursar::cli
