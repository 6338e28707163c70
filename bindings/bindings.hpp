// What the binding files share: registration functions, calls without the GIL, views that keep their owner alive.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <exception>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "allomatch/error.hpp"
#include "allomatch/match.hpp"
#include "allomatch/parallel_for.hpp"

namespace allomatch::bindings {

namespace py = pybind11;

void register_error(py::module_& module);
void register_nomenclature(py::module_& module);
void register_phenotype(py::module_& module);
void register_match(py::module_& module);
void register_registry(py::module_& module);
void register_search(py::module_& module);
void register_haplotypes(py::module_& module);
void register_prediction(py::module_& module);
void register_em(py::module_& module);
void register_hits(py::module_& module);

[[nodiscard]] NullPolicy null_policy(std::string_view text);
[[nodiscard]] Direction direction(std::string_view text);
[[nodiscard]] MatchLevel match_level(std::string_view text);
[[nodiscard]] Profile profile(std::string_view text);

// Calls f(cancel) without the GIL. Ctrl-C (a pending Python signal) stops it within some 20 ms and is raised here,
// whatever else went wrong meanwhile: the poll took it from Python, so nobody else would hear of it.
template <typename Function>
auto released(Function f) {
    std::exception_ptr raised;
    const Cancel cancel([&raised] {
        const py::gil_scoped_acquire gil;
        if (PyErr_CheckSignals() == 0) return false;
        try {
            throw py::error_already_set();
        } catch (...) {
            raised = std::current_exception();
        }
        return true;
    });
    try {
        const py::gil_scoped_release release;
        return f(cancel);
    } catch (...) {
        if (raised) std::rethrow_exception(raised);
        throw;
    }
}

// A read-only NumPy array over memory that `owner` keeps alive.
template <typename T>
py::array view(std::span<const T> values, const py::handle& owner, std::vector<py::ssize_t> shape = {}) {
    if (shape.empty()) shape = {static_cast<py::ssize_t>(values.size())};
    py::array_t<T> array(shape, values.data(), owner);
    array.attr("setflags")(py::arg("write") = false);
    return array;
}

// A read-only NumPy array that owns its values.
template <typename T>
py::array own(std::vector<T> values, std::vector<py::ssize_t> shape = {}) {
    auto owned = std::make_unique<std::vector<T>>(std::move(values));
    const std::span<const T> span(*owned);
    const py::capsule owner(owned.get(), [](void* p) { delete static_cast<std::vector<T>*>(p); });
    (void)owned.release();  // the capsule's now
    return view(span, owner, std::move(shape));
}

}  // namespace allomatch::bindings
