#include "bursar/sample/hashed_ngrams.h"

#include <Eigen/Core>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <string>

namespace bursar::sample {
namespace {

// FNV-1a, with a last mix so that neighbouring texts do not fall into neighbouring places.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  h ^= h >> 32;
  h *= 0xd6e8feb86659fd93;
  return h ^ (h >> 32);
}

std::string folded(std::string_view text) {
  std::string out(1, ' ');
  for (const char c : text) {
    const bool blank = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (blank && out.back() == ' ') continue;
    out.push_back(blank ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  }
  if (out.back() != ' ') out.push_back(' ');
  return out;
}

}  // namespace

std::vector<float> embed_ngrams(std::string_view text, std::size_t dimensions) {
  std::vector<float> out(std::max<std::size_t>(dimensions, 1), 0);
  const std::string plain = folded(text);
  for (std::size_t i = 0; i + 3 <= plain.size(); ++i) {
    const std::uint64_t h = hash_of(std::string_view(plain).substr(i, 3));
    out[(h >> 1) % out.size()] += (h & 1) != 0 ? 1.0F : -1.0F;
  }
  double length = 0;
  for (const float x : out) length += static_cast<double>(x) * x;
  if (length == 0) return out;
  const auto scale = static_cast<float>(1 / std::sqrt(length));
  for (float& x : out) x *= scale;
  return out;
}

double cosine(std::span<const float> a, std::span<const float> b) {
  double dot = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    dot += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return aa == 0 || bb == 0 ? 0 : std::clamp(dot / std::sqrt(aa * bb), -1.0, 1.0);
}

Result<std::vector<double>> similarity_matrix(std::span<const std::span<const float>> embeddings) {
  const std::size_t k = embeddings.size(), dimensions = k > 0 ? embeddings[0].size() : 0;
  using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Rows unit(static_cast<Eigen::Index>(k), static_cast<Eigen::Index>(dimensions));
  std::vector<bool> empty(k);
  for (std::size_t i = 0; i < k; ++i) {
    if (embeddings[i].size() != dimensions)
      return invalid_argument("embedding " + std::to_string(i) + " has " + std::to_string(embeddings[i].size()) +
                              " numbers, and the first one " + std::to_string(dimensions));
    double length = 0;
    for (const float x : embeddings[i]) length += static_cast<double>(x) * x;
    if (!std::isfinite(length)) return invalid_argument("embedding " + std::to_string(i) + " is not finite");
    empty[i] = length == 0;
    const auto scale = empty[i] ? 0.0F : static_cast<float>(1 / std::sqrt(length));
    for (std::size_t d = 0; d < dimensions; ++d) {
      unit(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(d)) = embeddings[i][d] * scale;
    }
  }
  Rows dots = Rows::Zero(unit.rows(), unit.rows());
  dots.selfadjointView<Eigen::Lower>().rankUpdate(unit);
  std::vector<double> out(k * k, 1);
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double dot = empty[i] || empty[j] ? -1 : dots(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j));
      out[i * k + j] = out[j * k + i] = std::clamp(dot, -1.0, 1.0);
    }
  }
  return out;
}

double calibrate_similarity(std::span<const double> similarity, std::size_t candidates, double same) {
  if (candidates == 0) return .01;
  double wanted = 0;
  for (const double s : similarity) wanted += s > same ? 1 : 0;
  const auto size_at = [&](double temperature) {
    double sum = 0;
    for (std::size_t i = 0; i < candidates; ++i) {
      const double own = similarity[i * candidates + i];
      for (std::size_t j = 0; j < candidates; ++j)
        sum += std::exp((similarity[i * candidates + j] - own) / temperature);
    }
    return sum;
  };
  double low = 1e-4, high = 1e2;  // sizes grow with the temperature
  for (int i = 0; i < 60; ++i) {
    const double middle = std::sqrt(low * high);
    (size_at(middle) < wanted ? low : high) = middle;
  }
  return std::sqrt(low * high);
}

}  // namespace bursar::sample
