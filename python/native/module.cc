// bursar._native: what the modules of the package bursar call. Its functions take arrays and plain values and return
// dicts; names, defaults and words for people are in python/bursar/*.py, types in python/bursar/_native.pyi.
#include "python/native/module.h"

#include "python/native/failure.h"

PYBIND11_MODULE(_native, module) {
  module.doc() = "Compiled part of bursar; use bursar.allocate, bursar.admit, … instead.";
  module.attr("version") = BURSAR_VERSION;
  bursar::python::bind_failures(module);
  bursar::python::bind_agree(module);
  bursar::python::bind_choice(module);
  bursar::python::bind_config_search(module);
  bursar::python::bind_curves(module);
  bursar::python::bind_equitable(module);
  bursar::python::bind_guidance(module);
  bursar::python::bind_policy(module);
  bursar::python::bind_private_best_arm(module);
  bursar::python::bind_replay(module);
  bursar::python::bind_rollouts(module);
  bursar::python::bind_sample(module);
  bursar::python::bind_schedule(module);
  bursar::python::bind_splits(module);
}
