#include "bursar/cli/budget_tree.h"

#include <algorithm>
#include <map>
#include <ostream>

#include "bursar/cli/output.h"
#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

constexpr std::size_t kBarWidth = 20;

struct Node {
  std::string name;
  std::vector<const ledger::Standing*> limits;
  std::vector<Node> children;
  bool frozen = false;
};

Node& child_of(Node& parent, std::string_view name) {
  const auto found = std::ranges::find(parent.children, name, &Node::name);
  if (found != parent.children.end()) return *found;
  return parent.children.emplace_back(Node{.name = std::string(name)});
}

Node tree_of(const std::vector<ledger::Standing>& standings) {
  Node root;
  for (const auto& standing : standings) {
    Node* node = &root;
    for (std::string_view rest = standing.account; !rest.empty();) {
      const std::size_t end = std::min(rest.find('/'), rest.size());
      node = &child_of(*node, rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    node->limits.push_back(&standing);
    node->frozen = node->frozen || standing.frozen;
  }
  return root;
}

// The cells of one limit: resource, bar, spent of limit, what is left, remarks.
std::vector<std::string> cells_of(const ledger::Standing& s, WallTime now) {
  const Resource resource = s.limit.resource;
  std::string window = s.limit.window == ledger::Window{} ? "" : ' ' + ledger::to_string(s.limit.window);
  std::string left = number_text(resource, s.left) + " left";
  if (s.held > 0) left += ", " + number_text(resource, s.held) + " held";
  std::string remarks;
  const auto remark = [&](std::string_view text) { remarks.append(remarks.empty() ? "" : ", ").append(text); };
  if (s.overrun > 0) remark(number_text(resource, s.overrun) + " overrun");
  if (s.stranded > 0) remark(number_text(resource, s.stranded) + " stranded by a crash");
  if (s.refills_at && *s.refills_at > now && s.limit.window.kind != ledger::WindowKind::kRate) {
    remark("refills " + time_text(*s.refills_at));
  }
  return {std::string(resource.name()), bar(s.spent, s.held, s.limit.amount, kBarWidth),
          number_text(resource, s.spent) + " of " + number_text(resource, s.limit.amount) + ' ' +
              std::string(resource.name()) + window,
          left, remarks};
}

class Printer {
 public:
  Printer(const std::vector<ledger::Standing>& standings, WallTime now, std::ostream& out) : now_(now), out_(out) {
    for (const auto& standing : standings) {
      const auto cells = cells_of(standing, now);
      for (std::size_t i = 0; i < cells.size(); ++i) widths_[i] = std::max(widths_[i], display_width(cells[i]));
    }
  }

  void print(const Node& node, const std::string& before_name, const std::string& before_rest) {
    out_ << before_name << node.name << (node.frozen ? "  (frozen)" : "") << '\n';
    for (const auto* limit : node.limits) {
      std::string line = before_rest + (node.children.empty() ? "   " : "│  ");
      const auto cells = cells_of(*limit, now_);
      for (std::size_t i = 0; i < cells.size(); ++i)
        line += cells[i] + std::string(widths_[i] - display_width(cells[i]) + 2, ' ');
      line.erase(line.find_last_not_of(' ') + 1);
      out_ << line << '\n';
    }
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      const bool last = i + 1 == node.children.size();
      print(node.children[i], before_rest + (last ? "└─ " : "├─ "), before_rest + (last ? "   " : "│  "));
    }
  }

 private:
  WallTime now_;
  std::ostream& out_;
  std::map<std::size_t, std::size_t> widths_;
};

}  // namespace

void print_budget(const std::vector<ledger::Standing>& standings, WallTime now, std::ostream& out) {
  Printer printer(standings, now, out);
  for (const Node& root : tree_of(standings).children) printer.print(root, "", "");
}

std::string budget_json(const std::vector<ledger::Standing>& standings) {
  std::string out = "[";
  for (const auto& s : standings) {
    if (out.size() > 1) out += ',';
    out += "{\"account\":" + json_string(s.account) + ",\"resource\":" + json_string(s.limit.resource.name()) +
           ",\"window\":" + json_string(ledger::to_string(s.limit.window));
    for (const auto& [name, units] : {std::pair<const char*, std::int64_t>{"limit", s.limit.amount},
                                      {"spent", s.spent},
                                      {"held", s.held},
                                      {"left", s.left},
                                      {"overrun", s.overrun},
                                      {"stranded", s.stranded}}) {
      out += ",\"" + std::string(name) + "\":" + number_text(s.limit.resource, units);
    }
    out += ",\"refills_at\":" + (s.refills_at ? json_string(time_text(*s.refills_at)) : std::string("null")) +
           ",\"frozen\":" + (s.frozen ? "true}" : "false}");
  }
  return out + "]";
}

}  // namespace bursar::cli
