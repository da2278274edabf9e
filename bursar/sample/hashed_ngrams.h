// An embedding of text that needs no model: hashed character 3-grams. The default where no endpoint gives a better one.
//
//   const std::vector<float> e = embed_ngrams("add both sides");      // 512 numbers of length 1
//   double same = cosine(e, embed_ngrams("add both sides."));         // near 1
//
// Each 3-gram of the lower-cased text, white space run together, adds +1 or -1 at a hashed place; the result has length
// 1, or is all zeros for a text without letters. Its cosines are lower than a trained embedder's: begin at a similarity
// temperature of .1 where .01 is usual, or let calibrate_similarity choose. O(bytes). Source: systems/dora [choice].
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::sample {

[[nodiscard]] std::vector<float> embed_ngrams(std::string_view text, std::size_t dimensions = 512);

// 0 where one of them is all zeros; of the common length where they differ in length (callers check).
[[nodiscard]] double cosine(std::span<const float> a, std::span<const float> b);

// [k x k] from k embeddings of one length. One that is all zeros resembles nothing (-1) but itself. Errors:
// kInvalidArgument naming the embedding whose length differs or that is not finite. O(k^2 dimensions).
[[nodiscard]] Result<std::vector<double>> similarity_matrix(std::span<const std::span<const float>> embeddings);

// The similarity temperature at which the mean of 1 / uniqueness (the size of the direction as the soft weights see it)
// equals the mean size of the direction by `same` cosines, by bisection on [1e-4, 1e2].
[[nodiscard]] double calibrate_similarity(std::span<const double> similarity, std::size_t candidates,
                                          double same = .95);

}  // namespace bursar::sample
