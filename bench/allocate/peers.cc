#include "bench/allocate/peers.h"

#include <algorithm>
#include <limits>
#include <string>

#ifdef BURSAR_HAVE_CBC
#include <coin/Cbc_C_Interface.h>
#endif
#ifdef BURSAR_HAVE_GLPK
#include <glpk.h>
#endif

namespace bursar::bench {

bool have_cbc() {
#ifdef BURSAR_HAVE_CBC
  return true;
#else
  return false;
#endif
}

bool have_glpk() {
#ifdef BURSAR_HAVE_GLPK
  return true;
#else
  return false;
#endif
}

Answer solve_by_cbc([[maybe_unused]] const std::vector<double>& value, [[maybe_unused]] const std::vector<double>& cost,
                    [[maybe_unused]] std::size_t width, [[maybe_unused]] double budget,
                    [[maybe_unused]] double limit_s) {
  Answer a;
#ifdef BURSAR_HAVE_CBC
  const int columns = static_cast<int>(value.size()), items = width == 0 ? 0 : columns / static_cast<int>(width);
  std::vector<int> start{0}, row;
  std::vector<double> element, lower(value.size(), 0.0), upper(value.size(), 1.0);
  std::vector<double> row_lower(static_cast<std::size_t>(items) + 1, 1.0),
      row_upper(static_cast<std::size_t>(items) + 1, 1.0);
  row_lower[0] = -std::numeric_limits<double>::infinity();
  row_upper[0] = budget;
  for (int j = 0; j < columns; ++j) {
    row.push_back(0);
    element.push_back(cost[static_cast<std::size_t>(j)]);
    if (width != 0) {
      row.push_back(1 + j / static_cast<int>(width));
      element.push_back(1);
    }
    start.push_back(static_cast<int>(row.size()));
  }
  Cbc_Model* model = Cbc_newModel();
  Cbc_setLogLevel(model, 0);
  Cbc_loadProblem(model, columns, items + 1, start.data(), row.data(), element.data(), lower.data(), upper.data(),
                  value.data(), row_lower.data(), row_upper.data());
  Cbc_setObjSense(model, -1);
  for (int j = 0; j < columns; ++j) Cbc_setInteger(model, j);
  Cbc_setParameter(model, "log", "0");
  Cbc_setParameter(model, "ratio", "0");
  Cbc_setParameter(model, "sec", std::to_string(limit_s).c_str());
  const double begin = now_s();
  Cbc_solve(model);
  a.seconds = now_s() - begin;
  a.value = Cbc_getObjValue(model);
  a.bound = Cbc_getBestPossibleObjValue(model);
  a.stop = Cbc_isProvenOptimal(model) != 0 ? 0 : 1;
  Cbc_deleteModel(model);
#endif
  return a;
}

Answer solve_by_glpk([[maybe_unused]] const std::vector<double>& value,
                     [[maybe_unused]] const std::vector<double>& cost, [[maybe_unused]] std::size_t width,
                     [[maybe_unused]] double budget, [[maybe_unused]] double limit_s) {
  Answer a;
#ifdef BURSAR_HAVE_GLPK
  const int columns = static_cast<int>(value.size()), items = width == 0 ? 0 : columns / static_cast<int>(width);
  glp_term_out(GLP_OFF);
  glp_prob* p = glp_create_prob();
  glp_set_obj_dir(p, GLP_MAX);
  glp_add_rows(p, items + 1);
  glp_set_row_bnds(p, 1, GLP_UP, 0, budget);
  for (int i = 0; i < items; ++i) glp_set_row_bnds(p, 2 + i, GLP_FX, 1, 1);
  glp_add_cols(p, columns);
  for (int j = 0; j < columns; ++j) {
    glp_set_col_kind(p, j + 1, GLP_BV);
    glp_set_obj_coef(p, j + 1, value[static_cast<std::size_t>(j)]);
    const int rows[3] = {0, 1, width == 0 ? 0 : 2 + j / static_cast<int>(width)};
    const double elements[3] = {0, cost[static_cast<std::size_t>(j)], 1};
    glp_set_mat_col(p, j + 1, width == 0 ? 1 : 2, rows, elements);
  }
  glp_iocp options;
  glp_init_iocp(&options);
  options.presolve = GLP_ON;
  options.msg_lev = GLP_MSG_OFF;
  options.tm_lim = static_cast<int>(limit_s * 1000);
  static double bound;
  bound = std::numeric_limits<double>::infinity();
  // What is left open when the time is up bounds what could still be found.
  options.cb_func = [](glp_tree* tree, void*) {
    if (const int node = glp_ios_best_node(tree); node != 0) bound = glp_ios_node_bound(tree, node);
  };
  const double begin = now_s();
  const int code = glp_intopt(p, &options);
  a.seconds = now_s() - begin;
  a.value = glp_mip_obj_val(p);
  a.stop = code == 0 && glp_mip_status(p) == GLP_OPT ? 0 : 1;
  a.bound = a.stop == 0 ? a.value : bound;
  glp_delete_prob(p);
#endif
  return a;
}

}  // namespace bursar::bench
