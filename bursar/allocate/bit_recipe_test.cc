// The allocation of systems/alphaq, with its sensitivities given: s_i = (median alpha / alpha_i)^gamma, cost of b bits
// s_i v_i 4^-b, at most mean x items bits in all. The published recipe of a large mixture of experts is the oracle.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>

#include "bursar/allocate/format/csv_rows.h"
#include "bursar/allocate/multiple_choice.h"

namespace bursar::allocate {
namespace {

struct Matrices {
  std::vector<double> alpha, variance;
  std::vector<int> bits;  // as published

  [[nodiscard]] std::vector<double> weights(double gamma) const {
    std::vector<double> sorted = alpha, weight;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::ranges::nth_element(sorted, middle);
    for (std::size_t i = 0; i < alpha.size(); ++i)
      weight.push_back(std::pow(*middle / alpha[i], gamma) * std::max(variance[i], 1e-12));
    return weight;
  }
};

struct Recipe {
  std::vector<int> bits;
  double noise = 0;
};

Recipe allocate_bits(const std::vector<double>& weight, const std::vector<int>& widths, double mean) {
  std::vector<double> value, cost;
  for (const double w : weight) {
    for (const int b : widths) value.push_back(-w * std::pow(4, -b)), cost.push_back(b);
  }
  const auto best = multiple_choice({.value = value, .cost = cost, .width = widths.size()},
                                    std::floor(mean * static_cast<double>(weight.size())), {.relative_gap = 0});
  EXPECT_TRUE(best) << best.error().message;
  EXPECT_LE(relative_gap(best->value, best->bound), 1e-12);
  Recipe recipe{.noise = -best->value};
  for (const auto k : best->choice) recipe.bits.push_back(widths[k]);
  return recipe;
}

double share_equal(const std::vector<int>& a, const std::vector<int>& b) {
  double equal = 0;
  for (std::size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i];
  return equal / static_cast<double>(a.size());
}

// Rows of a CSV file, keyed by the first field.
std::map<std::string, std::vector<std::string>> rows_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  CsvRows rows(from_text(text));
  std::map<std::string, std::vector<std::string>> out;
  for (auto more = rows.next(); more && *more; more = rows.next())
    out[std::string(rows.fields()[0])] = {rows.fields().begin(), rows.fields().end()};
  return out;
}

double number(const std::string& text) {
  double x = std::nan("");
  std::from_chars(text.data(), text.data() + text.size(), x);
  return x;
}

TEST(BitRecipe, AgreesWithThePublishedOne) {
  const char* shared = std::getenv("BURSAR_SHARED");
  const auto folder = std::filesystem::path(shared == nullptr ? "../shared" : shared) / "data";
  if (!std::filesystem::exists(folder / "alphaq-qwen3-alpha.csv")) GTEST_SKIP() << "no published recipe in " << folder;
  const auto alphas = rows_of(folder / "alphaq-qwen3-alpha.csv"),
             recipe = rows_of(folder / "alphaq-qwen3-recipe-3.5.csv");
  Matrices m;
  for (const auto& [name, row] : recipe) {
    if (name == "name") continue;
    const auto found = alphas.find(name);
    ASSERT_NE(found, alphas.end()) << name;
    m.alpha.push_back(number(found->second.at(3)));
    m.variance.push_back(number(found->second.at(4)));
    m.bits.push_back(static_cast<int>(number(row.at(1))));
  }
  ASSERT_EQ(m.bits.size(), 3086U);
  const auto weight = m.weights(10);
  double published = 0;
  for (std::size_t i = 0; i < weight.size(); ++i) published += weight[i] * std::pow(4, -m.bits[i]);
  const Recipe ours = allocate_bits(weight, {2, 3, 4}, 3.5);
  EXPECT_LE(ours.noise, published * (1 + 1e-9));
  EXPECT_NEAR(ours.noise / published, .99997, 5e-6);
  EXPECT_GE(share_equal(ours.bits, m.bits), .995);
  // The sheet's prototype: .9961 of the items, 1,676 / 1,277 / 133 at 4, 3 and 2 bits.
  EXPECT_NEAR(share_equal(ours.bits, m.bits), .9961, 1e-4);
  EXPECT_EQ(std::ranges::count(ours.bits, 4), 1676);
  EXPECT_EQ(std::ranges::count(ours.bits, 3), 1277);
  EXPECT_EQ(std::ranges::count(ours.bits, 2), 133);
  EXPECT_NEAR(share_equal(allocate_bits(weight, {2, 3, 4, 8}, 3.5).bits, m.bits), .9925, 1e-4);
  EXPECT_NEAR(share_equal(allocate_bits(m.weights(5), {2, 3, 4}, 3.5).bits, m.bits), .9196, 1e-4);
  EXPECT_NEAR(share_equal(allocate_bits(m.weights(20), {2, 3, 4}, 3.5).bits, m.bits), .8140, 1e-4);
}

}  // namespace
}  // namespace bursar::allocate
