// The Arrow C data interface (its specification gives this struct to be copied), and columns read through it.
#pragma once

#include <cstdint>

#include "bindings.hpp"

extern "C" {
struct ArrowArray {
    std::int64_t length;
    std::int64_t null_count;
    std::int64_t offset;
    std::int64_t n_buffers;
    std::int64_t n_children;
    const void** buffers;
    struct ArrowArray** children;
    struct ArrowArray* dictionary;
    void (*release)(struct ArrowArray*);
    void* private_data;
};
}

namespace allomatch::bindings {

// Borrowed from the capsule pair of __arrow_c_array__, which stays alive in `owner`.
class ArrowColumn {
  public:
    explicit ArrowColumn(const py::object& array) : owner_(array.attr("__arrow_c_array__")()) {
        const auto capsule = py::reinterpret_borrow<py::capsule>(py::tuple(owner_)[1]);
        array_ = static_cast<const ArrowArray*>(PyCapsule_GetPointer(capsule.ptr(), "arrow_array"));
        if (array_ == nullptr) throw py::error_already_set();
    }
    [[nodiscard]] const ArrowArray& array() const noexcept { return *array_; }
    [[nodiscard]] std::size_t length() const noexcept { return static_cast<std::size_t>(array_->length); }

  private:
    py::object owner_;
    const ArrowArray* array_;
};

}  // namespace allomatch::bindings
