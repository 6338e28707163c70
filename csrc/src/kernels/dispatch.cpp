// The list of kernels by name, what the machine supports, and the one choice.
#include <cstdlib>
#include <string>

#include "allomatch/error.hpp"
#include "allomatch/kernel_choice.hpp"
#include "kernels.hpp"

namespace allomatch {
namespace {

std::vector<const kernels::Kernels*> supported() {
    std::vector<const kernels::Kernels*> list{&kernels::kScalar};
#if defined(ALLOMATCH_HAVE_X86_KERNELS)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("sse4.2");
    if (avx2) list.push_back(&kernels::kAvx2);
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        list.push_back(&kernels::kAvx512);
    }
#endif
    return list;
}

const kernels::Kernels& choose() {
    // Read once, before any thread of ours exists.
    const char* wanted = std::getenv("ALLOMATCH_ISA");  // NOLINT(concurrency-mt-unsafe)
    if (wanted != nullptr && *wanted != '\0') return kernels_named(wanted);
    return *supported().back();
}

}  // namespace

const kernels::Kernels& kernels_named(std::string_view name) {
    std::string known;
    for (const kernels::Kernels* each : supported()) {
        if (name == each->name) return *each;
        known += known.empty() ? "" : ", ";
        known += each->name;
    }
    throw Error(ErrorCode::UnknownKernel, "ALLOMATCH_ISA=" + shown(name) +
                                              " is not a kernel that this machine can run; it can run " + known +
                                              "; unset it to use the best");
}

const kernels::Kernels& active_kernels() {
    static const kernels::Kernels& chosen = choose();
    return chosen;
}

std::string_view active_kernel_name() {
    return active_kernels().name;
}

std::vector<std::string_view> supported_kernels() {
    std::vector<std::string_view> names;
    for (const kernels::Kernels* each : supported()) names.emplace_back(each->name);
    return names;
}

}  // namespace allomatch
