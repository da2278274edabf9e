#include <charconv>
#include <cmath>

#include "bursar/cli/sim_model/mcp_tools.h"

namespace bursar::cli {
namespace {

constexpr int kDeepest = 64;

// sum = product { (+|-) product }   product = factor { (*|/) factor }   factor = [-] (number | "(" sum ")")
class Expression {
 public:
  explicit Expression(std::string_view text) : rest_(text) {}

  Result<double> whole() {
    auto value = sum(0);
    if (value && next() != '\0') return wrong();
    if (value && !std::isfinite(*value)) return invalid_argument("expression: has no finite value");
    return value;
  }

 private:
  char next() {
    while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
    return rest_.empty() ? '\0' : rest_.front();
  }
  [[nodiscard]] tl::unexpected<Error> wrong() const {
    return invalid_argument("expression: cannot be read from \"" + std::string(rest_.substr(0, 20)) + "\" on");
  }

  Result<double> sum(int depth) {
    auto value = product(depth);
    while (value && (next() == '+' || next() == '-')) {
      const double sign = take() == '+' ? 1 : -1;
      auto more = product(depth);
      if (!more) return more;
      *value += sign * *more;
    }
    return value;
  }
  Result<double> product(int depth) {
    auto value = factor(depth);
    while (value && (next() == '*' || next() == '/')) {
      const bool divides = take() == '/';
      auto more = factor(depth);
      if (!more) return more;
      if (divides && *more == 0) return invalid_argument("expression: divides by zero");
      *value = divides ? *value / *more : *value * *more;
    }
    return value;
  }
  Result<double> factor(int depth) {
    if (depth > kDeepest) return invalid_argument("expression: nests too deeply");
    if (next() == '-') {
      take();
      return factor(depth + 1).map([](double value) { return -value; });
    }
    if (next() == '(') {
      take();
      auto value = sum(depth + 1);
      if (value && next() != ')') return wrong();
      if (value) take();
      return value;
    }
    double value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc{}) return wrong();
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }
  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  std::string_view rest_;
};

}  // namespace

Result<double> calculate(std::string_view expression) { return Expression(expression).whole(); }

}  // namespace bursar::cli
