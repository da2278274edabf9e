// One function a file of bindings: adds what that file wraps to the module bursar._native.
#pragma once

#include <pybind11/pybind11.h>

namespace bursar::python {

void bind_agree(pybind11::module_& module);
void bind_choice(pybind11::module_& module);
void bind_config_search(pybind11::module_& module);
void bind_curves(pybind11::module_& module);
void bind_equitable(pybind11::module_& module);
void bind_guidance(pybind11::module_& module);
void bind_policy(pybind11::module_& module);
void bind_private_best_arm(pybind11::module_& module);
void bind_replay(pybind11::module_& module);
void bind_rollouts(pybind11::module_& module);
void bind_sample(pybind11::module_& module);
void bind_schedule(pybind11::module_& module);
void bind_splits(pybind11::module_& module);

}  // namespace bursar::python
