// Which kernels run: the best that this machine supports, or the one that ALLOMATCH_ISA names. The only global state.
#pragma once

#include <string_view>
#include <vector>

namespace allomatch {

namespace kernels {
struct Kernels;
}

// Chosen once, at the first call. Throws UnknownKernel if ALLOMATCH_ISA names none, or one that this machine cannot
// run.
[[nodiscard]] const kernels::Kernels& active_kernels();
[[nodiscard]] std::string_view active_kernel_name();
// Names of those that this machine can run, the plainest first.
[[nodiscard]] std::vector<std::string_view> supported_kernels();
// For tests of single kernels; throws UnknownKernel.
[[nodiscard]] const kernels::Kernels& kernels_named(std::string_view name);

}  // namespace allomatch
