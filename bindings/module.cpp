// The extension module: a table of contents.
#include "bindings.hpp"

#include "allomatch/kernel_choice.hpp"

PYBIND11_MODULE(_core, module, pybind11::mod_gil_not_used()) {
    using namespace allomatch;
    module.doc() = "The compiled core of allomatch. Use the package's own modules.";
    module.attr("__version__") = ALLOMATCH_VERSION;
    bindings::register_error(module);
    bindings::register_nomenclature(module);
    bindings::register_phenotype(module);
    bindings::register_match(module);
    bindings::register_registry(module);
    bindings::register_search(module);
    bindings::register_haplotypes(module);
    bindings::register_prediction(module);
    bindings::register_em(module);
    bindings::register_hits(module);
    module.def("active_kernel", &active_kernel_name);
    module.def("supported_kernels", &supported_kernels);
}
