#include "python/native/failure.h"

namespace bursar::python {
namespace py = pybind11;

namespace {

void raise(std::string_view code, const Error& error) {
  const py::object wait = error.retry_after
                              ? py::object(py::float_(std::chrono::duration<double>(*error.retry_after).count()))
                              : py::object(py::none());
  const py::object made = py::module_::import("bursar.errors")
                              .attr("error_of")(py::str(code.data(), code.size()), py::str(error.message),
                                                error.retryable, wait, error.payload);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(made.ptr())), made.ptr());
}

}  // namespace

void bind_failures(py::module_&) {
  py::register_local_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const Failure& failure) {
      raise(name_of(failure.error().code), failure.error());
    } catch (const WrongType& wrong) {
      raise("wrong_type", {.code = ErrorCode::kInvalidArgument, .message = wrong.what()});
    }
  });
}

}  // namespace bursar::python
